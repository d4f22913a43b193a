"""One pool of a real library, whichever it is: what every exercise asks of it, and how its errors are told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from checks.errors import CouldNotTell
from checks.pools.ledger import Ledger
from checks.pools.load import Crowd, Load
from checks.pools.reach import Reach
from checks.runbook.pools import Pool
from checks.secrets import mask

OPENING = 15.0  # seconds in which a pool is to have opened all its connections, whatever a check-out may take
SHORT = 0.1  # seconds a check-out waits for at the most, unless a person asked for the declared time
NO_LIBRARY = "pool.no_library"
_TOO_MANY = "53300"
_WHERE = re.compile(r".*connection to server .* failed: +(FATAL: +)?")


@dataclass(frozen=True, slots=True)
class Terms:
    """A pool to be built: as declared, but for `timeout` (None: for ever) and `recycle` (None: never), in seconds."""

    pool: Pool
    reach: Reach
    timeout: float | None
    recycle: float | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A connection that is out: what the library handed over, its backend's process number, and who has it."""

    handle: Any
    backend: int
    task: str


class Waited(Exception):
    """No connection came free in time: the library's own time-out error, and its words."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Broken(Exception):
    """A connection could not be opened, or was dead: the error's words, and the SQLSTATE where the driver tells it."""

    def __init__(self, words: str, sqlstate: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.sqlstate = sqlstate

    @property
    def too_many(self) -> bool:
        """Whether the server, a role or a database admits no more sessions."""
        return self.sqlstate == _TOO_MANY or "connection slots" in self.words or "too many c" in self.words


class Library(Protocol):
    """A pool that is open. Every call may raise Waited or Broken, and nothing else of the library's."""

    ledger: Ledger

    def take(self, task: str) -> Taken:
        """One connection, for the task of that name."""
        ...

    def take_many(self, tasks: Sequence[str]) -> list[Taken]:
        """One connection for each task; all of them, or an error and none."""
        ...

    def give_back(self, taken: Taken) -> None: ...

    def begin(self, taken: Taken) -> None:
        """Begin a transaction on it."""
        ...

    def ping(self, taken: Taken) -> None:
        """Ask something of the server."""
        ...

    def out(self) -> int:
        """How many connections are out, by the library's own count."""
        ...

    def thought_alive(self) -> int:
        """How many idle connections a library that listens to them thinks alive; 0 where it only asks when it must."""
        ...

    def crowd(self, load: Load) -> Crowd:
        """What the workers of `load` saw."""
        ...

    def connect_once(self) -> None:
        """Open a connection past the pool, by the driver, and close it."""
        ...

    def close(self) -> None:
        """Close every connection, those that are out too. Closing twice is harmless."""
        ...


def opened(terms: Terms) -> Library:
    """The pool. Raises CouldNotTell where its library is not installed."""
    try:
        if terms.pool.driver == "sqlalchemy-psycopg":
            from checks.pools.queue_pool import QueuePool

            return QueuePool(terms)
        if terms.pool.driver == "psycopg-pool":
            from checks.pools.psycopg_pools import PsycopgPool

            return PsycopgPool(terms)
        if terms.pool.driver == "sqlalchemy-asyncpg":
            from checks.pools.async_queue_pool import AsyncQueuePool

            return AsyncQueuePool(terms)
        from checks.pools.asyncpg_pool import AsyncpgPool

        return AsyncpgPool(terms)
    except ImportError as missing:
        raise CouldNotTell(
            f"{terms.pool.library} is not installed here ({missing.name or missing} is missing), so it was not tried.",
            code=NO_LIBRARY,
            hint="Run `pip install 'pgrunbook[pools]'`.",
        ) from None


def broken(error: BaseException) -> Broken:
    """The library's error as one sentence. SQLAlchemy wraps the driver's, and adds a link to itself."""
    cause = getattr(error, "orig", None) or error
    words = str(cause).strip() or type(cause).__name__
    # libpq says where it connected to before what the server said, once for each address it tried; details follow.
    lines = words.splitlines()
    line = _WHERE.sub("", next((one for one in reversed(lines) if _WHERE.match(one)), lines[0]))
    deeper = getattr(cause, "__cause__", None)
    state = getattr(cause, "sqlstate", None) or getattr(deeper, "sqlstate", None) or ""
    return Broken(mask(line.strip()), str(state))
