"""What came of each question, and what a run of them amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from checks.check import Finding, Severity
from checks.plan import Plan, PlannedCheck
from checks.snapshot import Snapshot
from checks.targets.session import Server


class Status(StrEnum):
    """Passed, warned and failed are verdicts; errored is that there is none; skipped is that nobody asked."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one planned check. `reason` and `code` are set where there is no verdict; `seconds` is wall time."""

    planned: PlannedCheck
    status: Status
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    reason: str = ""
    code: str = ""
    hint: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes a person may look up: of findings that do not hold, or of the reason there is no verdict."""
        if self.code:
            return (self.code,)
        return tuple(dict.fromkeys(finding.code for finding in self.findings if not finding.holds))


@dataclass(frozen=True, slots=True)
class Results:
    """One run, whole: what was planned, who answered, what they said. Times are UTC; `seconds` is wall time.

    `server` is None when no session was ever opened. `guards` are the safety settings as the server read them back.
    `interrupted` is set when the run was cut short and some results are missing their verdict for that reason.
    `snapshot` is what the server looked like at the end, where a check failed or errored.
    """

    plan: Plan
    target: str
    server: Server | None
    guards: dict[str, str]
    started: datetime
    seconds: float
    results: tuple[Result, ...]
    interrupted: bool = False
    snapshot: Snapshot | None = None


def judge(findings: Sequence[Finding], severity: Severity) -> Status:
    """The status findings amount to. A finding fails its check only if both it and the page say `fail`."""
    broken = [finding for finding in findings if not finding.holds]
    if not broken:
        return Status.PASSED
    fails = severity is Severity.FAIL and any(finding.severity is Severity.FAIL for finding in broken)
    return Status.FAILED if fails else Status.WARNED


HELD, FAILED, WRONG, COULD_NOT_TELL, NOTHING, INTERRUPTED = 0, 1, 2, 3, 5, 130


def exit_code(results: Iterable[Result], *, strict: bool = False) -> int:
    """0 all held, 1 a check failed (or warned, if `strict`), 3 could not tell, 5 nothing was asked."""
    return exit_code_of((result.status for result in results), strict=strict)


def exit_code_of(statuses: Iterable[Status], *, strict: bool = False) -> int:
    """The same of their statuses: the rungs of a drill have one too."""
    statuses = set(statuses)
    if Status.FAILED in statuses or (strict and Status.WARNED in statuses):
        return FAILED
    if Status.ERRORED in statuses:
        return COULD_NOT_TELL
    return HELD if statuses - {Status.SKIPPED} else NOTHING


def worst(codes: Iterable[int]) -> int:
    """The exit code of several runs: interrupted first, then 2, 1, 3, 5 and 0."""
    order = (INTERRUPTED, WRONG, FAILED, COULD_NOT_TELL, NOTHING, HELD)
    return min(codes, key=order.index, default=NOTHING)
