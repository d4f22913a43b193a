"""psycopg_pool's ConnectionPool, in threads.

https://www.psycopg.org/psycopg3/docs/api/pool.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from checks.pools.ledger import Ledger, task_name
from checks.pools.library import OPENING, Taken, Terms, Waited, broken
from checks.pools.load import Crowd, Load
from checks.pools.threads import crowd_of, take_together

_NEVER = 10 * 365 * 86400.0  # seconds
_FOR_EVER = 86400.0
_GLANCE = 0.005

# It logs every connection that it finds dead, which is what we do to it, and find out about, ourselves.
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())


class PsycopgPool:
    """See `checks.pools.library.Library`, whose words hold here."""

    def __init__(self, terms: Terms) -> None:
        self.ledger = Ledger()
        self._arguments = terms.reach.psycopg()
        self._pings = terms.pool.pings
        self._pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
            kwargs=self._arguments,
            min_size=terms.pool.size,
            max_size=terms.pool.size,
            timeout=_FOR_EVER if terms.timeout is None else terms.timeout,
            max_lifetime=_NEVER if terms.recycle is None else terms.recycle,
            check=self._goes_out,
            reset=lambda raw: self.ledger.gave_back(raw.info.backend_pid),
            open=False,
        )
        self._opening, self._opened = threading.Lock(), False

    def take(self, task: str) -> Taken:
        self._open()
        token = task_name.set(task)
        try:
            connection = self._pool.getconn()
        except PoolTimeout as late:
            raise Waited(f"PoolTimeout: {late}") from late
        except psycopg.Error as error:
            raise broken(error) from error
        finally:
            task_name.reset(token)
        return Taken(connection, connection.info.backend_pid, task)

    def take_many(self, tasks: Sequence[str]) -> list[Taken]:
        return take_together(self, tasks)

    def give_back(self, taken: Taken) -> None:
        if taken.handle.closed:
            self.ledger.gave_back(taken.backend)  # a dead one is thrown away, and no hook is told
        self._pool.putconn(taken.handle)

    def begin(self, taken: Taken) -> None:
        self.ping(taken)  # psycopg begins a transaction with the first statement

    def ping(self, taken: Taken) -> None:
        try:
            taken.handle.execute("SELECT 1")
        except psycopg.Error as error:
            raise broken(error) from error

    def out(self) -> int:
        found = self._pool.get_stats()
        return found.get("pool_size", 0) - found.get("pool_available", 0)

    def thought_alive(self) -> int:
        return 0

    def crowd(self, load: Load) -> Crowd:
        return crowd_of(self, load, lambda taken: taken.handle.execute(load.work))

    def connect_once(self) -> None:
        try:
            psycopg.connect(**self._arguments).close()
        except psycopg.Error as error:
            raise broken(error) from error

    def close(self) -> None:
        self._pool.close()

    def _open(self) -> None:
        """Open all that it keeps. Raises Broken with what the server said, which the library's own threads tell nobody.

        Waited for here: a check-out's own time is not for opening, and a slow machine is no full server.
        """
        with self._opening:
            if self._opened:
                return
            self.connect_once()
            self._pool.open()
            until = time.monotonic() + OPENING
            while (seen := self._pool.get_stats())["pool_available"] < self._pool.min_size:
                if seen.get("connections_errors"):
                    self.connect_once()  # refused when theirs are
                if time.monotonic() > until:
                    raise Waited(f"only {seen['pool_available']} connections were opened within {OPENING:.0f} s")
                time.sleep(_GLANCE)
            self._opened = True

    def _goes_out(self, raw: psycopg.Connection[Any]) -> None:
        if self._pings:
            ConnectionPool.check_connection(raw)
        self.ledger.took(raw.info.backend_pid)
