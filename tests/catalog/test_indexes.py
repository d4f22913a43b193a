"""Indexes: those declared are there and valid, none repeats another, and what is unused or missed is told in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.catalog.tools import check_fails, check_holds, run_sql

AUDIT = """
    CREATE TABLE audit_log (id bigint PRIMARY KEY, user_id integer, said text, created_at timestamptz DEFAULT now());
    CREATE INDEX idx_audit_created ON audit_log (created_at);
    INSERT INTO audit_log (id, user_id, said) SELECT n, n % 10, repeat('x', 100) FROM generate_series(1, 2000) AS n;
    CREATE SCHEMA auth;
    CREATE TABLE auth.users (user_id integer PRIMARY KEY, email text);
    CREATE UNIQUE INDEX users_email ON auth.users (email);
    ANALYZE;
"""
LARGE = "{large_table: 100kB, scans: 5}"


@pytest.fixture
def audit(target: EmbeddedTarget) -> EmbeddedTarget:
    """A small application's tables, with the indexes they need."""
    run_sql(target, AUDIT)
    return target


def test_declared_indexes_hold(target_of_every_major: EmbeddedTarget) -> None:
    """Lists by table, with and without a schema; fresh statistics are said to tell nothing of use yet."""
    run_sql(target_of_every_major, AUDIT)
    written = "declared: {audit_log: [idx_audit_created, audit_log_pkey], auth.users: [users_email]}"
    [finding] = check_holds("indexes", written, target_of_every_major)
    assert finding.code == "indexes.as_expected"
    assert finding.sentence.startswith("All of the 3 indexes declared are valid; none is invalid or repeats another,")
    assert finding.sentence.endswith("old, so unused ones are not told yet.")
    check_holds("indexes", "declared: [idx_audit_created, auth.users_email]", target_of_every_major)
    check_holds("indexes", "", target_of_every_major)


def test_an_index_that_is_missing_fails(audit: EmbeddedTarget) -> None:
    """One that was dropped, and one that lies on another table than the page says."""
    run_sql(audit, "DROP INDEX idx_audit_created")
    written = "declared: {audit_log: [idx_audit_created, users_email], auth.users: [users_email]}"
    finding = check_fails("indexes", written, audit, code="indexes.missing")
    assert finding.sentence == "2 indexes are missing: audit_log.idx_audit_created, audit_log.users_email."
    assert (finding.expected, finding.observed) == ("3 indexes", "1 of them")


def test_an_invalid_index_fails_whether_declared_or_not(target_of_every_major: EmbeddedTarget) -> None:
    """What a failed CREATE INDEX CONCURRENTLY leaves guarantees nothing; it is named once."""
    run_sql(target_of_every_major, AUDIT)
    target = target_of_every_major
    with target.server.connect(target.database) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY one_user ON audit_log (user_id)")
    for written in ("", "declared: {audit_log: [one_user]}", "declared: [one_user]"):
        finding = check_fails("indexes", written, target_of_every_major, code="indexes.invalid")
        assert finding.sentence == "1 index is invalid: one_user."
        assert finding.severity == "fail"
    run_sql(target_of_every_major, "DROP INDEX one_user")
    check_holds("indexes", "", target_of_every_major)


def test_an_index_that_is_being_built_is_no_finding(target_of_every_major: EmbeddedTarget) -> None:
    """CREATE INDEX CONCURRENTLY waits for older transactions with an invalid index in place, as it should."""
    target = target_of_every_major
    run_sql(target, AUDIT)
    with target.server.connect(target.database) as older, target.server.connect(target.database) as builder:
        older.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        older.execute("INSERT INTO audit_log (id) VALUES (0)")
        build = "CREATE INDEX CONCURRENTLY idx_audit_said ON audit_log (said)"
        thread = threading.Thread(target=builder.execute, args=(build,))
        thread.start()
        with target.server.connect(target.database) as watcher:
            wait_for(watcher, "EXISTS (SELECT FROM pg_index WHERE NOT indisvalid)")
        check_holds("indexes", "", target)
        check_fails("indexes", "declared: [idx_audit_said]", target, code="indexes.invalid")
        older.execute("COMMIT")
        thread.join()
    check_holds("indexes", "declared: [idx_audit_said]", target)


def wait_for(connection: psycopg.Connection[tuple[object, ...]], condition: str) -> None:
    """Until it is so on the server."""
    give_up = time.monotonic() + 20
    while connection.execute(f"SELECT {condition}".encode()).fetchone() != (True,):
        assert time.monotonic() < give_up, f"{condition} never came to be"
        time.sleep(0.02)


REPEATED = [
    ("CREATE INDEX again ON audit_log (created_at)", "again (as idx_audit_created)"),
    ("CREATE INDEX again ON audit_log (id)", "again (as audit_log_pkey)"),
    ("CREATE UNIQUE INDEX again ON audit_log (id)", "again (as audit_log_pkey)"),
    ("ALTER TABLE auth.users ADD CONSTRAINT again UNIQUE (email)", "auth.users_email (as again)"),
    ("CREATE INDEX again ON auth.users (email)", "auth.again (as users_email)"),
    (
        "CREATE INDEX a ON auth.users (lower(email)) WHERE user_id > 1;"
        "CREATE INDEX again ON auth.users ((lower(email))) WHERE (user_id > 1)",
        "auth.again (as a)",
    ),
]


@pytest.mark.parametrize(("sql", "named"), REPEATED)
def test_an_index_that_repeats_another_warns(audit: EmbeddedTarget, sql: str, named: str) -> None:
    """The one to drop is named: not the constraint's, not the unique one, not the older."""
    run_sql(audit, sql)
    finding = check_fails("indexes", "", audit, code="indexes.duplicate")
    assert finding.severity == "warn"
    assert finding.sentence == f"1 index repeats another: {named}."


NOT_REPEATED = [
    "CREATE INDEX other ON audit_log (created_at DESC)",
    "CREATE INDEX other ON audit_log (created_at, id)",
    "CREATE INDEX other ON audit_log (created_at) INCLUDE (id)",
    "CREATE INDEX other ON audit_log (created_at) WHERE user_id = 1",
    "CREATE INDEX other ON audit_log USING brin (created_at)",
    "CREATE INDEX other ON auth.users (email text_pattern_ops)",
    'CREATE INDEX other ON auth.users (email COLLATE "C")',
    "CREATE INDEX other ON auth.users (lower(email))",
    "CREATE UNIQUE INDEX other ON auth.users (email) NULLS NOT DISTINCT",
    "ALTER TABLE auth.users ADD CONSTRAINT other UNIQUE (email) DEFERRABLE",
    "CREATE TABLE parts (id integer PRIMARY KEY, v integer) PARTITION BY RANGE (id);"
    "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (9); CREATE INDEX ON parts (v)",
]


@pytest.mark.parametrize("sql", NOT_REPEATED)
def test_an_index_that_differs_in_anything_is_no_repetition(audit: EmbeddedTarget, sql: str) -> None:
    """Order, columns, condition, method, operators, collation, and what a unique one takes for equal."""
    run_sql(audit, sql)
    check_holds("indexes", "", audit)


def count(target: EmbeddedTarget, sql: str, *, times: int) -> None:
    """Run a query so often, and have the server count it."""
    with target.server.connect(target.database) as connection:
        for _ in range(times):
            connection.execute(sql.encode())
        connection.execute("SELECT pg_stat_force_next_flush()")


def test_a_large_table_read_from_end_to_end_warns(target_of_every_major: EmbeddedTarget) -> None:
    """Once sequential scans are many, and more than those by index; a table that is small may be read whole."""
    run_sql(target_of_every_major, AUDIT)
    check_holds("indexes", LARGE, target_of_every_major)
    count(target_of_every_major, "SELECT max(said) FROM audit_log", times=6)
    finding = check_fails("indexes", LARGE, target_of_every_major, code="indexes.sequential")
    assert (finding.severity, finding.expected) == ("warn", "at most 50% of the scans")
    assert finding.evidence[0]["table"] == "audit_log"
    assert int(str(finding.evidence[0]["rows a sequential scan"])) > 1000
    for written in ("{large_table: 10MB, scans: 5}", "{large_table: 100kB, scans: 50}", ""):
        check_holds("indexes", written, target_of_every_major)
    count(target_of_every_major, "SELECT said FROM audit_log WHERE id = 7", times=20)
    check_holds("indexes", LARGE, target_of_every_major)
    check_fails(
        "indexes", "{large_table: 100kB, scans: 5, sequential: 10%}", target_of_every_major, code="indexes.sequential"
    )


UNUSED = "{large_index: 16kB, unused_for: 1us}"


@pytest.fixture
def counted_anew(target_of_every_major: EmbeddedTarget) -> EmbeddedTarget:
    """The application's tables, with counters that begin after they were filled."""
    run_sql(target_of_every_major, AUDIT)
    with target_of_every_major.server.connect(target_of_every_major.database) as connection:
        connection.execute("SELECT pg_stat_force_next_flush(), pg_stat_reset()")
    return target_of_every_major


def test_a_large_index_that_nobody_uses_warns(counted_anew: EmbeddedTarget) -> None:
    """Told from the counters; what upholds a rule is of use without being read, and what is small may stay."""
    finding = check_fails("indexes", UNUSED, counted_anew, code="indexes.unused")
    assert finding.severity == "warn"
    assert [(row["table"], row["index"], row["last used"]) for row in finding.evidence] == [
        ("audit_log", "idx_audit_created", "never")
    ]
    check_holds("indexes", "{large_index: 10MB, unused_for: 1us}", counted_anew)


def test_an_index_in_use_is_none(counted_anew: EmbeddedTarget) -> None:
    """One scan by it is enough, as long as it is recent."""
    sql = "SELECT created_at FROM audit_log WHERE created_at = now()"
    count(counted_anew, sql, times=1)
    check_holds("indexes", "{large_index: 16kB, unused_for: 1h}", counted_anew)
    if counted_anew.server.binaries.major >= 16:  # since then the server keeps when an index was last used
        finding = check_fails("indexes", UNUSED, counted_anew, code="indexes.unused")
        assert str(finding.evidence[0]["last used"]).endswith(" ago")
    else:
        check_holds("indexes", UNUSED, counted_anew)


def test_young_statistics_call_nothing_unused(counted_anew: EmbeddedTarget) -> None:
    """Counters that began a moment ago know nothing of the monthly report."""
    [finding] = check_holds("indexes", "large_index: 16kB", counted_anew)
    assert finding.sentence.endswith("old, so unused ones are not told yet.")


@pytest.fixture
def own_server(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A server of the test's own, to be crashed."""
    server = EmbeddedServer.start(binaries)
    yield server
    server.stop()


def test_a_crash_makes_statistics_young(own_server: EmbeddedServer) -> None:
    """A server that crashed has counted since then only, although the database's own counters do not say so."""
    target = own_server.create_target("crashed")
    run_sql(target, AUDIT)
    with own_server.connect(target.database) as connection:
        before = connection.execute("SELECT clock_timestamp()").fetchone()
    own_server.restart()
    [finding] = check_holds("indexes", "{large_index: 16kB, unused_for: 1h}", target)
    assert "so unused ones are not told yet" in finding.sentence
    with own_server.connect(target.database) as connection:
        since = "SELECT stats_reset > %s FROM pg_stat_archiver"
        assert connection.execute(since, before).fetchone() == (True,)
