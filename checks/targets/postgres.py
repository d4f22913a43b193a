"""A session with a PostgreSQL server: guarded, read back, and asked many questions in one round trip.

Each query of a read-only session runs in a READ ONLY transaction of its own that carries its guards as local settings.
So they hold behind a transaction pooler too, and leave nothing behind in a server connection the pooler shares out:
https://www.pgbouncer.org/features.html and docs/decisions/0003-pipelined-sessions.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from checks.check import POSTGRESQL, Answer, Query
from checks.errors import ConnectionFailed
from checks.targets import guards, slots
from checks.targets.dial import dial
from checks.targets.refusals import query_failed, sqlstate_of
from checks.targets.session import Arrived, Endpoint, Server, unheard
from checks.targets.slots import Slots
from checks.targets.statements import refused_unsent
from checks.targets.wire import Reply, Wire

SCRIPT_DEADLINE = 3600.0

_BEGIN = "BEGIN READ ONLY"
_END = "COMMIT"  # it ends a failed transaction too, and counts no rollback in the server's statistics
_READ_BACK = ("transaction_read_only", "client_encoding", "server_version", "server_version_num")


class PostgresSession:
    """One connection. See `checks.targets.session.Session`, whose words hold here."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        writable: bool,
        timeout: float,
        obtained: str,
        on_close: Callable[[], None],
        admit: Callable[[Slots], None],
    ) -> None:
        """Connect, set the guards and read them back. `timeout` is in seconds: for all of that, and each statement.

        Raises ConnectionFailed, also when a guard does not hold, and what `admit` raises.
        """
        deadline = time.monotonic() + timeout
        self._writable = writable
        self._obtained = obtained
        self._on_close: Callable[[], None] | None = None
        self._ended: ConnectionFailed | None = None
        self._wanted = guards.settings(timeout)
        settings = guards.set_all(self._wanted, local=not writable)
        self._before: tuple[str, ...] = (settings,) if writable else (_BEGIN, settings)
        self._after = () if writable else (_END,)
        self._wire = Wire(dial(endpoint, deadline))
        self._user = self._wire.user
        try:
            self._server, self._guards, self._round_trip = self._introduced(deadline)
            if not writable:
                self._count_slots(deadline, admit)
        except BaseException:
            self._wire.close()
            raise
        self._on_close = on_close

    @property
    def server(self) -> Server:
        """The server as it introduced itself when the session opened."""
        return self._server

    @property
    def guards(self) -> Mapping[str, str]:
        """The safety settings as the server read them back."""
        return self._guards

    @property
    def round_trip(self) -> float:
        """Seconds of one bare round trip: from sending the first statement to the end of its answer."""
        return self._round_trip

    def ask(self, queries: Sequence[Query], *, patience: float, arrived: Arrived = unheard) -> list[Answer]:
        """One answer for each query, in order, from one flight. Fewer when `patience` ran out: see the protocol."""
        if self._ended is not None:
            raise self._ended
        unsent = [refused_unsent(query.sql, writable=self._writable) for query in queries]
        started = time.monotonic()
        self._send([query.sql for query, refusal in zip(queries, unsent, strict=True) if refusal is None])
        answers: list[Answer] = []
        sent = 0
        try:
            for query, refusal in zip(queries, unsent, strict=True):
                answers.append(
                    Answer(error=refusal) if refusal else self._answer(query, started, patience, first=not sent)
                )
                arrived(answers[-1])
                sent += refusal is None
            if sent:
                self._read_end(time.monotonic() + patience)
        except ConnectionFailed as failure:
            # Answers that came are worth more than the reason why no more do. With all of them in, the reason is for
            # whoever asks next: that the connection is closed by then is our doing.
            self._ended = failure
            if failure.code != "connectivity.silent" and len(answers) < len(queries):
                raise
        return answers

    def script(self, sql: str) -> None:
        """Run several statements in one transaction. Raises QueryFailed."""
        if not self._writable:
            raise AssertionError("a script runs on a writable session only")
        deadline = time.monotonic() + SCRIPT_DEADLINE
        for text in (guards.set_all({"statement_timeout": "0", "lock_timeout": "0"}, local=False), sql):
            reply = self._wire.simple(text, deadline)
            if reply.refusal is not None:
                raise query_failed(reply.refusal, text, self._user)

    def abort(self) -> None:
        """Close from another thread, now."""
        self._wire.abort()

    def close(self) -> None:
        """Close in good order. Closing twice is harmless."""
        self._wire.close()
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()

    def _send(self, statements: Sequence[str]) -> None:
        """Queue each statement as an island of its own; the end of a transaction travels with the next one's begin."""
        for position, sql in enumerate(statements):
            for text in (*(self._after if position else ()), *self._before, sql):
                self._wire.send(text)
            self._wire.sync()
        if statements and self._after:
            self._wire.send(_END)
            self._wire.sync()

    def _answer(self, query: Query, started: float, patience: float, *, first: bool) -> Answer:
        deadline = time.monotonic() + patience
        before = len(self._before) + (0 if first else len(self._after))
        replies = [self._wire.read(deadline) for _ in range(before)]
        replies.append(self._wire.read(deadline, keep=query.keep))
        self._wire.read_sync(deadline)
        seconds = time.monotonic() - started
        refusal = next((reply.refusal for reply in replies if reply.refusal is not None), None)
        if refusal is not None:
            return Answer(error=query_failed(refusal, query.sql, self._user), seconds=seconds)
        reply = replies[-1]
        return Answer(reply.columns, reply.rows, reply.row_count, seconds)

    def _introduced(self, deadline: float) -> tuple[Server, dict[str, str], float]:
        """Set the guards, read them back and try to write, in one round trip, which is timed."""
        started = time.monotonic()
        for island in self._introduction():
            for text in island:
                self._wire.send(text)
            self._wire.sync()
        replies = [self._wire.read(deadline)]
        self._wire.read_sync(deadline)
        round_trip = time.monotonic() - started
        replies += [self._wire.read(deadline), self._wire.read(deadline)]
        attempt = None if self._writable else self._wire.read(deadline)
        self._wire.read_sync(deadline)
        held = self._held(replies)
        if attempt is not None:
            held["write_attempt"] = guards.attempted(sqlstate_of(attempt.refusal))
        version, number = held.pop("server_version"), int(held.pop("server_version_num"))
        return Server(POSTGRESQL, version.split()[0], number // 10000, self._obtained), held, round_trip

    def _introduction(self) -> tuple[tuple[str, ...], ...]:
        """Its islands. Slots are counted in a transaction of their own, since the refused write ends the one before."""
        read_back = guards.read_back([*self._wanted, *_READ_BACK])
        if self._writable:
            return (("SELECT 1",), (*self._before, read_back))
        *begin, settings = self._before
        return (
            (*begin,),
            (settings, read_back, guards.WRITE_ATTEMPT),
            (_END, *self._before, slots.QUERY),
            (_END,),
        )

    def _count_slots(self, deadline: float, admit: Callable[[Slots], None]) -> None:
        """Read the count that was asked for with the introduction. Where a role may not count, nobody can admit."""
        answer = self._answer(Query(slots.QUERY), time.monotonic(), deadline - time.monotonic(), first=False)
        self._read_end(deadline)
        if answer.error is not None:
            self._guards["free_connection_slots"] = f"not known ({answer.error.sqlstate})"
            return
        counted = Slots(*answer.rows[0])
        self._guards["free_connection_slots"] = str(counted)
        admit(counted)

    def _read_end(self, deadline: float) -> None:
        if self._after:
            self._wire.read(deadline)
            self._wire.read_sync(deadline)

    def _held(self, replies: Sequence[Reply]) -> dict[str, str]:
        """What was read back, after comparing it with what each setting became when it was set."""
        for reply in replies:
            if reply.refusal is not None:
                failed = query_failed(reply.refusal, "", self._user)
                raise guards.missing(f"the server refused them: {failed.sentence}") from failed
        _, became, looked = replies
        found = dict(zip(looked.columns, looked.rows[0], strict=True))
        wanted = dict(zip(became.columns, became.rows[0], strict=True))
        wanted |= {"client_encoding": "UTF8", "transaction_read_only": "off" if self._writable else "on"}
        for name, value in wanted.items():
            if found[name] != value:
                raise guards.missing(f"`{name}` reads `{found[name]}` after it was set to `{value}`.")
        return found
