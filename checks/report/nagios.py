"""One line with figures, and the four exit codes, for monitoring that runs plug-ins: Nagios, Icinga, Zabbix, Sensu.

The codes are theirs and not ours, since that is what such a monitor goes by. A runbook that could not be judged is
UNKNOWN whatever else held, and comes before WARNING when several are joined: nobody knows how bad it is.
https://nagios-plugins.org/doc/guidelines.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from checks.report.clean import one_line, shortened
from checks.report.model import Report, Run
from checks.result import FAILED, HELD, Status
from checks.secrets import mask

if TYPE_CHECKING:
    from checks.report.drill_model import DrillReport

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
WORST_FIRST = (CRITICAL, UNKNOWN, WARNING, OK)
MOST_NAMES = 5
LONGEST_LINE = 2000  # what is left of the 4 kB that agents pass on is for the figures

_TROUBLE = (Status.FAILED, Status.ERRORED, Status.WARNED)
# A figure's thresholds as monitors draw them: `;warning;critical` is what it must not be above.
_THRESHOLDS = {Status.FAILED: ";;0", Status.WARNED: ";0;"}


def state(reports: Sequence[Report]) -> int:
    """The plug-in's exit code for all reports together; UNKNOWN where there is none."""
    return _worst(_state_of(report.run) for report in reports)


def line(reports: Sequence[Report]) -> str:
    """`PGRUNBOOK CRITICAL - gaia: 1 of 12 failed (lag) | failed=1;;0;0;12 … time=1.234s` and a line end."""
    told = "; ".join(f"{report.run.label}: {_told(report)}" for report in reports)
    figures = " ".join(_figures(report, several=len(reports) > 1) for report in reports)
    return f"{_headed(state(reports), told)} | {figures}\n"


def unknown(sentence: str) -> str:
    """The line of a run that came to no report, for the reason in `sentence`."""
    return f"{_headed(UNKNOWN, mask(sentence))}\n"


def _headed(code: int, told: str) -> str:
    # A bar begins the figures, so the text may have none.
    return shortened(f"PGRUNBOOK {NAMES[code]} - {one_line(told).replace('|', '/')}", LONGEST_LINE)


def _state_of(run: Run) -> int:
    if run.exit_code == FAILED:
        return CRITICAL
    if run.exit_code != HELD:
        return UNKNOWN
    return WARNING if run.counts[Status.WARNED] else OK


def _worst(states: Iterable[int]) -> int:
    return min(states, key=WORST_FIRST.index, default=UNKNOWN)


def _told(report: Report) -> str:
    """`1 of 12 failed (lag), 1 errored (slots)`, or `12 of 12 passed`."""
    counts, total = report.run.counts, len(report.asked)
    troubles = [f"{counts[status]} {status.value} ({_names(report, status)})" for status in _TROUBLE if counts[status]]
    if not troubles:
        return f"{counts[Status.PASSED]} of {total} passed"
    first, *others = troubles
    return ", ".join([first.replace(" ", f" of {total} ", 1), *others])


def _names(report: Report, status: Status) -> str:
    names = [check.name for check in report.asked if check.status is status]
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _figures(report: Report, *, several: bool) -> str:
    """How many checks came to each status, of how many, and the seconds it took; named by runbook if several.

    Of a drill its times as well, each with the page's budget as what it must not be above.
    """
    run = report.run
    of = f"{run.label.replace(' ', '_')}_" if several else ""
    total = sum(run.counts.values())
    counted = [f"{of}{status}={count}{_THRESHOLDS.get(status, ';;')};0;{total}" for status, count in run.counts.items()]
    return " ".join([*counted, f"{of}time={run.seconds:.3f}s", *_times(report.drill, of)])


def _times(drill: DrillReport | None, of: str) -> list[str]:
    measures = zip(("rto_usable", "rto_verified", "rpo"), drill.measures if drill else (), strict=False)
    return [
        f"{of}{name}={measure.seconds:.3f}s;;{'' if measure.budget is None else f'{measure.budget:g}'};0"
        for name, measure in measures
        if measure.seconds is not None
    ]
