"""Open a session with whatever engine an endpoint names; the only door to a database."""

from __future__ import annotations

from checks.check import SQLITE
from checks.targets.session import Endpoint, Session


def open_session(endpoint: Endpoint, *, writable: bool = False, timeout: float, obtained: str) -> Session:
    """A guarded session, read-only unless `writable`. `timeout` is in seconds: for opening, and for each statement.

    `obtained` is how we came by the server, for the report. Raises ConnectionFailed.
    """
    if endpoint.engine == SQLITE:
        from checks.targets.sqlite import open_sqlite

        return open_sqlite(endpoint, writable=writable, timeout=timeout, obtained=obtained)
    # psycopg takes 100 ms to import, which a look at a SQLite file need not pay.
    from checks.targets.postgres import open_postgres

    return open_postgres(endpoint, writable=writable, timeout=timeout, obtained=obtained)
