"""asyncpg's own pool, on an event loop.

https://magicstack.github.io/asyncpg/current/api/index.html#connection-pools
"""

from __future__ import annotations

from typing import Any

import asyncpg

from checks.pools.asynchronous import Asynchronous
from checks.pools.library import Taken, Terms, Waited


class AsyncpgPool(Asynchronous):
    """asyncpg's own pool. Without a time-out it waits for ever, which is waited for as long as `Terms` says."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._size = terms.pool.size
        self._pool: asyncpg.Pool[Any] | None = None

    def out(self) -> int:
        return self._pool.get_size() - self._pool.get_idle_size() if self._pool else 0

    def thought_alive(self) -> int:
        return self._pool.get_idle_size() if self._pool else 0

    async def _check_out(self, timeout: float | None) -> tuple[Any, int]:
        pool = await self._opened()
        try:
            connection = await pool.acquire(timeout=timeout)
        except TimeoutError as late:
            raise Waited("TimeoutError") from late
        return connection, connection.get_server_pid()

    async def _give_back(self, taken: Taken) -> None:
        try:
            alive = not taken.handle.is_closed()
        except asyncpg.InterfaceError:  # it was lost while it was out, and asyncpg took it back itself
            alive = False
        if not alive:
            self.ledger.gave_back(taken.backend)  # a dead one is thrown away, and no hook is told
        if self._pool is not None:
            await self._pool.release(taken.handle)

    async def _execute(self, taken: Taken, sql: str) -> None:
        await taken.handle.execute(sql)

    async def _close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()

    async def _opened(self) -> asyncpg.Pool[Any]:
        """The pool, with as many connections as it keeps; made here, since it belongs to this event loop."""
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                connect=self._connected_for_pool,
                min_size=0,
                max_size=self._size,
                setup=self._went_out,
                reset=self._came_back,
            )
        await self._pool
        return self._pool

    async def _connected_for_pool(self, *_: Any, **given: Any) -> asyncpg.Connection[Any]:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(**{**given, **self.arguments})
        return connection

    async def _went_out(self, connection: Any) -> None:
        self.ledger.took(connection.get_server_pid())

    async def _came_back(self, connection: Any) -> None:
        await connection.execute(connection.get_reset_query())  # what it does by itself without this hook
        self.ledger.gave_back(connection.get_server_pid())
