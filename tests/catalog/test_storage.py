"""Storage: room to grow within the limit, and the growth since the last report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from checks.catalog import storage
from checks.catalog.circumstances import Circumstances
from checks.catalog.past import Earlier
from checks.check import Cell, Finding, Query
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import PATIENCE, check_fails, check_holds, circumstances_of, params_of, run_sql

MB = 2**20


@pytest.fixture
def logbook(target: EmbeddedTarget) -> EmbeddedTarget:
    """A database with a table and an index of a few hundred kilobytes, and one that is smaller."""
    run_sql(
        target,
        """
        CREATE TABLE audit_log (id integer, said text);
        INSERT INTO audit_log SELECT n, repeat('x', 100) FROM generate_series(1, 4000) AS n;
        CREATE INDEX audit_log_id ON audit_log (id);
        CREATE SCHEMA auth;
        CREATE TABLE auth.users AS SELECT 1 AS id;
        """,
    )
    return target


def size_of(target: EmbeddedTarget) -> int:
    """What the database takes, in bytes."""
    [measured] = check_holds("storage", "", target)
    return int(str(measured.evidence[0]["bytes"]))


def after(days: float, evidence: tuple[Mapping[str, Cell], ...], written: str, target: EmbeddedTarget) -> list[Finding]:
    """What the check finds when the last report, so many days ago, had that evidence."""
    asked: list[str] = []

    def previous(code: str) -> Earlier | None:
        asked.append(code)
        return Earlier(datetime.now(UTC) - timedelta(days=days), evidence)

    findings = ask(written, replace(circumstances_of(target), previous=previous), target)
    assert asked == ["storage.measured"]
    return findings


def ask(written: str, circumstances: Circumstances, target: EmbeddedTarget) -> list[Finding]:
    """What the check finds under circumstances of the test's own."""
    asking = storage.ask(params_of("storage", written), circumstances)
    session = target.open()
    try:
        queries = next(asking)
        while True:
            queries = asking.send(session.ask(queries, patience=PATIENCE))
    except StopIteration as stop:
        findings: list[Finding] = stop.value
        return findings
    finally:
        session.close()


def database_of(size: int) -> tuple[Mapping[str, Cell], ...]:
    """The evidence of a report on a database of that size."""
    return ({"what": "database", "name": "", "size": "as it was", "bytes": size},)


def test_sizes_are_shown(target_of_every_major: EmbeddedTarget) -> None:
    """Without a limit the check holds, and says what the database takes and that there is nothing to compare with."""
    [finding] = check_holds("storage", "", target_of_every_major)
    assert finding.sentence.endswith(" and no earlier report to compare with.")
    assert finding.evidence[0]["what"] == "database"


def test_the_largest_tables_and_indexes_are_named(logbook: EmbeddedTarget) -> None:
    """Tables without their indexes, and indexes by themselves, the largest first and no more than asked for."""
    [finding] = check_holds("storage", "", logbook)
    assert [(row["what"], row["name"]) for row in finding.evidence] == [
        ("database", ""),
        ("table", "audit_log"),
        ("table", "auth.users"),
        ("index", "audit_log_id"),
    ]
    [finding] = check_holds("storage", "largest: 1", logbook)
    assert [row["name"] for row in finding.evidence] == ["", "audit_log", "audit_log_id"]


def test_a_database_near_its_limit_warns(target: EmbeddedTarget) -> None:
    """Over 80% of the limit warns, over 95% fails, and below both the check holds."""
    size = size_of(target)
    check_holds("storage", f"limit: {size * 2}B", target)
    finding = check_fails("storage", f"limit: {int(size / 0.9)}B", target, code="storage.nearly_full")
    assert (finding.severity, finding.expected) == ("warn", "at most 80%")
    assert finding.sentence.endswith("which is 90%.")
    finding = check_fails("storage", f"limit: {int(size / 0.97)}B", target, code="storage.full")
    assert finding.severity == "fail"
    check_fails("storage", f"limit: {size // 2}B", target, code="storage.full")
    check_holds("storage", f"{{limit: {int(size / 0.9)}B, nearly_full: 92%}}", target)


def test_who_is_told_that_there_is_no_room_sees_what_takes_it(logbook: EmbeddedTarget) -> None:
    """A limit that is broken has the largest tables and indexes as its evidence, like the sizes that are just shown."""
    size = size_of(logbook)
    for share, code in ((0.9, "storage.nearly_full"), (0.97, "storage.full")):
        finding = check_fails("storage", f"limit: {int(size / share)}B", logbook, code=code)
        assert [row["name"] for row in finding.evidence] == ["", "audit_log", "auth.users", "audit_log_id"]


def test_growth_since_the_last_report_is_shown(logbook: EmbeddedTarget) -> None:
    """The database, and each table that both reports show, with the time between."""
    before: tuple[Mapping[str, Cell], ...] = (
        *database_of(size_of(logbook) - 3 * MB),
        {"what": "table", "name": "audit_log", "size": "8 kB", "bytes": 8192},
    )
    [finding] = after(2, before, "", logbook)
    assert finding.sentence.endswith(", +3 MB in 2 d since the last report.")
    grown = {row["name"]: row["grown"] for row in finding.evidence}
    assert str(grown["audit_log"]).startswith("+")
    assert grown["auth.users"] == ""
    [finding] = after(2, database_of(size_of(logbook) + 5 * MB), "", logbook)
    assert finding.sentence.endswith(", -5 MB in 2 d since the last report.")


def test_a_limit_that_will_be_reached_soon_warns(target: EmbeddedTarget) -> None:
    """At the pace between two reports, a limit that is ten days off warns; one that is a year off does not."""
    size = size_of(target)
    grown, limit = database_of(size - MB), f"{{limit: {size + 10 * MB}B, nearly_full: 100%, full: 100%}}"
    broken, _ = after(1, grown, limit, target)
    assert (broken.code, broken.severity, broken.observed) == ("storage.filling", "warn", "10 d")
    assert broken.sentence.startswith("The database grew by 1 MB in 1 d")
    [measured] = after(40, grown, limit, target)
    assert measured.holds


def test_growth_within_hours_is_no_pace(target: EmbeddedTarget) -> None:
    """An hour's import says nothing of the month, and neither does a database that shrank."""
    size = size_of(target)
    limit = f"{{limit: {size + 10 * MB}B, nearly_full: 100%, full: 100%}}"
    assert [one.code for one in after(0.04, database_of(size - MB), limit, target)] == ["storage.measured"]
    assert [one.code for one in after(5, database_of(size + MB), limit, target)] == ["storage.measured"]


def test_a_report_without_the_figures_is_none(target: EmbeddedTarget) -> None:
    """A report of another time or version, or one that someone edited, is passed over."""
    for evidence in ((), ({"what": "database", "name": "", "bytes": "many"},)):
        [finding] = after(1, evidence, "", target)
        assert finding.sentence.endswith(" and no earlier report to compare with.")


def test_a_locked_table_keeps_no_one_waiting(logbook: EmbeddedTarget) -> None:
    """Where a lock keeps a table from being measured, its size is what vacuum last counted."""
    run_sql(logbook, "ANALYZE audit_log")
    with logbook.server.connect(logbook.database) as migration:
        migration.execute("BEGIN; LOCK TABLE audit_log")
        [finding] = check_holds("storage", "", logbook)
        migration.execute("ROLLBACK")
    assert [row["name"] for row in finding.evidence][:2] == ["", "audit_log"]
    assert int(str(finding.evidence[1]["bytes"])) > 400_000


def test_another_refusal_is_no_verdict(target: EmbeddedTarget) -> None:
    """Only a lock is estimated around: whatever else the server refuses is told."""
    asking = storage.ask(params_of("storage", ""), circumstances_of(target))
    next(asking)
    session = target.open()
    answers = session.ask([Query("SELECT 1"), Query("SELECT 1/0"), Query("SELECT 1")], patience=PATIENCE)
    session.close()
    with pytest.raises(Exception, match="division by zero"):
        asking.send(answers)


@pytest.mark.parametrize(
    ("written", "said"),
    [("{nearly_full: 96%}", "warns before"), ("{largest: 101}", "from 0 to 100"), ("{limit: 10}", "no unit")],
)
def test_limits_that_make_no_sense_are_refused(written: str, said: str) -> None:
    """A page that could never warn is wrong."""
    with pytest.raises(ValidationError, match=said):
        params_of("storage", written)
