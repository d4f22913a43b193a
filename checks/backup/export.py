"""A snapshot of a live database, held open: what is dumped and what is described are the same to the last row.

One session exports its snapshot, and pg_dump reads in it while the session itself counts and digests. The session can
only read, waits for no lock for long, and ends with its deadline. Tables are locked against being dropped or rewritten,
as pg_dump does, before the snapshot is taken: a TRUNCATE between the two would show the table empty.
https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from checks.backup import dumper
from checks.backup.artifact import Format
from checks.backup.contents import Contents
from checks.backup.describe import Connection, States, describe, read_sequences
from checks.backup.dumper import Dumper
from checks.backup.head import Head
from checks.backup.refused import told
from checks.errors import ConnectionFailed, CouldNotTell
from checks.targets import guards, slots
from checks.targets.client import client_environment
from checks.targets.dial import dial
from checks.targets.session import Endpoint

CONNECT = 10.0  # seconds to connect
CANCEL = 1.0  # seconds to ask a server to give up what it does
LOCKS = 10.0  # seconds a lock is waited for; whoever wants more of a table waits behind us as long
DEADLINE = 4 * 3600.0
_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY n.nspname, c.relname
"""
_EXPORT = """
SELECT pg_catalog.pg_export_snapshot(), extract(epoch FROM clock_timestamp())::float8,
       split_part(current_setting('server_version'), ' ', 1), pg_catalog.pg_database_size(current_database())
"""


@dataclass
class Export:
    """An exported snapshot and what dumps it. Make it with `exporting`.

    `taken` is the snapshot's time in UTC, by the server's clock; `server` its version, `bytes` the database's size.
    `variables` are the environment of a client program, with the password in a file. `note` is to be told to people.
    """

    connection: Connection
    snapshot: str
    taken: datetime
    server: str
    bytes: int
    dumper: Dumper
    variables: Mapping[str, str]
    sequences: States
    deadline: float
    note: str = ""

    def command(self, kind: Format, *, to: Path | None = None, jobs: int = 1, compression: str = "") -> list[str]:
        """How pg_dump is called: to its standard output, or into the folder `to` in directory format.

        `compression` is as pg_dump 16 has it (`zstd:1`, `gzip:1`, `none`), the dumper's own choice where empty.
        """
        compression = compression or self.dumper.compression
        command = [
            str(self.dumper.program),
            f"--format={kind.name.lower()}",
            f"--compress={self.dumper.options(compression) if compression != 'none' else 0}",
            f"--snapshot={self.snapshot}",
            f"--lock-wait-timeout={round(LOCKS * 1000)}",
            "--no-password",
        ]
        if to is not None:
            command.append(f"--file={to.absolute()}")
        return [*command, f"--jobs={jobs}"] if kind is Format.DIRECTORY and jobs > 1 else command

    def contents(self, *, digests: bool = True, head: Head | None = None) -> Contents:
        """What is in the snapshot; while a dump runs, asked from another thread. See `checks.backup.describe`.

        No table is read by several workers: that is quick enough beside a dump, and leaves the source its processors.
        """
        try:
            return describe(self.connection, digests=digests, head=head, sequences=self.sequences, workers=0)
        except ConnectionFailed as lost:
            if time.monotonic() < self.deadline:
                raise
            raise CouldNotTell(
                "The database was not described before the deadline, so that was ended.",
                code="run.timeout",
                hint="Name a longer one by --deadline.",
            ) from lost

    def abort(self) -> None:
        """From another thread: end what the session is doing, on the server too."""
        _abort(self.connection)


@contextmanager
def exporting(
    endpoint: Endpoint,
    *,
    deadline: float = DEADLINE,
    explicit: Path | None = None,
    sessions: int = 1,
    connected: Callable[[Callable[[], None]], None] = lambda _: None,
) -> Iterator[Export]:
    """An exported snapshot of the database, until the block is left.

    `deadline` is in seconds, for all of it; `explicit` a folder of client programs a person named. `sessions` is how
    many more pg_dump will open: a server with too few connection slots is left alone. `connected` is handed what ends
    the session from another thread, before anything is waited for. Raises ConnectionFailed, UsageError, CouldNotTell
    (`dump.client_too_old`, `run.not_permitted`, `run.lock_timeout`).
    """
    ends = time.monotonic() + deadline
    connection = _connected(endpoint, deadline)
    connected(partial(_abort, connection))
    watchdog = threading.Timer(deadline, _cut, [connection])
    watchdog.daemon = True
    watchdog.start()
    try:
        with client_environment(endpoint) as variables:
            yield _exported(connection, variables, ends, explicit, sessions)
    finally:
        watchdog.cancel()
        connection.close()


def _exported(
    connection: Connection, variables: Mapping[str, str], ends: float, explicit: Path | None, sessions: int
) -> Export:
    with told("export a snapshot"):
        version = connection.info.parameter_status("server_version") or "0"
        program = dumper.choose(version.split()[0], explicit)
        _guard(connection, ends - time.monotonic(), sessions)
        tables = [name for (name,) in connection.execute(_TABLES.encode())]
        connection.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for setting in _settings(ends - time.monotonic(), connection.info.server_version):
            connection.execute(setting.encode())
        if tables:
            connection.execute(f"LOCK TABLE ONLY {', ONLY '.join(tables)} IN ACCESS SHARE MODE".encode())
        [[snapshot, seconds, server, size]] = connection.execute(_EXPORT.encode()).fetchall()
        sequences = read_sequences(connection)
    return Export(
        connection=connection,
        snapshot=snapshot,
        taken=datetime.fromtimestamp(seconds, UTC),
        server=server,
        bytes=size,
        dumper=program,
        variables={**variables, **program.variables},
        sequences=sequences,
        deadline=ends,
        note=dumper.note(program, server),
    )


def _connected(endpoint: Endpoint, deadline: float) -> Connection:
    pgconn = dial(endpoint, time.monotonic() + min(CONNECT, deadline))
    pgconn.nonblocking = 1
    connection: Connection = psycopg.Connection(pgconn)
    connection.autocommit = True
    connection.prepare_threshold = None  # a pooler hands each transaction another server connection
    return connection


def _guard(connection: Connection, seconds: float, sessions: int) -> None:
    """Prove that the session cannot write, as every live session does, and leave the application its slots."""
    connection.execute(b"BEGIN READ ONLY")
    wanted = guards.settings(seconds)
    connection.execute(guards.set_all(wanted, local=True).encode())
    names = ("transaction_read_only", *wanted)
    [found] = connection.execute(guards.read_back(names).encode()).fetchall()
    if found[0] != "on":
        raise guards.missing("`transaction_read_only` reads `off` in a transaction that was begun as read only.")
    taken = slots.Slots(*connection.execute(slots.QUERY.encode()).fetchall()[0])
    try:
        connection.execute(guards.WRITE_ATTEMPT.encode())
    except psycopg.Error as refused:
        guards.attempted(refused.sqlstate)
    else:
        guards.attempted(None)
    finally:
        connection.execute(b"ROLLBACK")
    slots.keep_enough(taken, still_to_open=sessions)


def _settings(seconds: float, version: int) -> Iterator[str]:
    """For the transaction that holds the snapshot. None of these takes the snapshot before the tables are locked."""
    milliseconds = max(1, round(seconds * 1000))
    yield f"SET LOCAL lock_timeout = {round(LOCKS * 1000)}"
    yield f"SET LOCAL statement_timeout = {milliseconds}"
    yield f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}"
    if version >= 170000:
        yield f"SET LOCAL transaction_timeout = {milliseconds}"


def _abort(connection: Connection) -> None:
    """Ask the server to give up the query, for as long as a short answer may take, and hang up."""
    with contextlib.suppress(psycopg.Error, OSError):
        if not connection.closed:
            connection.cancel_safe(timeout=CANCEL)
    _cut(connection)


def _cut(connection: Connection) -> None:
    """Whatever the peer does: end the session from outside."""
    with contextlib.suppress(psycopg.Error, OSError, ValueError):
        wire = socket.socket(fileno=os.dup(connection.pgconn.socket))
        with wire:
            wire.shutdown(socket.SHUT_RDWR)
