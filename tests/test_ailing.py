"""Where a disposable server failed, that is the reason of every check that could not reach it, and of no other."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from checks.ailing import explained
from checks.catalog import CATALOG
from checks.errors import CouldNotTell
from checks.result import Result, Results, Status

DIED = CouldNotTell("The container died.", code="container.died", hint="look")


FULL = "could not write to file: No space left on device (SQLSTATE 53100)."


def result(kind: str, status: Status, code: str = "", reason: str = "its own") -> Result:
    """What came of one check of this kind."""
    planned: Any = SimpleNamespace(check=CATALOG[kind], name=kind)
    return Result(planned, status, code=code, reason=reason if code else "")


def of(found: Result, ailment: CouldNotTell | None = DIED) -> Result:
    """The result as the report has it."""
    target: Any = SimpleNamespace(ailment=ailment)
    plan: Any = SimpleNamespace()
    [told] = explained(Results(plan, "container", None, {}, datetime.now(UTC), 1.0, (found,)), target).results
    return told


@pytest.mark.parametrize(
    "found",
    [
        result("query", Status.ERRORED, "connectivity.lost"),
        result("query", Status.ERRORED, "run.timeout"),
        result("benchmark", Status.ERRORED, "run.could_not_tell"),
        result("pool", Status.ERRORED, "pool.lost"),
        result("pool", Status.ERRORED, "container.gone"),
        result("query", Status.ERRORED, "run.query_failed", FULL),
        result("pool", Status.FAILED),
        result("connectivity", Status.FAILED),
        result("connectivity", Status.WARNED),
    ],
)
def test_who_could_not_reach_the_server_says_what_became_of_it(found: Result) -> None:
    """A dead container proves nothing of the page, though a pool or a connection failed by it: no verdict."""
    told = of(found)
    assert (told.status, told.code, told.reason, told.hint) == (Status.ERRORED, DIED.code, DIED.sentence, DIED.hint)


@pytest.mark.parametrize(
    "found",
    [
        result("query", Status.PASSED),
        result("query", Status.FAILED),
        result("connectivity", Status.PASSED),
        result("slow_queries", Status.ERRORED, "slow_queries.no_extension"),
        result("query", Status.ERRORED, "run.query_failed"),
        result("query", Status.SKIPPED),
    ],
)
def test_what_was_told_before_is_kept(found: Result) -> None:
    """What the server answered while it lived stays what it is."""
    assert of(found) == found


def test_a_server_that_is_well_excuses_nobody() -> None:
    """A connection that fails on a living server fails."""
    found = result("connectivity", Status.FAILED)
    assert of(found, None) == found
