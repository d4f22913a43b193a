"""From a drill to its part of the report: rungs as checks, times against budgets, and against earlier drills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from checks.backup.found import BY_TIME
from checks.drilled import Drill, Earlier, Rung, Step
from checks.report.drill_model import DrillReport, Measure
from checks.report.findings import finding_report, told_in_one_line
from checks.report.model import CheckReport
from checks.result import Status
from checks.runbook.model import Runbook
from checks.units import show_seconds

KIND = "drill"
SLOWER = 1.5  # times the median of the good drills before
_BARS = "▁▂▃▄▅▆▇█"
_MANUAL = {
    Rung.ARTIFACT: "https://www.postgresql.org/docs/current/app-pgdump.html",
    Rung.RESTORED: "https://www.postgresql.org/docs/current/app-pgrestore.html",
    Rung.BOUNDARY: "https://www.postgresql.org/docs/current/continuous-archiving.html",
    Rung.INTEGRITY: "https://www.postgresql.org/docs/current/amcheck.html",
}
_USUAL_MANUAL = "https://www.postgresql.org/docs/current/backup.html"
CLAIMS = {
    Rung.ARTIFACT: "The backup is whole, and is what its name and its manifest say.",
    Rung.RESTORED: "It was restored, and no error of the restore stands for lost data.",
    Rung.BOUNDARY: "What was written before the point in time is there, and what was written after it is not.",
    Rung.OBJECTS: "Every table, view, index, constraint, function and grant came back as it was.",
    Rung.COUNTS: "Every table has as many rows as it had.",
    Rung.DIGESTS: "Every row of every table is what it was.",
    Rung.SEQUENCES: "Every sequence is ahead of the column it feeds.",
    Rung.INTEGRITY: "Every index and constraint is valid, and amcheck finds nothing wrong in the files.",
    Rung.VIEWS: "Every view can be read.",
    Rung.HEAD: "The migrations stand where they stood when the backup was taken.",
    Rung.PENDING: "The migrations made since apply to the copy.",
    Rung.BUDGETS: "It was restored in time, and no more would be lost than the page allows.",
}

IN_TIME = "It was restored in time."


def drill_report(drill: Drill, runbook: Runbook) -> DrillReport:
    """The drill as the report has it."""
    line = next((entry.line for entry in runbook.entries() if entry.kind == KIND), 1)
    ladder = tuple(_rung(step, line, _claim(step, drill)) for step in drill.steps)
    return DrillReport(
        origin=drill.origin,
        artifact=drill.artifact,
        format=drill.format,
        bytes=drill.bytes,
        taken=drill.taken,
        dated=drill.dated,
        restore_point=drill.restore_point,
        source_server=drill.source_server,
        copy_server=drill.copy_server,
        began=drill.began,
        operator=drill.operator,
        host=drill.host,
        rto_usable=_known(drill.rto_usable),
        rto_verified=_known(drill.rto_verified),
        rpo=_known(drill.rpo),
        measures=_measures(drill),
        ladder=ladder,
        phases=tuple(replace(one, began=_rounded(one.began), seconds=_rounded(one.seconds)) for one in drill.phases),
        fidelity=drill.fidelity,
        unproven=_unproven(drill),
        notes=drill.notes,
        trend=drill.trend,
        trend_sentence=trend_sentence(drill.trend, drill.rto_verified),
        sparkline=sparkline([*(one.seconds for one in drill.trend), drill.rto_verified]) if drill.trend else "",
        due=_due(drill),
        hashes=dict(drill.hashes),
        versions=dict(drill.versions),
        contents_proven=drill.contents_proven,
    )


def slower_by(trend: Sequence[Earlier], seconds: float | None) -> float | None:
    """How many times longer than the median of the good drills before it took; None where there is none to compare."""
    from statistics import median  # which a run that is no drill has no use for

    known = [one.seconds for one in trend if one.held and one.seconds]
    return seconds / median(known) if known and seconds is not None else None


def trend_sentence(trend: Sequence[Earlier], seconds: float | None) -> str:
    """How this drill compares with those before."""
    if not trend:
        return "This is the first drill of its sort in the history."
    good, unproven = sum(one.held for one in trend), sum(one.held and not one.proven for one in trend)
    without = f", {unproven} of them with contents not proven" if unproven else ""
    told = f"Of {len(trend)} earlier drill{'s' if len(trend) > 1 else ''}, {good} held{without}"
    if undecided := sum(one.undecided for one in trend):
        told += f", and {undecided} came to no verdict"
    times = slower_by(trend, seconds)
    if times is None or seconds is None:
        return f"{told}."
    verdict = "half as slow again or worse" if times >= SLOWER else "in line with them"
    return f"{told}. This one took {show_seconds(seconds)} to verify, {times:.2f} times their median: {verdict}."


def sparkline(values: Sequence[float | None]) -> str:
    """One sign a value, the longest the highest; a dot where a drill never got so far."""
    known = [value for value in values if value is not None]
    if not known:
        return "·" * len(values)
    top = max(known) or 1.0
    return "".join("·" if value is None else _BARS[round(value / top * (len(_BARS) - 1))] for value in values)


def _claim(step: Step, drill: Drill) -> str:
    """What a rung proves; of a dump made for the drill nobody asks how old it is."""
    return IN_TIME if step.rung is Rung.BUDGETS and drill.rpo is None else CLAIMS[step.rung]


def _rung(step: Step, line: int, claim: str) -> CheckReport:
    return CheckReport(
        name=f"drill: {step.rung.value}",
        kind=KIND,
        line=line,
        status=step.status,
        sentence=told_in_one_line(step.reason, step.findings),
        findings=tuple(finding_report(finding) for finding in step.findings),
        seconds=_rounded(step.seconds),
        reason=step.reason,
        code=step.code or ("run.skipped" if step.status is Status.SKIPPED else ""),
        hint=step.hint,
        claim=claim,
        manual=_MANUAL.get(step.rung, _USUAL_MANUAL),
    )


def _unproven(drill: Drill) -> tuple[str, ...]:
    """What the drill says of it, and every rung that was not climbed."""
    skipped = [step for step in drill.steps if step.status is Status.SKIPPED]
    claims = {step.rung: _claim(step, drill).rstrip(".") for step in skipped}
    return (*drill.unproven, *(f"{claims[step.rung]}: not asked, as {step.reason}." for step in skipped))


def _measures(drill: Drill) -> tuple[Measure, ...]:
    budgets = drill.budgets
    doubt = "by the time of its file" if drill.dated == BY_TIME else ""
    return (
        _measure("RTO: until the copy answers", drill.rto_usable, budgets.rto),
        _measure("RTO: until the copy is verified", drill.rto_verified, budgets.rto),
        _measure("RPO: age of the backup, which is what would be lost", drill.rpo, budgets.rpo, doubt),
    )


def _measure(name: str, seconds: float | None, budget: float | None, doubt: str = "") -> Measure:
    within = None if seconds is None or budget is None else seconds <= budget
    return Measure(name, _known(seconds), budget, within, doubt)


def _due(drill: Drill) -> str:
    """The day the next drill is due by, where the page names how often there is to be one."""
    if drill.budgets.every is None:
        return ""
    return (datetime.fromisoformat(drill.began) + timedelta(seconds=drill.budgets.every)).date().isoformat()


def _rounded(seconds: float) -> float:
    return round(seconds, 4)


def _known(seconds: float | None) -> float | None:
    return None if seconds is None else _rounded(seconds)
