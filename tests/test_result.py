"""What findings make of a check, and results of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from checks.check import Finding, Severity
from checks.result import Status, exit_code, judge, worst

HOLDS = Finding("schema.complete", True, "all there")
BROKEN = Finding("schema.table_missing", False, "users is missing")
MINOR = Finding("migrations.destroys_data", False, "drops a column", severity=Severity.WARN)


@pytest.mark.parametrize(
    ("findings", "severity", "expected"),
    [
        ([], Severity.FAIL, Status.PASSED),
        ([HOLDS], Severity.FAIL, Status.PASSED),
        ([HOLDS, BROKEN], Severity.FAIL, Status.FAILED),
        ([HOLDS, BROKEN], Severity.WARN, Status.WARNED),
        ([HOLDS, MINOR], Severity.FAIL, Status.WARNED),
        ([MINOR, BROKEN], Severity.FAIL, Status.FAILED),
    ],
)
def test_a_finding_fails_its_check_when_both_it_and_the_page_say_so(
    findings: list[Finding], severity: Severity, expected: Status
) -> None:
    """One broken claim fails the check, unless the claim or the page makes it a warning."""
    assert judge(findings, severity) is expected


def results_of(*statuses: Status) -> Any:
    return [SimpleNamespace(status=status) for status in statuses]


@pytest.mark.parametrize(
    ("statuses", "strict", "expected"),
    [
        ([Status.PASSED], False, 0),
        ([Status.PASSED, Status.WARNED], False, 0),
        ([Status.PASSED, Status.WARNED], True, 1),
        ([Status.PASSED, Status.SKIPPED], False, 0),
        ([Status.SKIPPED], False, 5),
        ([], False, 5),
        ([Status.PASSED, Status.ERRORED], False, 3),
        ([Status.FAILED, Status.ERRORED], False, 1),
    ],
)
def test_the_exit_code_never_calls_green_what_is_not(statuses: list[Status], strict: bool, expected: int) -> None:
    """A failed check outweighs one without a verdict, which outweighs all that held; nothing asked is not green."""
    assert exit_code(results_of(*statuses), strict=strict) == expected


@pytest.mark.parametrize(
    ("codes", "expected"), [([0, 3, 1], 1), ([3, 2, 1], 2), ([0, 3], 3), ([0, 130], 130), ([0], 0)]
)
def test_the_worst_of_several_runs_wins(codes: list[int], expected: int) -> None:
    """2 before 1 before 3 before 0, and an interruption before all."""
    assert worst(codes) == expected
