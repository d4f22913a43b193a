"""Sessions with SQLite files."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from checks.check import Query
from checks.errors import ConnectionFailed, QueryFailed
from checks.targets.session import Endpoint, Session
from checks.targets.sessions import open_session

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small database."""
    path = tmp_path / "app 1.db"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE kept (i); INSERT INTO kept VALUES (1), (2), (3)")
    connection.close()
    return path


def opened(path: Path, *, writable: bool = False, timeout: float = 10.0) -> Session:
    endpoint = Endpoint(engine="sqlite", path=str(path))
    return open_session(endpoint, writable=writable, timeout=timeout, obtained="a file")


def refusal_of(session: Session, sql: str) -> QueryFailed:
    (answer,) = session.ask([Query(sql)], patience=10)
    assert answer.error is not None, f"{sql} was not refused"
    return answer.error


def test_questions_are_answered(file: Path) -> None:
    """Answers come in order, with columns, and a refused query harms no other."""
    session = opened(file)
    first, refused, third = session.ask(
        [Query("SELECT i FROM kept", keep=2), Query("SELECT * FROM nowhere"), Query("SELECT 3 AS three")], patience=10
    )
    assert (first.columns, first.rows, first.row_count) == (("i",), ((1,), (2,)), 3)
    assert refused.error is not None
    assert refused.error.code == "run.relation_missing"
    assert third.value == 3
    assert session.server.version == sqlite3.sqlite_version
    session.close()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO kept VALUES (4)",
        "WITH n AS (SELECT 4) INSERT INTO kept SELECT * FROM n",
        "PRAGMA query_only = OFF",
        "ATTACH 'other.db' AS other",
    ],
)
def test_a_read_only_session_does_not_write(file: Path, sql: str) -> None:
    """A session that only asks says so, and refuses every way to write."""
    session = opened(file)
    assert session.guards == {"query_only": "on", "write_attempt": "refused (SQLITE_READONLY)"}
    assert refusal_of(session, sql).code == "run.read_only"
    session.close()


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    """A misspelt path is a missing database, and leaves no empty file behind."""
    with pytest.raises(ConnectionFailed) as failure:
        opened(tmp_path / "none.db")
    assert failure.value.code == "connectivity.database_missing"
    assert not list(tmp_path.iterdir())


def test_another_kind_of_file_is_told(tmp_path: Path) -> None:
    """A file that is no database is named as such, and not as an error of some query."""
    path = tmp_path / "notes.txt"
    path.write_text("Not a database at all. " * 100)
    with pytest.raises(ConnectionFailed, match=r"notes\.txt cannot be opened as a SQLite database"):
        opened(path)


def test_an_endless_query_is_ended(file: Path) -> None:
    """A query that outlasts the session's timeout is ended, and the next one still has its answer."""
    session = opened(file, timeout=0.2)
    slow, quick = session.ask([Query(ENDLESS), Query("SELECT 1")], patience=10)
    assert slow.error is not None
    assert (slow.error.code, quick.value) == ("run.timeout", 1)
    session.close()


def test_abort_frees_whoever_waits(file: Path) -> None:
    """Another thread can end the wait, and the session is over then."""
    session = opened(file, timeout=50)
    timer = threading.Timer(0.1, session.abort)
    timer.start()
    with pytest.raises(ConnectionFailed):
        session.ask([Query(ENDLESS)], patience=50)
    with pytest.raises(ConnectionFailed):
        session.ask([Query("SELECT 1")], patience=50)
    timer.join()
    session.close()
    session.abort()


def test_a_script_is_one_transaction(tmp_path: Path) -> None:
    """A script that fails half-way leaves nothing; one that does not stays."""
    session = opened(tmp_path / "new.db", writable=True)
    with pytest.raises(QueryFailed) as failure:
        session.script("CREATE TABLE half (i); SELCT 1;")
    assert failure.value.code == "run.syntax"
    session.script("CREATE TABLE whole (i)")
    (answer,) = session.ask([Query("SELECT name FROM sqlite_schema")], patience=10)
    assert answer.rows == (("whole",),)
    session.close()
