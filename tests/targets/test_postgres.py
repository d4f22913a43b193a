"""Sessions with real servers: flights, guards, and peers that fall silent."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from checks.check import Answer, Query
from checks.errors import ConnectionFailed, QueryFailed
from checks.targets import guards
from checks.targets.embedded import EmbeddedTarget
from checks.targets.postgres import PostgresSession
from checks.targets.session import Endpoint, Session
from checks.targets.sessions import open_session
from tests.proxy import Proxy

PATIENCE = 20.0


@pytest.fixture
def session(target: EmbeddedTarget) -> Iterator[Session]:
    """A read-only session with a fresh database."""
    session = target.open(timeout=10)
    yield session
    session.close()


@pytest.fixture
def writer(target: EmbeddedTarget) -> Iterator[Session]:
    """A writable session with the same database."""
    session = target.open(writable=True, timeout=10)
    yield session
    session.close()


def ask(session: Session, *queries: str) -> list[Answer]:
    return session.ask([Query(sql) for sql in queries], patience=PATIENCE)


def refusal_of(session: Session, sql: str) -> QueryFailed:
    (answer,) = ask(session, sql)
    assert answer.error is not None, f"{sql} was not refused"
    return answer.error


def behind(target: EmbeddedTarget, proxy: Proxy) -> Endpoint:
    return replace(target.socket_endpoint, host="127.0.0.1", port=proxy.port)


def socket_of(target: EmbeddedTarget) -> str:
    endpoint = target.socket_endpoint
    return f"{endpoint.host}/.s.PGSQL.{endpoint.port}"


def test_introduces_the_server(session: Session, server_version: str) -> None:
    """A session says which server answered, as the server says it."""
    assert session.server.version == server_version
    assert session.server.version.startswith(str(session.server.major))
    assert session.round_trip > 0


@pytest.fixture
def server_version(target: EmbeddedTarget) -> str:
    with target.server.connect() as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]).split()[0] if row else ""


def test_guards_are_read_back(session: Session) -> None:
    """The guards are what the server says they are, not what was asked for."""
    assert session.guards["transaction_read_only"] == "on"
    assert session.guards["statement_timeout"] == "10s"
    assert session.guards["lock_timeout"] == "100ms"
    assert session.guards["idle_in_transaction_session_timeout"] == "10s"
    assert session.guards["application_name"] == "pgrunbook"
    assert session.guards["write_attempt"] == "refused (25006)"


def test_a_flight_isolates_its_queries(session: Session) -> None:
    """Answers come in order, and a refused query harms neither those before nor those behind it."""
    first, refused, third = ask(session, "SELECT 1", "SELECT * FROM nowhere", "SELECT 3")
    assert (first.value, third.value) == (1, 3)
    with pytest.raises(QueryFailed, match=r"nowhere.*line 1, column 15"):
        _ = refused.rows


def test_each_query_is_one_statement(session: Session) -> None:
    """Two statements in one query are refused by the server, so that none can hide behind another."""
    assert refusal_of(session, "SELECT 1; SELECT 2").code == "run.syntax"


@pytest.mark.parametrize(
    "sql",
    [
        "WITH gone AS (DELETE FROM kept RETURNING 1) SELECT count(*) FROM gone",
        "SELECT nextval('numbers')",
        "EXPLAIN ANALYZE INSERT INTO kept VALUES (2)",
        "SELECT lo_create(0)",
        "SELECT i INTO copied FROM kept",
        "INSERT INTO kept VALUES (2)",
        "COPY kept TO PROGRAM 'true'",
        "/* /* SELECT */ */ DO $$BEGIN DELETE FROM kept; END$$",
        "BEGIN READ WRITE",
        "SET default_transaction_read_only = off",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "VACUUM",
    ],
)
def test_a_read_only_session_does_not_write(session: Session, writer: Session, sql: str) -> None:
    """Even a superuser's session refuses to write, run programs or end its own guards."""
    writer.script("CREATE TABLE kept AS SELECT 1 AS i; CREATE SEQUENCE numbers")
    assert refusal_of(session, sql).code in {"run.read_only", "run.not_a_query"}
    assert ask(writer, "SELECT count(*) FROM kept")[0].value == 1


def test_a_query_cannot_lift_the_guards_of_the_next(session: Session, writer: Session) -> None:
    """What one query sets, the next no longer has: each has a transaction and guards of its own."""
    writer.script("CREATE TABLE kept (i int)")
    lifted = "SELECT set_config('default_transaction_read_only', 'off', false), set_config('lock_timeout', '0', false)"
    ask(session, lifted, "SELECT 1")
    write = refusal_of(session, "WITH new AS (INSERT INTO kept VALUES (1) RETURNING 1) SELECT * FROM new")
    assert write.sqlstate == "25006"
    assert ask(session, "SHOW lock_timeout")[0].value == "100ms"


def test_guards_leave_nothing_behind(session: Session) -> None:
    """A check of the settings still sees what other clients get: guards are local to their transaction."""
    (answer,) = ask(session, "SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout'")
    assert answer.value == "0"


def test_guards_that_do_not_hold_end_it(target: EmbeddedTarget) -> None:
    """A pooler that rewrites what makes a session read only is noticed, and nothing is asked of it."""
    with Proxy(socket_of(target), rewrite=lambda data: data.replace(b"BEGIN READ ONLY", b"BEGIN          ")) as proxy:
        with pytest.raises(ConnectionFailed, match="`transaction_read_only` reads `off`") as failure:
            open_session(behind(target, proxy), timeout=10, obtained="proxy")
        assert failure.value.code == "connectivity.guards_missing"


@pytest.mark.parametrize(
    ("instead", "says"),
    [("SELECT", "was not refused"), ("SELCT", r"refused for another reason \(SQLSTATE 42601\)")],
)
def test_a_write_that_is_not_refused_as_read_only_ends_it(target: EmbeddedTarget, instead: str, says: str) -> None:
    """Whatever the settings read, a session that was not seen to refuse a write is asked nothing."""
    attempt = guards.WRITE_ATTEMPT.encode()
    swallowed = instead.encode().ljust(len(attempt))
    proxy = Proxy(socket_of(target), rewrite=lambda data: data.replace(attempt, swallowed))
    with proxy, pytest.raises(ConnectionFailed, match=says) as failure:
        open_session(behind(target, proxy), timeout=10, obtained="proxy")
    assert failure.value.code == "connectivity.guards_missing"


@pytest.mark.parametrize("attributes", ["NOSUPERUSER", "SUPERUSER"])
def test_the_write_is_refused_to_every_role_on_every_major(
    target_of_every_major: EmbeddedTarget, attributes: str
) -> None:
    """A role without any privilege meets the same refusal as a superuser, so that it proves the session's state."""
    with target_of_every_major.server.connect(target_of_every_major.database) as connection:
        connection.execute(f"REVOKE TEMPORARY ON DATABASE {target_of_every_major.database} FROM PUBLIC")
        connection.execute(f"CREATE ROLE attempts LOGIN {attributes} PASSWORD 'attempts-1'")
        endpoint = replace(target_of_every_major.endpoint, user="attempts", password="attempts-1")
        session = open_session(endpoint, timeout=10, obtained="tcp")
        session.close()
        connection.execute("DROP ROLE attempts")
    assert session.guards["write_attempt"] == "refused (25006)"


def test_the_write_would_leave_nothing_where_it_was_let_through(writer: Session) -> None:
    """Should a server ever take it, nobody's database is another for it."""
    count = "SELECT count(*), (SELECT count(*) FROM pg_locks WHERE relation >= 16384) FROM pg_class"
    before, let_through, after = ask(writer, count, guards.WRITE_ATTEMPT, count)
    assert let_through.error is None
    assert before.rows == after.rows


def test_guards_write_and_slots_cost_one_round_trip(target: EmbeddedTarget) -> None:
    """All that makes a session safe travels in one flight behind the login, however long the line is."""
    turns: list[str] = []

    def noting(whose: str) -> Callable[[bytes], bytes]:
        def note(data: bytes) -> bytes:
            if turns[-1:] != [whose]:
                turns.append(whose)
            return data

        return note

    with Proxy(socket_of(target), delay=0.05, rewrite=noting("ours"), rewrite_back=noting("theirs")) as proxy:
        endpoint = replace(behind(target, proxy), options={"sslmode": "disable", "gssencmode": "disable"})
        session = open_session(endpoint, timeout=10, obtained="proxy")
        login, introduction = ["ours", "theirs"], ["ours", "theirs"]
        assert turns == login + introduction
        session.close()


def test_a_role_that_may_not_count_the_slots_may_still_look(target: EmbeddedTarget, writer: Session) -> None:
    """Where pg_stat_activity is closed to the role, the count is said to be missing, and the session goes on."""
    writer.script(
        "REVOKE ALL ON pg_catalog.pg_stat_activity FROM PUBLIC;"
        "DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN PASSWORD 'look-1'"
    )
    session = open_session(replace(target.endpoint, user="looker", password="look-1"), timeout=10, obtained="tcp")
    assert session.guards["free_connection_slots"] == "not known (42501)"
    assert ask(session, "SELECT 1")[0].value == 1
    session.close()
    writer.script("DROP ROLE looker")


def test_values_are_decoded(session: Session) -> None:
    """Values come as Python's own, and as text where Python has no such value."""
    (row,) = ask(session, "SELECT 1.50, '{\"a\": [1]}'::jsonb, 'infinity'::timestamptz, NULL, true, '{1,2}'::int[]")[
        0
    ].rows
    assert [str(row[0]), *row[1:]] == ["1.50", {"a": [1]}, "infinity", None, True, [1, 2]]


def test_rows_beyond_keep_are_only_counted(session: Session) -> None:
    """A million rows are counted and not held: memory stays flat."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (answer,) = session.ask(
        [Query("SELECT g, repeat('x', 100) FROM generate_series(1, 1000000) g", keep=2)], patience=PATIENCE
    )
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (answer.row_count, [row[0] for row in answer.rows]) == (1_000_000, [1, 2])
    assert grown < 30_000, f"{grown} kB more"


def test_many_large_queries_do_not_block(session: Session) -> None:
    """A flight larger than every buffer on the way is read while it is written."""
    large = f"SELECT '{'x' * 100_000}'"
    answers = ask(session, *[large] * 100)
    assert [len(answer.value) for answer in answers] == [100_000] * 100


def test_a_slow_query_is_ended_by_the_server(target: EmbeddedTarget) -> None:
    """The server ends a query that outlasts the session's timeout, and the next one still has its answer."""
    session = target.open(timeout=0.5)
    slow, quick = ask(session, "SELECT pg_sleep(60)", "SELECT 1")
    assert slow.error is not None
    assert (slow.error.code, quick.value) == ("run.timeout", 1)
    session.close()


def test_a_lock_is_not_waited_for(session: Session, writer: Session) -> None:
    """A query behind the application's lock gives up at once rather than queue before other clients."""
    writer.script("CREATE TABLE kept (i int)")
    ask(writer, "BEGIN", "LOCK TABLE kept")
    assert refusal_of(session, "SELECT * FROM kept").code == "run.lock_timeout"


def test_a_refusal_names_role_and_object(target: EmbeddedTarget, writer: Session) -> None:
    """What a role may not read is said with the role's name and the object's."""
    writer.script("CREATE TABLE kept (i int); DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN PASSWORD 'look-1'")
    reader = open_session(replace(target.endpoint, user="looker", password="look-1"), timeout=10, obtained="tcp")
    refusal = refusal_of(reader, "SELECT * FROM kept")
    reader.close()
    writer.script("DROP ROLE looker")
    assert refusal.code == "run.not_permitted"
    assert "`looker`" in refusal.sentence
    assert "table kept" in refusal.sentence


def test_a_refusal_shows_no_cell(session: Session, writer: Session) -> None:
    """A value the server chokes on may be a cell of someone's table, and is not repeated."""
    writer.script("CREATE TABLE kept AS SELECT 'Ada Lovelace' AS name")
    assert "Lovelace" not in refusal_of(session, "SELECT name::int FROM kept").sentence


def test_a_silent_peer_is_left(target: EmbeddedTarget) -> None:
    """When nothing comes any more, what did come is returned, and the session is over."""
    with Proxy(socket_of(target)) as proxy:
        session = open_session(behind(target, proxy), timeout=10, obtained="proxy")
        proxy.fall_silent()
        assert session.ask([Query("SELECT 1")], patience=0.2) == []
        with pytest.raises(ConnectionFailed):
            session.ask([Query("SELECT 1")], patience=0.2)
        session.close()


def test_whoever_asks_after_silence_is_told_of_that(session: Session) -> None:
    """A peer that falls silent once every answer is in is not said to have closed the connection, which we did."""
    silence = ConnectionFailed("no answer within 1.0 s", code="connectivity.silent")

    def falls_silent(ending: PostgresSession, *_: Any, **__: Any) -> None:
        ending.close()
        raise silence

    with patch.object(PostgresSession, "_read_end", falls_silent):
        assert ask(session, "SELECT 1")[0].value == 1
    with pytest.raises(ConnectionFailed) as failure:
        ask(session, "SELECT 1")
    assert failure.value is silence


def test_a_hanging_query_leaves_the_answers_before_it(target: EmbeddedTarget) -> None:
    """Fewer answers than queries tell which query hangs: the first that is missing."""
    session = target.open(timeout=10)
    answers = session.ask([Query("SELECT 1"), Query("SELECT pg_sleep(60)"), Query("SELECT 3")], patience=0.3)
    assert [answer.value for answer in answers] == [1]
    session.close()


def test_a_silent_peer_does_not_hold_up_connecting(target: EmbeddedTarget) -> None:
    """A peer that accepts and then says nothing is given up after the timeout."""
    with Proxy(socket_of(target)) as proxy:
        proxy.fall_silent()
        with pytest.raises(ConnectionFailed) as failure:
            open_session(behind(target, proxy), timeout=0.2, obtained="proxy")
    assert failure.value.code == "connectivity.silent"


def test_a_cut_connection_is_lost(target: EmbeddedTarget) -> None:
    """A connection that breaks is told apart from one that is silent."""
    with Proxy(socket_of(target)) as proxy:
        session = open_session(behind(target, proxy), timeout=10, obtained="proxy")
        proxy.cut()
        with pytest.raises(ConnectionFailed) as failure:
            ask(session, "SELECT 1")
        session.close()
    assert failure.value.code == "connectivity.lost"


def test_an_ended_backend_is_lost(session: Session, writer: Session) -> None:
    """An administrator who ends the session is told of in the server's words."""
    ask(
        writer,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database()",
    )
    with pytest.raises(ConnectionFailed, match="administrator") as failure:
        ask(session, "SELECT 1")
    assert failure.value.code == "connectivity.lost"


def test_abort_frees_whoever_waits(session: Session) -> None:
    """Another thread can end the wait at once, long before any timeout."""
    outcome: list[BaseException] = []

    def wait() -> None:
        try:
            ask(session, "SELECT pg_sleep(9)")
        except ConnectionFailed as failure:
            outcome.append(failure)

    waiter = threading.Thread(target=wait)
    started = time.monotonic()
    waiter.start()
    session.abort()
    waiter.join(timeout=8)
    assert [getattr(failure, "code", "") for failure in outcome] == ["connectivity.lost"]
    assert time.monotonic() - started < 8, "the statement's own end freed it"


def test_a_script_is_one_transaction(writer: Session) -> None:
    """A script that fails half-way leaves nothing, and says where it failed."""
    with pytest.raises(QueryFailed, match="line 2, column 1"):
        writer.script("CREATE TABLE half (i int);\nSELCT 1")
    assert ask(writer, "SELECT to_regclass('half')")[0].value is None


def test_a_script_may_take_longer_than_a_query(target: EmbeddedTarget) -> None:
    """Fixtures are not held to the time a check's query has."""
    writer = target.open(writable=True, timeout=0.2)
    writer.script("SELECT pg_sleep(0.4)")
    assert ask(writer, "SELECT 1")[0].value == 1
    writer.close()


def test_a_writable_session_keeps_what_it_writes(target: EmbeddedTarget, writer: Session) -> None:
    """Each query of a writable session stands when it is answered."""
    ask(writer, "CREATE TABLE kept AS SELECT 7 AS i")
    other = target.open()
    assert ask(other, "SELECT i FROM kept")[0].value == 7
    other.close()


def test_closing_twice_is_harmless(target: EmbeddedTarget) -> None:
    """A session gives its slot back once, however often it is closed."""
    closed: list[str] = []
    session = open_session(target.socket_endpoint, timeout=10, obtained="x", on_close=lambda: closed.append("once"))
    session.close()
    session.close()
    session.abort()
    assert closed == ["once"]


def test_a_host_name_is_tried_at_each_address(target: EmbeddedTarget) -> None:
    """A name with several addresses is reached at whichever of them answers."""
    session = open_session(replace(target.endpoint, host="localhost"), timeout=10, obtained="by name")
    assert ask(session, "SELECT 1")[0].value == 1
    session.close()


def test_sessions_speak_to_every_major(target_of_every_major: EmbeddedTarget) -> None:
    """Flights and guards work alike on every PostgreSQL of this machine."""
    session = target_of_every_major.open(timeout=10)
    assert session.guards["transaction_read_only"] == "on"
    assert [answer.value for answer in ask(session, "SELECT 1", "SELECT 2")] == [1, 2]
    session.close()
