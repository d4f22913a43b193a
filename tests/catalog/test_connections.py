"""Connections: slots to spare, and nobody who holds a session, a transaction or a lock for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from pydantic import ValidationError

from checks.catalog.activity import Seen
from checks.errors import CouldNotTell
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of, params_of, run_sql

AT_ONCE = "1us"


@pytest.fixture
def small_server(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A server of the test's own, with ten sessions for everybody but superusers."""
    server = EmbeddedServer.start(binaries, settings={"max_connections": 13, "superuser_reserved_connections": 3})
    yield server
    server.stop()


@contextmanager
def sessions(
    target: EmbeddedTarget, count: int, *, application: str = "relay-api"
) -> Iterator[list[psycopg.Connection[Any]]]:
    """So many sessions of an application, idle."""
    with ExitStack() as stack:
        yield [stack.enter_context(connected(target, application)) for _ in range(count)]


@contextmanager
def connected(target: EmbeddedTarget, application: str = "relay-api") -> Iterator[psycopg.Connection[Any]]:
    """One session of an application."""
    connection = target.server.connect(target.database)
    try:
        connection.execute(f"SET application_name = '{application}'")
        yield connection
    finally:
        connection.close()


def wait_until_alone(server: EmbeddedServer) -> None:
    """Until the server has forgotten every client but the one that asks; closing one does not wait for that."""
    with server.connect() as one:
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        wait_for(lambda: one.execute(others).fetchone() == (0,))


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it is so."""
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up, "it never came to be"
        time.sleep(0.02)


def test_a_server_with_slots_to_spare_holds(target_of_every_major: EmbeddedTarget) -> None:
    """The sessions are counted by database, role and application, and ours are not among them."""
    wait_until_alone(target_of_every_major.server)
    with sessions(target_of_every_major, 3), connected(target_of_every_major, "relay-worker") as worker:
        worker.execute("BEGIN")
        [finding] = check_holds("connections", "", target_of_every_major)
    assert finding.code == "connections.measured"
    assert finding.sentence.startswith("4 sessions of 47 in use (3 idle), 3 more are kept for superusers;")
    names = {"database": target_of_every_major.database, "role": "postgres"}
    assert finding.evidence == (
        {**names, "application": "relay-api", "sessions": 3, "active": 0, "idle": 3, "idle in transaction": 0},
        {**names, "application": "relay-worker", "sessions": 1, "active": 0, "idle": 0, "idle in transaction": 1},
    )


def test_few_slots_left_warn_and_none_fail(small_server: EmbeddedServer) -> None:
    """Nine of ten sessions warn, ten fail; the slots kept for superusers are no way out."""
    target = small_server.create_target("crowded")
    with sessions(target, 8):
        check_holds("connections", "", target)
        with connected(target):
            check_holds("connections", "used: 90%", target)
            finding = check_fails("connections", "", target, code="connections.nearly_exhausted")
            assert (finding.severity, finding.expected, finding.observed) == ("warn", "at most 80%", "9 of 10")
            with connected(target):
                finding = check_fails("connections", "", target, code="connections.exhausted")
                assert finding.severity == "fail"
                assert finding.sentence.startswith("The server has 10 of 10 sessions in use")


def test_a_roles_and_a_databases_own_limits_count(small_server: EmbeddedServer) -> None:
    """A role that may open two sessions is refused its third, however many the server has left."""
    target = small_server.create_target("limited")
    small_server.execute("CREATE ROLE api LOGIN CONNECTION LIMIT 2")
    with api(target):
        check_holds("connections", "used: 90%", target)
    wait_until_alone(small_server)
    with api(target), api(target):
        finding = check_fails("connections", "", target, code="connections.exhausted")
        assert finding.sentence.startswith("Role api has 2 of 2 sessions in use")
    wait_until_alone(small_server)
    small_server.execute("ALTER ROLE api CONNECTION LIMIT -1")
    small_server.execute("ALTER DATABASE limited CONNECTION LIMIT 3")
    with sessions(target, 3):
        finding = check_fails("connections", "", target, code="connections.exhausted")
        assert finding.sentence.startswith("Database limited has 3 of 3 sessions in use")


@contextmanager
def api(target: EmbeddedTarget) -> Iterator[psycopg.Connection[Any]]:
    """A session of the role `api`."""
    target.server.execute("ALTER ROLE api PASSWORD 'only for this test'")
    endpoint = target.endpoint
    connection = psycopg.connect(
        host=endpoint.host,
        port=endpoint.port,
        dbname=endpoint.database,
        user="api",
        password="only for this test",
        sslmode="require",
    )
    try:
        yield connection
    finally:
        connection.close()


def test_a_pool_whose_sessions_do_not_come_back_fails(target: EmbeddedTarget) -> None:
    """A pool of two is exhausted by two transactions that last, and not by two sessions that wait for work."""
    written = f"{{pools: {{relay-api: 2}}, held: {AT_ONCE}}}"
    with sessions(target, 2) as (one, two):
        one.execute("BEGIN")
        check_holds("connections", written, target)
        two.execute("BEGIN")
        finding = check_fails("connections", written, target, code="connections.pool_exhausted")
        assert finding.sentence.startswith("The pool relay-api of 2 sessions is exhausted")
        check_holds("connections", f"{{pools: {{relay-api: 3, postgres: 3}}, held: {AT_ONCE}}}", target)
        check_holds("connections", "{pools: {relay-api: 2}, held: 1h}", target)


def test_a_transaction_left_idle_fails(target_of_every_major: EmbeddedTarget) -> None:
    """A session that began a transaction and left it is told by name, also where the transaction has failed."""
    with connected(target_of_every_major) as one:
        one.execute("BEGIN")
        check_holds("connections", "", target_of_every_major)
        written = f"idle_in_transaction: {AT_ONCE}"
        finding = check_fails("connections", written, target_of_every_major, code="connections.idle_in_transaction")
        assert finding.severity == "fail"
        assert finding.evidence[0]["pid"] == one.info.backend_pid
        with pytest.raises(psycopg.errors.DivisionByZero):
            one.execute("SELECT 1/0")
        check_fails("connections", written, target_of_every_major, code="connections.idle_in_transaction")


def test_a_long_transaction_warns(target: EmbeddedTarget) -> None:
    """An old transaction warns whatever it does, and is told once if it is idle, too."""
    with connected(target) as one:
        one.execute("BEGIN")
        finding = check_fails("connections", f"transaction: {AT_ONCE}", target, code="connections.long_transaction")
        assert finding.severity == "warn"
        both = f"{{transaction: {AT_ONCE}, idle_in_transaction: {AT_ONCE}}}"
        check_fails("connections", both, target, code="connections.idle_in_transaction")


def test_slots_taken_by_idle_sessions_warn(target: EmbeddedTarget) -> None:
    """Many sessions that nobody uses warn; a few are what a pool is for."""
    wait_until_alone(target.server)
    with sessions(target, 3):
        finding = check_fails("connections", f"{{idle: {AT_ONCE}, idle_share: 5%}}", target, code="connections.idle")
        assert (finding.severity, finding.observed) == ("warn", "3 of 47")
        check_holds("connections", f"idle: {AT_ONCE}", target)
        check_holds("connections", "idle_share: 5%", target)


def test_a_blocked_session_fails_and_its_blocker_is_named(target_of_every_major: EmbeddedTarget) -> None:
    """Who holds the lock stands first, then who waits for it, and what for; a short wait is no finding."""
    target = target_of_every_major
    run_sql(target, "CREATE TABLE tokens (id integer)")
    with connected(target, "migration") as holder, connected(target) as waiter:
        holder.execute("BEGIN; LOCK TABLE tokens")
        thread = threading.Thread(target=waiter.execute, args=("SELECT count(*) FROM tokens",))
        thread.start()
        wait_for(
            lambda: "connections.blocked" in {one.code for one in findings_of("connections", "blocked: 1s", target)}
        )
        finding = check_fails("connections", "blocked: 1s", target, code="connections.blocked")
        check_holds("connections", "blocked: 1h", target)
        holder.execute("ROLLBACK")
        thread.join()
    assert finding.severity == "fail"
    first, second = finding.evidence
    assert finding.sentence.endswith(f"the queue begins at process {first['pid']}.")
    assert (first["blocks"], first["application"], first["state"]) == ("yes", "migration", "idle in transaction")
    assert (second["application"], second["for"], second["by"]) == ("relay-api", "relation tokens", str(first["pid"]))


def test_nothing_a_session_runs_is_shown(target: EmbeddedTarget) -> None:
    """What a session runs may hold anybody's data, and is not even asked for."""
    with connected(target) as one:
        one.execute("BEGIN; SELECT 'hunter2hunter2'")
        everything = f"{{idle_in_transaction: {AT_ONCE}, pools: {{relay-api: 1}}, held: {AT_ONCE}}}"
        assert "hunter2" not in repr(findings_of("connections", everything, target))


@pytest.fixture
def stranger(server: EmbeddedServer, target: EmbeddedTarget) -> Iterator[Elsewhere]:
    """The same database as seen by a role without any privilege."""
    server.execute("CREATE ROLE stranger LOGIN PASSWORD 'only for this test'")
    yield Elsewhere(replace(target.endpoint, user="stranger", password="only for this test"))
    server.execute("DROP ROLE stranger")


def test_what_the_role_may_not_see_is_not_told(
    server: EmbeddedServer, target: EmbeddedTarget, stranger: Elsewhere
) -> None:
    """Sessions of other roles leave the check without a verdict, and the grant that is missing is named."""
    wait_until_alone(server)
    check_holds("connections", "", stranger)
    with connected(target):
        with pytest.raises(CouldNotTell, match="may not see what 1 session of other roles do") as told:
            findings_of("connections", "", stranger)
        assert told.value.code == "run.not_permitted"
        assert "pg_read_all_stats" in told.value.hint
        server.execute("GRANT pg_read_all_stats TO stranger")
        check_holds("connections", "", stranger)


def test_full_slots_are_told_without_any_privilege(small_server: EmbeddedServer) -> None:
    """How many sessions there are is no secret, so a full server fails whoever asks."""
    target = small_server.create_target("crowded")
    small_server.execute("CREATE ROLE stranger LOGIN PASSWORD 'only for this test'")
    stranger = Elsewhere(replace(target.endpoint, user="stranger", password="only for this test"))
    with sessions(target, 5):
        check_fails("connections", "{used: 40%, exhausted: 45%}", stranger, code="connections.exhausted")


def test_a_server_that_records_nothing_is_told_apart(target: EmbeddedTarget) -> None:
    """With track_activities off, idle cannot be told from busy, and nothing is called healthy."""
    with connected(target) as one:
        one.execute("SET track_activities = off")
        with pytest.raises(CouldNotTell) as told:
            findings_of("connections", "", target)
    assert told.value.code == "connections.not_tracked"


def test_a_session_that_is_just_being_opened_is_counted() -> None:
    """It has no names yet, and takes a slot all the same."""
    row = {"pid": 7, "database": None, "role": None, "application": None, "state": "unknown"}
    seen = Seen.of({**row, "in_transaction": None, "in_state": None})
    assert (seen.database, seen.role, seen.application, seen.shown()["in transaction"]) == ("", "", "", "")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{used: 96%}", "warns before"),
        ("{used: 80}", "is not a percentage"),
        ("{blocked: 100ms}", "at least 1s"),
        ("{pools: {relay-api: 0}}", "must be 1 or more"),
    ],
)
def test_limits_that_make_no_sense_are_refused(written: str, said: str) -> None:
    """A page that could never warn, or always would, is wrong."""
    with pytest.raises(ValidationError, match=said):
        params_of("connections", written)
