"""The connection pools of a runbook's services, as each service builds its own; declared once, for every check of them.

SQLAlchemy's: https://docs.sqlalchemy.org/en/20/core/pooling.html
asyncpg's: https://magicstack.github.io/asyncpg/current/api/index.html#connection-pools
psycopg_pool's: https://www.psycopg.org/psycopg3/docs/api/pool.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from checks.runbook.rules import Line, Positive, Where
from checks.units import Duration

Driver = Literal["sqlalchemy-psycopg", "sqlalchemy-asyncpg", "asyncpg", "psycopg-pool"]
Count = Annotated[int, Where(lambda number: number >= 0, "must be 0 or more: without an end to it no budget can hold")]

_QUEUE_POOL = frozenset({"overflow", "timeout", "recycle", "pre_ping"})
OPTIONS: dict[Driver, frozenset[str]] = {
    "sqlalchemy-psycopg": _QUEUE_POOL,
    "sqlalchemy-asyncpg": _QUEUE_POOL,
    "asyncpg": frozenset({"timeout"}),
    "psycopg-pool": frozenset({"timeout", "recycle", "pre_ping"}),
}
INSTEAD = {
    "overflow": "write as `size` the most sessions it opens",
    "recycle": "it replaces a connection by how long that was idle, not by its age",
    "pre_ping": "it learns of a dead connection from its event loop",
}
# What each library does where the service does not say; asyncpg's `acquire` waits for ever then.
_OVERFLOW = 10
_TIMEOUT = 30.0
_RECYCLE = 3600.0


@dataclass(frozen=True, slots=True)
class Pool:
    """One service's pool: its library, and the options the service builds it with.

    What is left out is what the library does by itself: see `most`, `patience`, `longest_life` and `pings`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    driver: Driver = field(
        metadata={
            "description": "The library and its driver: SQLAlchemy's QueuePool over psycopg, its asynchronous one over "
            "asyncpg, asyncpg's own pool, or psycopg_pool."
        }
    )
    size: Positive = field(
        metadata={"description": "Sessions the pool keeps: `pool_size`; for the others `max_size`, the most it opens."}
    )
    overflow: Count | None = field(
        default=None,
        metadata={"description": "Sessions opened beyond `size` under load: `max_overflow`, SQLAlchemy's only; 10."},
    )
    timeout: Duration | None = field(
        default=None,
        metadata={
            "description": "How long a check-out waits: `pool_timeout`, `timeout`, or that of asyncpg's `acquire`. 30s "
            "by default; asyncpg's `acquire` waits for ever."
        },
    )
    recycle: Duration | None = field(
        default=None,
        metadata={"description": "The age a session is replaced at: `pool_recycle` (never), `max_lifetime` (1h)."},
    )
    pre_ping: bool | None = field(
        default=None,
        metadata={
            "description": "Whether a session is tried before it is handed out: `pool_pre_ping`, "
            "`check=ConnectionPool.check_connection`."
        },
    )
    instances: Positive = field(default=1, metadata={"description": "Processes that each have such a pool."})
    role: Line | None = field(
        default=None, metadata={"description": "The role the service logs in as, for that role's own limit."}
    )
    pgbouncer: bool = field(default=False, metadata={"description": "Whether the service connects through PgBouncer."})

    def __post_init__(self) -> None:
        for option in ("overflow", "timeout", "recycle", "pre_ping"):
            if getattr(self, option) is not None and option not in OPTIONS[self.driver]:
                raise ValueError(f"`{option}` is no option of {self.library}: {INSTEAD[option]}")
        if self.timeout is not None and self.timeout <= 0:
            raise ValueError("`timeout` must be longer than nothing")

    @property
    def library(self) -> str:
        """The pool's name as people say it."""
        names: dict[Driver, str] = {
            "sqlalchemy-psycopg": "SQLAlchemy's QueuePool over psycopg",
            "sqlalchemy-asyncpg": "SQLAlchemy's asynchronous pool over asyncpg",
            "asyncpg": "asyncpg's pool",
            "psycopg-pool": "psycopg_pool",
        }
        return names[self.driver]

    @property
    def is_sqlalchemy(self) -> bool:
        """Whether it is one of SQLAlchemy's."""
        return self.driver.startswith("sqlalchemy")

    @property
    def most(self) -> int:
        """The most sessions one process opens: the size, and SQLAlchemy's overflow, which is 10 where not said."""
        if not self.is_sqlalchemy:
            return self.size
        return self.size + (_OVERFLOW if self.overflow is None else self.overflow)

    @property
    def patience(self) -> float | None:
        """Seconds a check-out waits, as declared or by the library's default; None is for ever."""
        if self.timeout is None:
            return None if self.driver == "asyncpg" else _TIMEOUT
        return float(self.timeout)

    @property
    def longest_life(self) -> float | None:
        """Seconds after which a session is replaced; None is never."""
        if self.recycle is None:
            return _RECYCLE if self.driver == "psycopg-pool" else None
        return float(self.recycle)

    @property
    def pings(self) -> bool:
        """Whether a session is tried before it is handed out."""
        return bool(self.pre_ping)
