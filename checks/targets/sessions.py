"""Open a session with whatever engine an endpoint names; the only door to a database."""

from __future__ import annotations

from collections.abc import Callable

from checks.check import SQLITE
from checks.targets.session import Endpoint, Session
from checks.targets.slots import Slots


def anyone(slots: Slots) -> None:
    """However many slots are left: the server is ours, or the caller looks after them."""


def open_session(
    endpoint: Endpoint,
    *,
    writable: bool = False,
    timeout: float,
    obtained: str,
    on_close: Callable[[], None] = lambda: None,
    admit: Callable[[Slots], None] = anyone,
) -> Session:
    """A guarded session, read-only unless `writable`. `timeout` is in seconds: for opening, and for each statement.

    `obtained` is how we came by the server, for the report; `on_close` is called once, when the session is closed.
    `admit` is told of the server's connection slots before anything is asked, and raises where that is to end it.
    Raises ConnectionFailed.
    """
    if endpoint.engine == SQLITE:
        from checks.targets.sqlite import SqliteSession

        return SqliteSession(endpoint, writable=writable, timeout=timeout, obtained=obtained, on_close=on_close)
    # psycopg takes 100 ms to import, which a look at a SQLite file need not pay.
    from checks.targets.postgres import PostgresSession

    return PostgresSession(
        endpoint, writable=writable, timeout=timeout, obtained=obtained, on_close=on_close, admit=admit
    )
