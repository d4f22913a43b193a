"""Whether a server in a container answers: a query of ours over the port that clients use, not the image's own word.

https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SESSION-TABLE
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from checks.errors import TargetFailed

if TYPE_CHECKING:
    import psycopg

POLL = 0.01  # seconds
HEED = 0.25  # seconds between questions whether waiting is in vain

Connect = Callable[[], "psycopg.Connection[Any]"]


def born(connect: Connect) -> str | None:
    """When the server started, by its own answer; None while it answers no query."""
    import psycopg

    try:
        with connect() as connection:
            row = connection.execute("SELECT pg_postmaster_start_time()::text").fetchone()
    except psycopg.OperationalError:
        return None
    return str(row[0]) if row else None


def awaited(
    connect: Connect, heed: Callable[[], TargetFailed | None], timeout: float, *, before: str | None = None
) -> bool:
    """Whether it answers within `timeout` seconds, and with another start than `before`.

    `heed` tells why it never will, where that is known. Raises what it tells.
    """
    until, look = time.monotonic() + timeout, 0.0
    while (found := born(connect)) is None or found == before:
        now = time.monotonic()
        if now >= look:
            if (ailment := heed()) is not None:
                raise ailment
            look = now + HEED
        if now > until:
            return False
        time.sleep(POLL)
    return True
