"""Connectivity: what is reached, how soon, and which version it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from checks.catalog.connectivity import ask
from checks.check import SQLITE, Answer
from checks.targets.causes import CAUSES
from checks.targets.embedded import EmbeddedTarget
from checks.targets.session import Endpoint
from tests.catalog.tools import Elsewhere, check_fails, check_holds, circumstances_of, params_of, sqlite_file


def test_a_running_server_is_reached(target: EmbeddedTarget) -> None:
    """A server that answers holds, and the finding says its version and the time of each of three round trips."""
    [finding] = check_holds("connectivity", "{}", target)
    assert finding.code == "connectivity.reachable"
    assert finding.sentence.startswith(f"PostgreSQL {target.server.binaries.major}.")
    assert finding.evidence[0]["round trips"] == 3


def test_a_server_of_every_major_is_reached(target_of_every_major: EmbeddedTarget) -> None:
    """The version is understood on every major at hand."""
    major = target_of_every_major.server.binaries.major
    check_holds("connectivity", f"{{version: {major}}}", target_of_every_major)


def test_a_slow_server_does_not_hold(target: EmbeddedTarget) -> None:
    """A median round trip above `within` does not hold, and both figures are shown."""
    finding = check_fails("connectivity", "{within: 0us}", target, code="connectivity.slow")
    assert finding.expected == "a round trip within 0.0 ms"
    assert finding.observed.startswith("median ")


def test_one_slow_round_trip_of_three_is_no_slow_server(target: EmbeddedTarget) -> None:
    """The median decides, since the first round trip is shared with the other checks' queries."""
    asking = ask(params_of("connectivity", "{within: 10ms}"), circumstances_of(target))
    next(asking)
    asking.send([Answer(("?",), ((1,),), 1, seconds=0.5), Answer(("version", "number"), (("17.1", 170001),), 1)])
    asking.send([Answer(seconds=0.001)])
    with pytest.raises(StopIteration) as stop:
        asking.send([Answer(seconds=0.002)])
    [finding] = stop.value.value
    assert finding.holds
    assert finding.observed == "median 2.0 ms, worst 500 ms of 3"


def test_another_major_does_not_hold(target: EmbeddedTarget) -> None:
    """A server of another major than the page's does not hold, although it is reached."""
    finding = check_fails("connectivity", "{version: {lt: 9}}", target, code="connectivity.version")
    assert finding.expected == "major less than 9"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"database": "no_such_database"}, "connectivity.database_missing"),
        ({"password": "not the password"}, "connectivity.password_rejected"),
        ({"host": "127.0.0.1", "port": 1}, "connectivity.refused"),
        ({"options": {"sslmode": "disable"}}, "connectivity.tls_required"),
    ],
)
def test_a_failed_connection_is_named(target: EmbeddedTarget, change: dict[str, Any], code: str) -> None:
    """A connection that fails is a finding whose code names the cause, with what was expected; not an error."""
    elsewhere = Elsewhere(replace(target.endpoint, **change))
    finding = check_fails("connectivity", "{}", elsewhere, code=code)
    assert finding.expected == CAUSES[code.removeprefix("connectivity.")].expected
    assert finding.observed == "none"


def test_a_sqlite_file_is_reached(tmp_path: Path) -> None:
    """A file answers as a server does; which PostgreSQL it should be is not asked of it."""
    target = sqlite_file(tmp_path / "teller.db")
    [finding] = check_holds("connectivity", "{within: 1s, version: 16}", target)
    assert finding.sentence.startswith("SQLite 3.")
    check_fails("connectivity", "{within: 0us}", target, code="connectivity.slow")


def test_a_sqlite_file_that_is_missing_does_not_hold(tmp_path: Path) -> None:
    """A file that is not there is not created by looking at it."""
    target = Elsewhere(Endpoint(SQLITE, path=str(tmp_path / "missing.db")))
    check_fails("connectivity", "{}", target, code="connectivity.database_missing")
    assert list(tmp_path.iterdir()) == []


def test_no_round_trip_is_refused() -> None:
    """A check of no round trip would measure nothing."""
    with pytest.raises(ValidationError):
        params_of("connectivity", "{round_trips: 0}")
