"""The end of a run on the terminal: what did not hold and what to do, then the verdict, then where the report lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from checks.catalog.names import plural
from checks.check import Cell
from checks.report.clean import shortened, visible
from checks.report.console import Console, plain
from checks.report.layout import moment
from checks.report.model import CheckReport, FindingReport, Fix, Report, Verdict
from checks.result import Status
from checks.secrets import mask
from checks.units import show_bytes, show_seconds

if TYPE_CHECKING:
    from checks.report.drill_model import DrillReport

LONGEST_TEXT = 1200
MOST_ROWS = 10
MOST_FIX_LINES = 12
INDENT = "    "
_TROUBLE = (Status.WARNED, Status.FAILED, Status.ERRORED)


def print_outcome(
    reports: Sequence[Report],
    files: Mapping[str, Path],
    *,
    stream: TextIO,
    environ: Mapping[str, str],
    last: Sequence[str] = (),
) -> None:
    """Print all reports' troubles, then all verdicts, then the lines of `last`. `files` is by label."""
    console = Console(stream, environ)
    for report in reports:
        _Troubles(console, report).print()
    console.line()
    width = max((len(report.run.label) for report in reports), default=0)
    for report in reports:
        _print_verdict(console, report, files.get(report.run.label), width)
    if len(reports) > 1:
        console.line(_overall(console, reports))
    for line in ("", *last) if last else ():
        console.line(line)


def _print_verdict(console: Console, report: Report, file: Path | None, width: int) -> None:
    run = report.run
    console.line(f"{plain(run.label):<{width}}  {_verdict(console, run.verdict, run.sentence)}")
    console.line(f"{'':<{width}}  {plain(run.server)}; {show_seconds(run.seconds)}")
    for line in _drill_lines(report.drill) if report.drill else ():
        console.line(f"{'':<{width}}  {plain(line)}")
    if report.safety:
        console.line(f"{'':<{width}}  {plain(report.safety)}")
    if file is not None:
        console.line(f"{'':<{width}}  {plain(str(file))}")


def _drill_lines(drill: DrillReport) -> Iterator[str]:
    """What was restored, and the times against their budgets."""
    from checks.report.drill_model import UNMEASURED

    if not drill.artifact:
        yield f"no backup came to hand; it was to come from {drill.origin}"
    else:
        taken = moment(drill.taken) or "an unknown time"
        yield f"{drill.artifact} ({drill.format}, {show_bytes(drill.bytes)}) of {taken}"
    for status in Status:
        names = [rung.name.removeprefix("drill: ") for rung in drill.ladder if rung.status is status]
        if names:
            yield f"rungs {status.value}: {', '.join(names)}"
    for measure in drill.measures:
        taken = UNMEASURED if measure.seconds is None else show_seconds(measure.seconds)
        budget = "no budget" if measure.budget is None else f"budget {show_seconds(measure.budget)}"
        told = [budget, "exceeded" if measure.within is False else "", measure.doubt]
        yield f"{measure.name}: {taken} ({', '.join(filter(None, told))})"
    if drill.unproven:
        yield f"not proven: {len(drill.unproven)}, in the report"


def _verdict(console: Console, verdict: Verdict, sentence: str) -> str:
    word, _, rest = plain(sentence).partition(":")
    paint = {Verdict.HELD: console.good, Verdict.HELD_UNPROVEN: console.doubtful}.get(verdict, console.bad)
    return f"{paint(word.upper())}:{rest}"


def _overall(console: Console, reports: Sequence[Report]) -> str:
    counts = Counter(report.run.verdict for report in reports)
    tally = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
    held = {Verdict.HELD, Verdict.HELD_UNPROVEN}
    paint = console.bad if set(counts) - held else console.good if set(counts) == {Verdict.HELD} else console.doubtful
    majors = len({report.run.asked_major for report in reports})
    what = (
        f"{plural(len(reports) // majors, 'runbook')} on {majors} majors" if majors > 1 else f"{len(reports)} runbooks"
    )
    return paint(f"{what}: {tally}.")


class _Troubles:
    """What a report has to say of checks that did not pass, each fix once."""

    def __init__(self, console: Console, report: Report) -> None:
        self._console, self._report = console, report
        self._told: set[tuple[str, str]] = set()

    def print(self) -> None:
        for first, *others in self._grouped():
            names = plain(first.name) + (f" and {len(others)} more" if others else "")
            where = f"{plain(self._report.provenance.path)}:{first.line}"
            self._console.line()
            status = self._console.status(first.status)
            self._console.line(f"{status}  {plain(self._report.run.label)}  {names}  {where}")
            self._tell(first)

    def _grouped(self) -> list[list[CheckReport]]:
        """Checks in trouble; those that have no verdict for one and the same reason are told of together."""
        groups: dict[tuple[str, ...], list[CheckReport]] = {}
        for check in self._report.asked:
            if check.status in _TROUBLE:
                alone = (check.name,) if check.findings else ()
                groups.setdefault((check.status, check.code, check.reason, *alone), []).append(check)
        return list(groups.values())

    def _tell(self, check: CheckReport) -> None:
        if check.reason:
            self._say(f"{_short(check.reason)}  ({check.code})")
        if check.hint:
            self._label("hint", check.hint)
        for finding in check.broken:
            self._tell_finding(finding)
        for fix in self._report.fixes_for(check):
            self._tell_fix(fix)

    def _tell_finding(self, finding: FindingReport) -> None:
        self._say(f"{_short(finding.sentence)}  ({finding.code})")
        self._label("expected", finding.expected)
        self._label("observed", finding.observed)
        for line in _columns(finding.evidence[:MOST_ROWS]):
            self._say(f"{INDENT}{line}")
        more = len(finding.evidence) - MOST_ROWS + finding.evidence_left_out
        if more > 0 and finding.evidence:
            self._say(f"{INDENT}… and {more} more, in the report")

    def _tell_fix(self, fix: Fix) -> None:
        where = f"{self._report.provenance.path}:{fix.line}" if fix.line else f"`explain {fix.code}` says more"
        title = fix.title if fix.line else "from the catalog of checks"
        if (fix.title, fix.text) in self._told:
            self._label("fix", f"{title}, as above")
            return
        self._told.add((fix.title, fix.text))
        self._label("fix", f"{title}  ({where})")
        for line in fix_lines(fix):
            self._say(line)

    def _label(self, label: str, text: str) -> None:
        if text:
            self._say(f"{self._console.faint(f'{label:<8}')}  {_short(text)}")

    def _say(self, text: str) -> None:
        self._console.line(f"{INDENT}{text}")


def fix_lines(fix: Fix) -> list[str]:
    """What a fix says, indented, as far as a terminal has room for it."""
    lines = visible(mask(fix.text)).strip("\n").split("\n")
    shown = [f"{INDENT}{line}".rstrip() for line in lines[:MOST_FIX_LINES]]
    return (
        [*shown, f"{INDENT}… and {len(lines) - MOST_FIX_LINES} more lines there"] if len(lines) > len(shown) else shown
    )


def _short(text: str) -> str:
    return shortened(plain(text), LONGEST_TEXT)


def _columns(rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    """Evidence in columns, under their names."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[plain(name) for name in names], *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [min(max(len(line[n]) for line in cells), 60) for n in range(len(names))]
    return ["  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)) for line in cells if names]


def _cell(value: Cell) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else shortened(plain(str(value)), 60)
