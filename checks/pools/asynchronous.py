"""What the two asynchronous pools have in common: an event loop in a thread of its own, which others call into."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import asyncpg

from checks.pools.ledger import Ledger, task_name
from checks.pools.library import OPENING, Broken, Taken, Terms, Waited, broken
from checks.pools.load import Crowd, Load

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


class Asynchronous(ABC):
    """What both have in common. See `checks.pools.library.Library`, whose words hold here."""

    def __init__(self, terms: Terms) -> None:
        self.ledger = Ledger()
        self.arguments = terms.reach.asyncpg()
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

    async def connected(self) -> asyncpg.Connection[Any]:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(**self.arguments)
        return connection

    async def _connect_once(self) -> None:
        try:
            connection = await self.connected()
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
