"""The two asynchronous pools, SQLAlchemy's over asyncpg and asyncpg's own, each on an event loop in its own thread.

https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html
https://magicstack.github.io/asyncpg/current/api/index.html#connection-pools
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import asyncpg
import greenlet  # noqa: F401 - SQLAlchemy's asynchronous engine needs it, and says so only when it is used
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import QueuePool as SqlalchemyQueuePool

from checks.pools.ledger import Ledger, task_name
from checks.pools.library import OPENING, Broken, Taken, Terms, Waited, broken
from checks.pools.load import Crowd, Load
from checks.pools.queue_pool import FOR_EVER, words_of

T = TypeVar("T")

_CLOSING = 5.0


class _Loop:
    """An event loop in a daemon thread, which others call into."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # asyncpg tells it of connections that were lost, or given back in a transaction: both are done on purpose here.
        self._loop.set_exception_handler(lambda *_: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="pool's event loop", daemon=True)
        self._thread.start()

    def call(self, asked: Coroutine[Any, Any, T]) -> T:
        """What it came to."""
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_CLOSING)
            self._loop.close()


class _Asynchronous(ABC):
    """What both have in common. See `checks.pools.library.Library`, whose words hold here."""

    def __init__(self, terms: Terms) -> None:
        self.ledger = Ledger()
        self._arguments = terms.reach.asyncpg()
        self._timeout = terms.timeout
        self._loop = _Loop()
        self._closed = False

    def take(self, task: str) -> Taken:
        return self._loop.call(self._take(task, self._timeout))

    def take_many(self, tasks: Sequence[str]) -> list[Taken]:
        return self._loop.call(self._take_many(tasks))

    def give_back(self, taken: Taken) -> None:
        self._loop.call(self._back(taken))

    def begin(self, taken: Taken) -> None:
        self._loop.call(self._ask(taken, "BEGIN"))

    def ping(self, taken: Taken) -> None:
        self._loop.call(self._ask(taken, "SELECT 1"))

    def crowd(self, load: Load) -> Crowd:
        return self._loop.call(self._crowd(load))

    def connect_once(self) -> None:
        self._loop.call(self._connect_once())

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            try:
                self._loop.call(self._close())
            finally:
                self._loop.stop()

    def thought_alive(self) -> int:
        return 0

    @abstractmethod
    def out(self) -> int: ...

    @abstractmethod
    async def _check_out(self, timeout: float | None) -> tuple[Any, int]: ...

    @abstractmethod
    async def _give_back(self, taken: Taken) -> None: ...

    @abstractmethod
    async def _execute(self, taken: Taken, sql: str) -> None: ...

    @abstractmethod
    async def _close(self) -> None: ...

    async def _connected(self) -> asyncpg.Connection[Any]:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(**self._arguments)
        return connection

    async def _connect_once(self) -> None:
        try:
            connection = await self._connected()
        except Exception as error:
            raise broken(error) from error
        await connection.close()

    async def _take(self, task: str, timeout: float | None) -> Taken:
        token = task_name.set(task)
        try:
            return Taken(*await self._check_out(timeout), task)
        except (Waited, Broken):
            raise
        except Exception as error:
            raise broken(error) from error
        finally:
            task_name.reset(token)

    async def _take_many(self, tasks: Sequence[str]) -> list[Taken]:
        # asyncpg counts the time of connecting as waiting, of which opening them all at once has more.
        found = await asyncio.gather(*(self._take(task, OPENING) for task in tasks), return_exceptions=True)
        taken = [one for one in found if isinstance(one, Taken)]
        for one in found:
            if isinstance(one, BaseException):
                for mine in taken:
                    await self._back(mine)
                raise one
        return taken

    async def _back(self, taken: Taken) -> None:
        try:
            await self._give_back(taken)
        except Exception as error:
            raise broken(error) from error

    async def _ask(self, taken: Taken, sql: str) -> None:
        try:
            await self._execute(taken, sql)
        except Exception as error:
            raise broken(error) from error

    async def _crowd(self, load: Load) -> Crowd:
        crowd = Crowd(load)
        await asyncio.gather(*(self._worker(crowd, number) for number in range(load.workers)))
        return crowd

    async def _worker(self, crowd: Crowd, number: int) -> None:
        while not crowd.is_over():
            asked = time.monotonic()
            try:
                taken = await self._take(f"worker {number + 1}", self._timeout)
            except Waited:
                crowd.refuse(number)
                await asyncio.sleep(crowd.load.pause)
                continue
            except Broken as error:
                crowd.broken.append(error)
                return
            crowd.serve(number, time.monotonic() - asked)
            try:
                await self._ask(taken, crowd.load.work)
                await self._back(taken)
            except Broken as error:
                crowd.broken.append(error)
            await asyncio.sleep(crowd.load.pause)


class AsyncQueuePool(_Asynchronous):
    """SQLAlchemy's AsyncAdaptedQueuePool over asyncpg."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connected,
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


class AsyncpgPool(_Asynchronous):
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
        connection: asyncpg.Connection[Any] = await asyncpg.connect(**{**given, **self._arguments})
        return connection

    async def _went_out(self, connection: Any) -> None:
        self.ledger.took(connection.get_server_pid())

    async def _came_back(self, connection: Any) -> None:
        await connection.execute(connection.get_reset_query())  # what it does by itself without this hook
        self.ledger.gave_back(connection.get_server_pid())


def _backend(raw: Any) -> int:
    """The backend's process number of SQLAlchemy's wrapper around asyncpg's connection."""
    found: int = raw.driver_connection.get_server_pid()
    return found
