"""SQLAlchemy's AsyncAdaptedQueuePool over asyncpg, on an event loop.

https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html
"""

from __future__ import annotations

from typing import Any

import greenlet  # noqa: F401 - SQLAlchemy's asynchronous engine needs it, and says so only when it is used
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import QueuePool as SqlalchemyQueuePool

from checks.pools.asynchronous import Asynchronous
from checks.pools.library import Taken, Terms, Waited
from checks.pools.queue_pool import FOR_EVER, words_of


class AsyncQueuePool(Asynchronous):
    """See `checks.pools.library.Library`, whose words hold here."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self.connected,
            pool_timeout=terms.timeout,
            pool_recycle=FOR_EVER if terms.recycle is None else terms.recycle,
            pool_pre_ping=terms.pool.pings,
            pool_size=terms.pool.size,
            max_overflow=terms.pool.most - terms.pool.size,
        )
        pool = self._engine.sync_engine
        event.listen(pool, "checkout", lambda raw, *_: self.ledger.took(_backend(raw)))
        event.listen(pool, "checkin", self._came_back)

    def out(self) -> int:
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, SqlalchemyQueuePool) else 0

    async def _check_out(self, timeout: float | None) -> tuple[Any, int]:  # noqa: ARG002 - the pool's own holds
        try:
            connection = await self._engine.connect()
        except exc.TimeoutError as late:
            raise Waited(words_of(late)) from late
        raw = await connection.get_raw_connection()
        return connection, _backend(raw.dbapi_connection)

    async def _give_back(self, taken: Taken) -> None:
        await taken.handle.close()

    async def _execute(self, taken: Taken, sql: str) -> None:
        if sql != "BEGIN":  # SQLAlchemy begins a transaction with the first statement
            await taken.handle.exec_driver_sql(sql)
        else:
            await taken.handle.exec_driver_sql("SELECT 1")

    async def _close(self) -> None:
        await self._engine.dispose()

    def _came_back(self, raw: Any, _: object) -> None:
        if raw is not None:  # None where the connection was found dead
            self.ledger.gave_back(_backend(raw))


def _backend(raw: Any) -> int:
    """The backend's process number of SQLAlchemy's wrapper around asyncpg's connection."""
    found: int = raw.driver_connection.get_server_pid()
    return found
