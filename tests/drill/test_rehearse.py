"""The rehearsal of `verify`: a disposable database is dumped, restored and proven, and what breaks is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checks.catalog.drill import Parameters
from checks.drill.rehearse import rehearse
from checks.result import Status
from checks.units import Duration
from tests.command import ROOT, run
from tests.systems.tools import SYSTEMS, Filled, filled, page_of


@pytest.fixture(scope="module")
def teller() -> Iterator[Filled]:
    """A database to rehearse with."""
    from checks.targets.binaries import find

    whole = filled("teller", find())
    yield whole
    whole.server.stop()


def test_a_healthy_database_is_proven(teller: Filled) -> None:
    """Every rung holds, and the evidence has them one by one."""
    target = teller.copy("healthy")
    [finding] = rehearse(teller.page, target, "", Parameters(rto=Duration(600)))
    assert (finding.code, finding.holds) == ("drill.rehearsed", True)
    assert {row["rung"]: row["status"] for row in finding.evidence}["digests"] == Status.PASSED


def test_what_does_not_hold_is_what_the_check_finds(teller: Filled) -> None:
    """A budget that cannot be kept is told with its own code, beside how far the ladder was climbed."""
    findings = rehearse(teller.page, teller.copy("late"), "", Parameters(rto=Duration(0.001)))
    assert {finding.code for finding in findings if not finding.holds} == {"drill.rto"}
    assert "10 of 11 rungs" in findings[-1].observed


def test_the_source_is_not_changed(teller: Filled) -> None:
    """A rehearsal observes: no table, role or setting of the database it copies is another afterwards."""
    target = teller.copy("untouched")
    with target.server.connect(target.database) as connection:
        before = connection.execute("SELECT count(*), sum(hashtext(relname)) FROM pg_class").fetchone()
        rehearse(teller.page, target, "", Parameters())
        assert connection.execute("SELECT count(*), sum(hashtext(relname)) FROM pg_class").fetchone() == before


def test_every_shipped_page_is_drilled_by_verify(tmp_path_factory: pytest.TempPathFactory) -> None:
    """`invoke verify` rehearses a drill of each of the five."""
    for system in SYSTEMS:
        assert [entry.kind for entry in page_of(system).entries()].count("drill") == 1
    ended = run(["./inv", "verify", "--only", "drill", "--out", str(tmp_path_factory.mktemp("out"))], ROOT, {})
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count("rungs held") == len(SYSTEMS)
