"""Who looks on from outside the pool: how many sessions it has, what they do, and an end to every one of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from checks.errors import CouldNotTell
from checks.pools.library import broken
from checks.pools.reach import Reach
from checks.targets.session import Endpoint
from checks.targets.slots import QUERY, Slots

LOST = "pool.lost"
_SETTLING = 5.0  # seconds a server may take to forget a session that was closed
_GLANCE = 0.003
_SESSIONS = """
SELECT pid, coalesce(state, '') AS state FROM pg_stat_activity
WHERE application_name = %s AND pid <> pg_backend_pid()
"""
_TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = %s AND usename = %s AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Sessions:
    """A pool's sessions as the server sees them, by process number."""

    states: dict[int, str]

    @property
    def in_transaction(self) -> list[int]:
        """Those that have begun a transaction and left it."""
        return [pid for pid, state in self.states.items() if state.startswith("idle in transaction")]

    def __len__(self) -> int:
        return len(self.states)


class Watch:
    """One session of its own, beside the pool's. Make it with `watching`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def slots(self) -> Slots:
        """The server's slots for ordinary roles."""
        most, taken = self._row(QUERY.encode())
        return Slots(most, taken)

    def role(self) -> str:
        """The role that it is logged in as."""
        [name] = self._row(b"SELECT current_user")
        return str(name)

    def sessions(self, application: str) -> Sessions:
        """Those of the pool with that application name."""
        rows = self._connection.execute(_SESSIONS.encode(), [application]).fetchall()
        return Sessions(dict(rows))

    def settled(self, application: str, is_so: Callable[[Sessions], bool]) -> Sessions:
        """The pool's sessions once `is_so`, or as they are when that did not come to be in time."""
        until = time.monotonic() + _SETTLING
        while not is_so(found := self.sessions(application)) and time.monotonic() < until:
            time.sleep(_GLANCE)
        return found

    def terminate(self, application: str, role: str) -> int:
        """End every session of the pool with that application name, and of no other role; how many there were."""
        [count] = self._row(_TERMINATE.encode(), [application, role])
        self.settled(application, lambda left: not len(left))
        return int(count)

    def _row(self, sql: bytes, parameters: list[str] | None = None) -> tuple[Any, ...]:
        row = self._connection.execute(sql, parameters).fetchone()
        if row is None:
            raise AssertionError("a count always has a row")
        return tuple(row)


@contextmanager
def watching(endpoint: Endpoint) -> Iterator[Watch]:
    """A session that looks on. Raises CouldNotTell when the server cannot be reached, or is lost meanwhile."""
    with superuser(endpoint, read_only=True) as connection:
        yield Watch(connection)


@contextmanager
def superuser(endpoint: Endpoint, *, read_only: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """A session of the endpoint's own role, each statement a transaction. Raises CouldNotTell."""
    arguments = Reach(endpoint, "pgrunbook").psycopg()
    if not read_only:
        arguments = {key: value for key, value in arguments.items() if key != "options"}
    try:
        with psycopg.connect(**arguments, autocommit=True) as connection:
            yield connection
    except psycopg.Error as error:
        raise CouldNotTell(f"The session that looks on was lost: {broken(error).words}", code=LOST) from error
