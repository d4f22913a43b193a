"""Times against budgets and earlier drills."""

from __future__ import annotations

import pytest

from checks.check import Severity
from checks.drill.measure import budgets
from checks.drilled import Budgets, Earlier


def codes(*, trend: list[float], verified: float, held: bool = True) -> list[str]:
    """The codes of a drill that took so long after others."""
    before = tuple(Earlier("2026-01-01T00:00:00Z", held, seconds) for seconds in trend)
    return [one.code for one in budgets(Budgets(), usable=verified, verified=verified, rpo=None, trend=before)]


@pytest.mark.parametrize(("verified", "expected"), [(150.0, []), (151.0, ["drill.slower"])])
def test_half_as_slow_again_as_the_median_warns(verified: float, expected: list[str]) -> None:
    """One slow drill among the earlier ones changes nothing."""
    assert codes(trend=[90.0, 100.0, 5000.0], verified=verified) == expected


def test_failed_drills_and_short_ones_are_no_measure() -> None:
    """A drill that broke early was quick; and below five seconds it is the machine's mood."""
    assert codes(trend=[1.0], verified=100.0, held=False) == []
    assert codes(trend=[1.0], verified=4.0) == []


def test_slower_is_a_warning() -> None:
    """A budget is what fails."""
    [found] = budgets(
        Budgets(), usable=None, verified=100.0, rpo=None, trend=[Earlier("2026-01-01T00:00:00Z", True, 10.0)]
    )
    assert found.severity is Severity.WARN
