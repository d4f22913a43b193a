"""A connection whose round trips may be timed: one read-only transaction, and nothing but the query on the wire.

A session of the runner wraps every query in a transaction with its guards, which costs more than a short query takes.
Here the guards are set once, for the one transaction that all rounds share. So they are gone with it, also where a
pooler hands the server's connection on; and since each statement of a READ COMMITTED transaction has a snapshot of its
own, vacuum is held up by no more than one query.
https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED
"""

from __future__ import annotations

import time
from typing import Any

from checks.targets import guards
from checks.targets.dial import dial
from checks.targets.refusals import query_failed
from checks.targets.session import Endpoint
from checks.targets.wire import Reply, Wire

GRACE = 1.0  # seconds the server's own statement_timeout is given to speak first


class TimedConnection:
    """Make it with the seconds one statement may take; `close` ends the transaction with the connection."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        """Connect and begin. Raises ConnectionFailed, and QueryFailed where the guards are refused."""
        deadline = time.monotonic() + timeout
        self._timeout = timeout
        self._wire = Wire(dial(endpoint, deadline))
        try:
            self.ask("BEGIN READ ONLY")
            self.ask(guards.set_all(guards.settings(timeout), local=True))
        except BaseException:
            self._wire.close()
            raise

    def ask(self, sql: str) -> None:
        """One statement and all its rows, of which none is kept. Raises QueryFailed and ConnectionFailed."""
        self._reply(sql, keep=0)

    def value(self, sql: str) -> Any:
        """The first column of the first row. Raises QueryFailed and ConnectionFailed."""
        return self._reply(sql, keep=1).rows[0][0]

    def close(self) -> None:
        """The server rolls back what has no end, which is nothing. Closing twice is harmless."""
        self._wire.close()

    def _reply(self, sql: str, *, keep: int) -> Reply:
        deadline = time.monotonic() + self._timeout + GRACE
        self._wire.send(sql)
        self._wire.sync()
        reply = self._wire.read(deadline, keep=keep)
        self._wire.read_sync(deadline)
        if reply.refusal is not None:
            raise query_failed(reply.refusal, sql, self._wire.user)
        return reply
