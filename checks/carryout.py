"""Planned runs carried out and reported: side by side or one by one, watched, drawn, written, one exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from checks.abreast import AT_ONCE, DEADLINE, Run, all_of
from checks.catalog.codes import documented
from checks.choice import Output, require_writable
from checks.errors import UsageError
from checks.plan import Plan
from checks.report.progress import progress_for
from checks.report.provenance import Checkout, provenance_of
from checks.result import COULD_NOT_TELL, HELD, Results, worst
from checks.secrets import mask

if TYPE_CHECKING:  # a check pays for no drill
    from checks.drilled import Drill
    from checks.report.model import Report

# Seconds after which an import lets whoever has an answer of the server take it. Python's own 5 ms, at each of a dozen
# answers, would show in what the checks measure and in how long the run takes.
GIVES_WAY = 0.0005


def carry_out(
    runs: Sequence[tuple[Plan, Run]],
    target: str,
    output: Output,
    *,
    drills: Mapping[Path, Drill] | None = None,
    deadline: float = DEADLINE,
    afterwards: Callable[[Sequence[Results]], int] | None = None,
) -> int:
    """All runs, side by side, watched; then their reports, and one exit code. Raises UsageError before any of it.

    With `drills`, which the runs fill by page, they are carried out one by one, since each is timed. `afterwards` is
    given the results once they are reported, and its exit code counts too.
    """
    require_writable(output.folder)
    checkout = Checkout(Path.cwd())
    names = [one.label for one, _ in runs]
    progress = progress_for(output.format, runbooks=names, stdout=sys.stdout, stderr=sys.stderr, environ=os.environ)
    with progress:
        watched = [(its_plan, one, progress.planned(its_plan)) for its_plan, one in runs]
        at_once = AT_ONCE if drills is None else 1
        results = all_of(watched, target=target, meanwhile=_import_the_reports, deadline=deadline, at_once=at_once)
    from checks.output import exit_code, publish
    from checks.report.compose import report_of

    reports = [
        report_of(
            one,
            provenance=provenance_of(one.plan.runbook, checkout, command=sys.argv),
            codes=documented(),
            strict=output.strict,
            drill=(drills or {}).get(one.plan.runbook.path),
        )
        for one in results
    ]
    code = exit_code(reports, output)
    whole = [publish(reports, output), *(_recorded(report, output) for report in reports if report.drill)]
    if afterwards is not None:
        whole.append(afterwards(results) == HELD)
    return code if all(whole) else worst([code, COULD_NOT_TELL])


def _recorded(report: Report, output: Output) -> bool:
    """Put a drill into the history; whether that could be done."""
    from checks.report.drills import record

    try:
        record(report, output.folder)
    except UsageError as failure:
        sys.stderr.write(f"{mask(str(failure))}\n")
        return False
    return True


def _import_the_reports() -> None:
    """What draws the reports is imported while the servers are waited for, so that it costs no time of its own."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(GIVES_WAY)
    try:
        import jinja2  # noqa: F401 - only to have been imported

        import checks.output  # noqa: F401 - the same
    finally:
        sys.setswitchinterval(usual)
