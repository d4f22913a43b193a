"""SQLAlchemy's QueuePool over psycopg, in threads.

https://docs.sqlalchemy.org/en/20/core/pooling.html
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import event, exc
from sqlalchemy.pool import QueuePool as SqlalchemyQueuePool

from checks.pools.ledger import Ledger, task_name
from checks.pools.library import Taken, Terms, Waited, broken
from checks.pools.load import Crowd, Load
from checks.pools.threads import crowd_of, take_together

FOR_EVER = -1

# It logs every connection that it finds dead, which is what we do to it, and find out about, ourselves.
logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())


class QueuePool:
    """See `checks.pools.library.Library`, whose words hold here."""

    def __init__(self, terms: Terms) -> None:
        self.ledger = Ledger()
        self._arguments = terms.reach.psycopg()
        self._engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=self._connected,
            pool_timeout=terms.timeout,
            pool_recycle=FOR_EVER if terms.recycle is None else terms.recycle,
            pool_pre_ping=terms.pool.pings,
            pool_size=terms.pool.size,
            max_overflow=terms.pool.most - terms.pool.size,
        )
        event.listen(self._engine, "checkout", lambda raw, *_: self.ledger.took(raw.info.backend_pid))
        event.listen(self._engine, "checkin", self._came_back)

    def take(self, task: str) -> Taken:
        token = task_name.set(task)
        try:
            connection = self._engine.connect()
        except exc.TimeoutError as late:
            raise Waited(words_of(late)) from late
        except (exc.SQLAlchemyError, psycopg.Error) as error:
            raise broken(error) from error
        finally:
            task_name.reset(token)
        raw: Any = connection.connection.dbapi_connection
        return Taken(connection, raw.info.backend_pid, task)

    def take_many(self, tasks: Sequence[str]) -> list[Taken]:
        return take_together(self, tasks)

    def give_back(self, taken: Taken) -> None:
        try:
            taken.handle.close()
        except (exc.SQLAlchemyError, psycopg.Error) as error:
            raise broken(error) from error

    def begin(self, taken: Taken) -> None:
        self.ping(taken)  # SQLAlchemy begins a transaction with the first statement

    def ping(self, taken: Taken) -> None:
        try:
            taken.handle.exec_driver_sql("SELECT 1")
        except exc.SQLAlchemyError as error:
            raise broken(error) from error

    def out(self) -> int:
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, SqlalchemyQueuePool) else 0

    def thought_alive(self) -> int:
        return 0

    def crowd(self, load: Load) -> Crowd:
        return crowd_of(self, load, lambda taken: taken.handle.exec_driver_sql(load.work))

    def connect_once(self) -> None:
        try:
            self._connected().close()
        except psycopg.Error as error:
            raise broken(error) from error

    def close(self) -> None:
        self._engine.dispose()

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(**self._arguments)

    def _came_back(self, raw: Any, _: object) -> None:
        if raw is not None:  # None where the connection was found dead
            self.ledger.gave_back(raw.info.backend_pid)


def words_of(late: exc.TimeoutError) -> str:
    """The library's own words, without the link behind them."""
    return f"TimeoutError: {str(late).partition(' (Background')[0]}"
