"""Each failure of a query, provoked on a server of each major, over TCP and the socket, as each client meets it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.exceptions import diagnose_exception
from tests.targets.clients import everyone_says
from tests.targets.patients import as_standby, over_both, patient_of


@pytest.fixture(scope="module")
def standby(every_major: Binaries) -> Iterator[EmbeddedServer]:
    """A patient that is a standby, of each major in turn."""
    server = patient_of(every_major)
    with as_standby(server):
        yield server
    server.stop()


def test_statement_timeout(patient: EmbeddedServer) -> None:
    """A query that takes longer than the session allows."""
    queries = ["SET statement_timeout = '300ms'", "SELECT pg_sleep(30)"]
    everyone_says("run.timeout", over_both(patient), *queries, timeout=0.3)


def test_lock_timeout(patient: EmbeddedServer) -> None:
    """A lock that somebody else holds."""
    with patient.connect("shop") as holder, holder.transaction():
        holder.execute("LOCK TABLE open")
        everyone_says("run.lock_timeout", over_both(patient), "SET lock_timeout = '50ms'", "SELECT n FROM open")


def test_permission_denied(patient: EmbeddedServer) -> None:
    """A table the role may not read."""
    said = everyone_says("run.not_permitted", over_both(patient), "SELECT n FROM secret")
    assert all("`app`" in sentence for sentence in said)


@pytest.mark.parametrize("name", ["no_such", "no_such.table_of_it"])
def test_relation_missing(patient: EmbeddedServer, name: str) -> None:
    """A table, or a schema, that is not there."""
    everyone_says("run.relation_missing", over_both(patient), f"SELECT n FROM {name}")


def test_read_only(patient: EmbeddedServer) -> None:
    """A write in a session that only reads, made by a function."""
    queries = ["SET default_transaction_read_only = on", "SELECT nextval('numbers')"]
    everyone_says("run.read_only", over_both(patient), *queries)


@pytest.mark.parametrize(
    ("code", "query"),
    [
        ("run.column_missing", "SELECT no_such FROM open"),
        ("run.function_missing", "SELECT no_such(1)"),
        ("run.syntax", "SELECT FROM WHERE"),
        ("run.query_failed", "SELECT 1/0"),
    ],
)
def test_wrong_queries(patient: EmbeddedServer, code: str, query: str) -> None:
    """What a page may have misspelt."""
    everyone_says(code, over_both(patient), query)


def test_no_value_is_repeated(patient: EmbeddedServer) -> None:
    """A value that the server chokes on may be somebody's, and is not told."""
    said = everyone_says("run.query_failed", over_both(patient), "SELECT 'hunter2'::text::int")
    assert "hunter2" not in "".join(said)
    said = everyone_says("run.query_failed", over_both(patient), "SELECT json 'null' -> 'x', CAST('hunter2' AS date)")
    assert "hunter2" not in "".join(said)


@pytest.mark.parametrize("query", ["SELECT pg_current_wal_lsn()", "SELECT nextval('numbers')"])
def test_not_on_a_standby(standby: EmbeddedServer, query: str) -> None:
    """A standby is asked for what only a primary can do; a write in a read-only session is read-only there too."""
    code = "run.read_only" if "nextval" in query else "run.in_recovery"
    everyone_says(code, over_both(standby), query)


def test_cancelled(patient: EmbeddedServer) -> None:
    """A query that somebody ends is told apart from one that took too long."""
    with patient.connect("shop") as victim:
        timer = threading.Timer(0.05, _end, [patient, "pg_cancel_backend", victim.info.backend_pid])
        timer.start()
        with pytest.raises(psycopg.Error) as error:
            victim.execute("SELECT pg_sleep(30)")
        timer.join()
    assert diagnose_exception(error.value).code == "run.canceled"


def test_ended(patient: EmbeddedServer) -> None:
    """A session that an administrator ends is lost; nobody says that the server is shutting down."""
    with patient.connect("shop") as victim:
        _end(patient, "pg_terminate_backend", victim.info.backend_pid)
        with pytest.raises(psycopg.Error) as error:
            victim.execute("SELECT pg_sleep(30)")
        with pytest.raises(psycopg.Error) as closed:
            victim.execute("SELECT 1")
    assert diagnose_exception(error.value).code == "connectivity.lost"
    assert diagnose_exception(closed.value).code == "connectivity.lost"


def _end(server: EmbeddedServer, how: str, number: int) -> None:
    with server.connect() as connection:
        connection.execute(f"SELECT {how}({number})".encode())
