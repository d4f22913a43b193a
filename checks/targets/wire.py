"""One connection as bytes and deadlines: send statements, wait no longer than allowed, read answers in order.

psycopg's own pipeline aborts every query after a refused one and waits without a limit inside libpq. Here each query
has its own sync point and each wait an end, so this speaks to libpq directly, through `psycopg.pq`:
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from checks.errors import ConnectionFailed
from checks.secrets import mask
from checks.targets.values import columns_of, decoded
from checks.units import show_seconds

ROWS_AT_ONCE = 500  # a chunk that is only counted should stay small; 500 rows cost no more a row than 50 000
_ROWS = (ExecStatus.TUPLES_OK, ExecStatus.TUPLES_CHUNK, ExecStatus.SINGLE_TUPLE)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one statement: rows, or the result that holds the server's error fields."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    row_count: int = 0
    refusal: PGresult | None = None
    aborted: bool = False
    empty: bool = False


class Wire:
    """A connected libpq handle in pipeline mode. One thread talks; any thread may `abort`.

    Every method that waits takes `deadline` on `time.monotonic()` and raises ConnectionFailed, with the socket closed:
    `connectivity.silent` when the deadline passes, `connectivity.lost` when the peer or `abort` ended the connection.
    """

    def __init__(self, pgconn: PGconn) -> None:
        self.pgconn = pgconn
        self._aborted = False
        # A handle of our own on the socket: shutting it down wakes whoever polls it, while closing libpq's would race.
        self._socket = socket.socket(fileno=os.dup(pgconn.socket))
        pgconn.nonblocking = 1
        pgconn.enter_pipeline_mode()

    @property
    def user(self) -> str:
        """The role the session was opened as."""
        return self.pgconn.user.decode()

    def send(self, sql: str) -> None:
        """Queue one statement of the extended protocol, which takes exactly one."""
        with self._loss_is_named():
            self.pgconn.send_query_params(sql.encode(), None)

    def sync(self) -> None:
        """Queue the end of an island: an error before it harms nothing after it."""
        with self._loss_is_named():
            self.pgconn.pipeline_sync()

    def read(self, deadline: float, *, keep: int | None = None) -> Reply:
        """The reply to the next statement. With `keep`, further rows are counted and never all held in memory."""
        if keep is not None:
            self._read_in_chunks()
        columns: tuple[str, ...] = ()
        rows: list[tuple[Any, ...]] = []
        count = 0
        reply = Reply()
        while (result := self._next(deadline)) is not None:
            if result.status in _ROWS:
                columns = columns or columns_of(result)
                rows += decoded(result, result.ntuples if keep is None else max(0, keep - len(rows)))
                count += result.ntuples
                reply = Reply(columns, tuple(rows), count)
            else:
                reply = self._without_rows(result)
        return reply

    def read_sync(self, deadline: float) -> None:
        """Read the end of an island."""
        result = self._next(deadline)
        if result is None or result.status != ExecStatus.PIPELINE_SYNC:
            raise self._lost("The server answered out of turn")

    def simple(self, sql: str, deadline: float) -> Reply:
        """Run a script of several statements over the simple protocol; the last reply, or the refusal."""
        with self._loss_is_named():
            self.pgconn.exit_pipeline_mode()
            self.pgconn.send_query(sql.encode())
        reply = Reply()
        while (result := self._next(deadline)) is not None:
            if reply.refusal is None:
                reply = self._without_rows(result)
        self.pgconn.enter_pipeline_mode()
        return reply

    def abort(self) -> None:
        """Close from another thread, now. The waiting thread wakes with ConnectionFailed."""
        self._aborted = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say goodbye to the server and free the handle. Closing twice is harmless."""
        self._socket.close()
        self.pgconn.finish()

    def _read_in_chunks(self) -> None:
        try:
            self.pgconn.set_chunked_rows_mode(ROWS_AT_ONCE)
        except psycopg.NotSupportedError:  # libpq before 17
            self.pgconn.set_single_row_mode()

    def _without_rows(self, result: PGresult) -> Reply:
        if result.status == ExecStatus.FATAL_ERROR:
            if result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) in {b"FATAL", b"PANIC", None}:
                raise self._lost(_first_line(result.error_message))
            return Reply(refusal=result)
        if result.status in {ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH}:
            raise self._lost("A COPY to or from the client was begun, which is not spoken here")
        aborted = result.status == ExecStatus.PIPELINE_ABORTED
        return Reply(
            row_count=result.command_tuples or 0, aborted=aborted, empty=result.status == ExecStatus.EMPTY_QUERY
        )

    def _next(self, deadline: float) -> PGresult | None:
        with self._loss_is_named():
            unsent = self.pgconn.flush()
            while self.pgconn.is_busy():
                self._wait(deadline, unsent=bool(unsent))
                # Read before writing more: a server whose own buffer is full of answers reads nothing until we do.
                self.pgconn.consume_input()
                unsent = self.pgconn.flush()
            return self.pgconn.get_result()

    def _wait(self, deadline: float, *, unsent: bool) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | (select.POLLOUT if unsent else 0))
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            self.close()
            raise ConnectionFailed(
                f"The server stopped answering: no answer within the {show_seconds(max(left, 0.0))} that were left.",
                code="connectivity.silent",
                hint="Look whether the server, or the proxy or pooler before it, is overloaded or unreachable.",
            )

    @contextlib.contextmanager
    def _loss_is_named(self) -> Iterator[None]:
        try:
            yield
        except psycopg.OperationalError as error:
            raise self._lost(_first_line(str(error))) from error

    def _lost(self, why: str) -> ConnectionFailed:
        self.close()
        if self._aborted:
            return ConnectionFailed(
                "The connection was closed from outside while it waited for an answer.", code="connectivity.lost"
            )
        return ConnectionFailed(
            f"The connection was lost: {mask(why).rstrip('.')}.",
            code="connectivity.lost",
            hint="Look in the server's log for a restart, a crash, or an administrator who ended the session.",
        )


def _first_line(message: str | bytes) -> str:
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
    return text.strip().partition("\n")[0] or "the connection was closed"
