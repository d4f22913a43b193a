"""Vacuum: ages of databases, who holds rows back, and the dead rows and statistics of large tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import ValidationError

from checks.catalog.vacuum import REFUSED_AT
from checks.errors import CouldNotTell
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of, params_of, run_sql
from tests.clusters import run_on_data, stopped, wait_until
from tests.majors import start

# The suite's servers run without autovacuum, so a live one stands for itself only where the page says it may be off.
OFF = "autovacuum: false"
LARGE = f"{{{OFF}, rows: 1000}}"
ROWS = "CREATE TABLE log AS SELECT generate_series(1, 2000) AS n"
BURN = "DO $$ BEGIN FOR i IN 1..160000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
BURN_MULTIXACTS = """
    DO $$ BEGIN
        PERFORM FROM shared FOR KEY SHARE;
        FOR i IN 1..16000 LOOP
            BEGIN
                UPDATE shared SET n = n + 1;
                RAISE EXCEPTION USING ERRCODE = 'UE001';
            EXCEPTION WHEN SQLSTATE 'UE001' THEN NULL;
            END;
        END LOOP;
    END $$
"""
FREEZES_EARLY = {
    "autovacuum_freeze_max_age": 100_000,
    "autovacuum_multixact_freeze_max_age": 10_000,
    "max_prepared_transactions": 2,
}
NEXT_TRANSACTION = 57_983 * 32_768  # the first of a page of pg_xact, and not where PostgreSQL wakes autovacuum


def prepare(target: EmbeddedTarget, *statements: str) -> None:
    """Run each statement in a transaction of its own, and see to it that the server's statistics know of them."""
    with target.server.connect(target.database) as connection:
        for statement in statements:
            connection.execute(statement.encode())
            connection.execute("SELECT pg_stat_force_next_flush()")


def test_a_young_server_holds(target_of_every_major: EmbeddedTarget) -> None:
    """A fresh database is young, and on a disposable server nothing is said of autovacuum."""
    prepare(target_of_every_major, ROWS)
    [finding] = check_holds("vacuum", "{}", target_of_every_major)
    assert finding.code == "vacuum.keeps_up"
    assert "not judged on a disposable server" in finding.sentence
    assert finding.expected == f"at most 50% of {REFUSED_AT:,}"
    assert {"database", "table"} <= {str(row["what"]).split()[0] for row in finding.evidence}


def test_a_tended_large_table_holds(target_of_every_major: EmbeddedTarget) -> None:
    """A large table that was vacuumed and analyzed is counted as looked after."""
    prepare(target_of_every_major, ROWS, "VACUUM ANALYZE log")
    written = f"{{{OFF}, rows: 1000, vacuumed_within: 1h, analyzed_within: 1h}}"
    _, finding = check_holds("vacuum", written, target_of_every_major, disposable=False)
    assert (finding.code, finding.sentence) == ("vacuum.tended", "1 large table is looked after: log.")
    assert str(finding.evidence[0]["vacuumed"]).endswith(" ago")


def test_dead_rows_of_a_large_table_do_not_hold(target_of_every_major: EmbeddedTarget) -> None:
    """A large table whose rows are mostly dead is named, with how many; a small one is nobody's trouble."""
    prepare(target_of_every_major, ROWS, "ANALYZE log", "DELETE FROM log WHERE n <= 1500")
    findings = findings_of(
        "vacuum", "{autovacuum: false, rows: 1000, changed: 100%}", target_of_every_major, disposable=False
    )
    [finding] = [found for found in findings if found.code == "vacuum.dead_rows"]
    assert finding.sentence == "75% of the rows of log are dead."
    assert (finding.evidence[0]["rows"], finding.evidence[0]["dead"]) == (500, 1500)
    check_holds("vacuum", f"{{{OFF}}}", target_of_every_major, disposable=False)
    check_holds("vacuum", "{autovacuum: false, rows: 1000, ignore: [log]}", target_of_every_major, disposable=False)


def test_a_table_the_planner_knows_nothing_of_does_not_hold(target: EmbeddedTarget) -> None:
    """A large table that was never analyzed is named, and holds once it is."""
    prepare(target, ROWS)
    finding = check_fails("vacuum", LARGE, target, code="vacuum.not_analyzed", disposable=False)
    assert finding.sentence == "Table log was never analyzed, so that its plans are guesses."
    prepare(target, "ANALYZE log")
    check_holds("vacuum", LARGE, target, disposable=False)


def test_statistics_that_are_out_of_date_do_not_hold(target: EmbeddedTarget) -> None:
    """A large table that grew by half since it was analyzed is named, once autovacuum had its turn."""
    prepare(target, ROWS, "ANALYZE log", "INSERT INTO log SELECT generate_series(1, 3000)")
    check_holds("vacuum", LARGE, target, disposable=False)
    written = f"{{{OFF}, rows: 1000, grace: 0s}}"
    finding = check_fails("vacuum", written, target, code="vacuum.not_analyzed", disposable=False)
    assert finding.sentence.startswith("Table log changed in 60% of its rows since it was analyzed")
    check_holds("vacuum", f"{{{OFF}, rows: 1000, changed: 60%, grace: 0s}}", target, disposable=False)


def test_a_table_not_vacuumed_in_time_does_not_hold(target: EmbeddedTarget) -> None:
    """Where the page names a time, a large table without a vacuum within it does not hold."""
    prepare(target, ROWS, "ANALYZE log")
    written = f"{{{OFF}, rows: 1000, vacuumed_within: 7d}}"
    finding = check_fails("vacuum", written, target, code="vacuum.not_vacuumed", disposable=False)
    assert finding.sentence == "Table log was never vacuumed, going by the statistics."
    prepare(target, "VACUUM log")
    check_holds("vacuum", written, target, disposable=False)


def test_autovacuum_that_is_off_does_not_hold(target: EmbeddedTarget) -> None:
    """A live server without autovacuum does not hold, unless the page says it may be off."""
    finding = check_fails("vacuum", "{}", target, code="vacuum.autovacuum_off", disposable=False)
    assert "whole server" in finding.sentence
    check_holds("vacuum", f"{{{OFF}}}", target, disposable=False)


def test_a_table_without_autovacuum_does_not_hold(target: EmbeddedTarget) -> None:
    """A table for which autovacuum was switched off is named, wherever it is, and may be excepted by name."""
    run_sql(target, "CREATE SCHEMA audit; CREATE TABLE audit.log (n integer) WITH (autovacuum_enabled = off)")
    finding = check_fails("vacuum", "{}", target, code="vacuum.autovacuum_off")
    assert finding.sentence == "Autovacuum is switched off for 1 table: audit.log."
    check_holds("vacuum", "{ignore: [audit.log]}", target)


@pytest.fixture(scope="module")
def early(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A server of this module's own that freezes after as few transactions as PostgreSQL allows."""
    server = EmbeddedServer.start(binaries, settings=FREEZES_EARLY)
    yield server
    server.stop()


def test_who_holds_rows_back_does_not_hold(early: EmbeddedServer) -> None:
    """An open transaction, a prepared one, and a database that cannot be frozen for them, are told with their ages."""
    database = Elsewhere(early.socket_endpoint())
    with early.connect() as idle, early.connect() as busy:
        idle.execute("BEGIN")
        idle.execute("SELECT pg_current_xact_id()")
        busy.execute(BURN.encode())
        finding = check_fails("vacuum", "{}", database, code="vacuum.freeze_overdue")
        assert "though PostgreSQL began to try at 100,000" in finding.sentence
        assert any(
            str(row["what"]).startswith("held back by the session postgres, process") for row in finding.evidence
        )
        limits = "{overdue: 1000%, held_back: 150000}"
        finding = check_fails("vacuum", limits, database, code="vacuum.held_back")
        assert finding.sentence.startswith("The session postgres, process ")
        idle.execute("PREPARE TRANSACTION 'forgotten'")
        finding = check_fails("vacuum", limits, database, code="vacuum.held_back")
        assert finding.sentence.startswith("The prepared transaction of postgres in postgres keeps rows")
        busy.execute("ROLLBACK PREPARED 'forgotten'")
        wait_until(busy, "NOT EXISTS (SELECT FROM pg_stat_activity WHERE age(backend_xmin) > 150000)")
        check_holds("vacuum", limits, database)


def test_multixacts_are_counted_like_transactions(early: EmbeddedServer) -> None:
    """A database that is old in multixacts, and not in transactions, does not hold either."""
    with early.connect() as busy, early.connect() as idle:
        busy.execute("CREATE TABLE shared (n integer); INSERT INTO shared VALUES (1)")
        idle.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        idle.execute("SELECT FROM shared FOR KEY SHARE")
        busy.execute(BURN_MULTIXACTS.encode())
        limits = "{overdue: 150%, wraparound: 100%}"
        findings = findings_of("vacuum", limits, Elsewhere(early.socket_endpoint()))
        assert [found.code for found in findings if "multixacts old" in found.sentence] == ["vacuum.freeze_overdue"]


def test_a_database_near_wraparound_does_not_hold(every_major: Binaries) -> None:
    """A server that has counted nearly all the transactions there are is told with how far it has come."""
    server = start(every_major, settings={"autovacuum_freeze_max_age": 2_000_000_000})
    try:
        with stopped(server):
            run_on_data(server, "pg_resetwal", "-x", str(NEXT_TRANSACTION))
        database = Elsewhere(server.socket_endpoint())
        finding = check_fails("vacuum", "{}", database, code="vacuum.wraparound")
        assert "88.6% of the way to where PostgreSQL refuses every write" in finding.sentence
        check_holds("vacuum", "{wraparound: 89%}", database)
    finally:
        server.stop()


@pytest.fixture
def stranger(server: EmbeddedServer, target: EmbeddedTarget) -> Iterator[Elsewhere]:
    """The same database as seen by a role without any privilege."""
    server.execute("CREATE ROLE stranger LOGIN PASSWORD 'only for this test'")
    yield Elsewhere(replace(target.endpoint, user="stranger", password="only for this test"))
    server.execute("DROP ROLE stranger")


def test_hidden_sessions_leave_no_verdict(server: EmbeddedServer, stranger: Elsewhere) -> None:
    """A role that cannot see other sessions is told which grant it needs, and with it the check holds."""
    with pytest.raises(CouldNotTell) as reason:
        findings_of("vacuum", "{}", stranger)
    assert reason.value.code == "run.not_permitted"
    assert "GRANT pg_read_all_stats" in reason.value.hint
    server.execute("GRANT pg_read_all_stats TO stranger")
    check_holds("vacuum", "{}", stranger)


@pytest.mark.parametrize("written", ["{wraparound: 50}", "{rows: 0}", "{held_back: -1}"])
def test_limits_that_mean_nothing_are_mistakes(written: str) -> None:
    """A bare number for a percentage, or a count below one, is refused when the page is read."""
    with pytest.raises(ValidationError):
        params_of("vacuum", written)
