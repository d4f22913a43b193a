"""A session with a SQLite file: the same questions, no server, and the same care not to write.

https://www.sqlite.org/uri.html and https://www.sqlite.org/pragma.html#pragma_query_only
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from checks.check import SQLITE, Answer, Query
from checks.errors import ConnectionFailed, QueryFailed
from checks.targets.session import Arrived, Endpoint, Server, unheard
from checks.targets.statements import refused_unsent

STEPS_BETWEEN_LOOKS = 10_000  # of SQLite's virtual machine, some tenths of a millisecond
ROWS_AT_ONCE = 500

# SQLite has no SQLSTATE; the closest of PostgreSQL's lets a reader of the report compare. The first match counts.
_BY_WORDING = (
    ("interrupted", "57014", "run.timeout", "The query took longer than its time"),
    ("readonly database", "25006", "run.read_only", "The query writes, and this session only reads"),
    ("no such table", "42P01", "run.relation_missing", "The query names a table or view that is not there"),
    ("no such column", "42703", "run.column_missing", "The query names a column that is not there"),
    ("no such function", "42883", "run.function_missing", "The query calls a function that is not there"),
    ("syntax error", "42601", "run.syntax", "SQLite cannot read the query"),
    ("one statement at a time", "42601", "run.syntax", "SQLite cannot read the query"),
    ("incomplete input", "42601", "run.syntax", "SQLite cannot read the query"),
    ("locked", "55P03", "run.lock_timeout", "Another process holds a lock the query needs"),
)


class SqliteSession:
    """One connection to a file. See `checks.targets.session.Session`, whose words hold here."""

    def __init__(
        self, endpoint: Endpoint, *, writable: bool, timeout: float, obtained: str, on_close: Callable[[], None]
    ) -> None:
        """Open the file, which is never created unless `writable`. `timeout` is in seconds, for each statement.

        Raises ConnectionFailed when the file is missing, cannot be read, or is no SQLite database.
        """
        self._path = Path(endpoint.path or "")
        self._writable = writable
        self._timeout = timeout
        self._until = float("inf")
        self._aborted = False
        self._on_close: Callable[[], None] | None = None
        self._server = Server(SQLITE, sqlite3.sqlite_version, sqlite3.sqlite_version_info[0], obtained)
        self._connection = _opened(self._path, writable=writable)
        try:
            self._guards, self._round_trip = self._introduced()
        except sqlite3.Error as error:
            self._connection.close()
            raise _no_database(self._path, error) from error
        self._connection.text_factory = lambda text: text.decode("utf-8", "replace")
        self._connection.set_progress_handler(self._time_is_up, STEPS_BETWEEN_LOOKS)
        self._on_close = on_close

    @property
    def server(self) -> Server:
        """SQLite as a library of this process: there is no other server."""
        return self._server

    @property
    def guards(self) -> Mapping[str, str]:
        """`query_only`, as SQLite reads it back."""
        return self._guards

    @property
    def round_trip(self) -> float:
        """Seconds to read the guards back."""
        return self._round_trip

    def ask(self, queries: Sequence[Query], *, patience: float, arrived: Arrived = unheard) -> list[Answer]:
        """One answer for each query, in order; each is ended when the session's timeout, or `patience`, has passed."""
        started = time.monotonic()
        answers = []
        for query in queries:
            answers.append(self._answer(query, started, min(self._timeout, patience)))
            arrived(answers[-1])
        return answers

    def script(self, sql: str) -> None:
        """Run several statements in one transaction. Raises QueryFailed."""
        if not self._writable:
            raise AssertionError("a script runs on a writable session only")
        self._until = float("inf")
        try:
            self._connection.executescript(f"BEGIN;\n{sql}\n;COMMIT;")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise _query_failed(error) from error

    def abort(self) -> None:
        """End whatever runs, from another thread; every later question fails too."""
        self._aborted = True
        with contextlib.suppress(sqlite3.ProgrammingError):  # closed already
            self._connection.interrupt()

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        self._connection.close()
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()

    def _introduced(self) -> tuple[dict[str, str], float]:
        started = time.monotonic()
        self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        self._connection.execute(f"PRAGMA query_only = {'OFF' if self._writable else 'ON'}")
        (query_only,) = self._connection.execute("PRAGMA query_only").fetchone()
        if bool(query_only) is self._writable:
            raise sqlite3.OperationalError("query_only does not hold")
        held = {"query_only": "on" if query_only else "off"}
        if not self._writable:
            held["write_attempt"] = self._attempted_write()
        return held, time.monotonic() - started

    def _attempted_write(self) -> str:
        """Try to write, as a session with a server does. Let through, it would make an empty table only we can see."""
        try:
            self._connection.execute("CREATE TEMPORARY TABLE pgrunbook_write_attempt_to_be_refused (i)")
        except sqlite3.OperationalError as refusal:
            if refusal.sqlite_errorname == "SQLITE_READONLY":
                return f"refused ({refusal.sqlite_errorname})"
            raise
        raise sqlite3.OperationalError("an attempt to write was not refused")

    def _answer(self, query: Query, started: float, seconds: float) -> Answer:
        refusal = refused_unsent(query.sql, writable=self._writable)
        if refusal is not None:
            return Answer(error=refusal)
        if self._aborted:
            raise _aborted()
        self._until = time.monotonic() + seconds
        try:
            cursor = self._connection.execute(query.sql)
            kept, count = _counted(cursor, query.keep)
        except (sqlite3.Error, sqlite3.Warning) as error:
            if self._aborted:
                raise _aborted() from error
            return Answer(error=_query_failed(error), seconds=time.monotonic() - started)
        columns = tuple(column[0] for column in cursor.description or ())
        return Answer(columns, tuple(kept), count, time.monotonic() - started)

    def _time_is_up(self) -> bool:
        return self._aborted or time.monotonic() > self._until


def _opened(path: Path, *, writable: bool) -> sqlite3.Connection:
    if not writable and not path.is_file():
        raise ConnectionFailed(
            f"There is no SQLite file {path}.",
            code="connectivity.database_missing",
            hint="Look for a misspelt path: a relative one starts at the project's folder.",
        )
    mode = "rwc" if writable else "ro"
    try:
        # Autocommit; any thread may interrupt. The runner lets one thread at a time ask.
        return sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=0.1
        )
    except sqlite3.Error as error:
        raise _no_database(path, error) from error


def _no_database(path: Path, error: sqlite3.Error) -> ConnectionFailed:
    return ConnectionFailed(
        f"The file {path} cannot be opened as a SQLite database: {error}.",
        code="connectivity.misconfigured" if "not a database" in str(error) else "connectivity.unreachable",
        hint="Look whether it is the right file, and whether you may read it and its folder.",
    )


def _counted(cursor: sqlite3.Cursor, keep: int | None) -> tuple[list[tuple[object, ...]], int]:
    """The first `keep` rows, or all, and how many there were."""
    if keep is None:
        rows = cursor.fetchall()
        return rows, len(rows)
    kept = cursor.fetchmany(keep) if keep else []
    count = len(kept)
    while more := cursor.fetchmany(ROWS_AT_ONCE):
        count += len(more)
    return kept, count


def _aborted() -> ConnectionFailed:
    return ConnectionFailed("The session was closed from outside while it answered.", code="connectivity.lost")


def _query_failed(error: Exception) -> QueryFailed:
    said = str(error)
    for wording, sqlstate, code, beginning in _BY_WORDING:
        if wording in said:
            return QueryFailed(f"{beginning}: {said}.", sqlstate=sqlstate, code=code)
    return QueryFailed(f"SQLite refused the query: {said}.", sqlstate="XX000")
