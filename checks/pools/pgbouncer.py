"""PgBouncer's own figures, from its admin console, which answers SHOW over the simple protocol and nothing else.

https://www.pgbouncer.org/usage.html#admin-console
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from checks.errors import CouldNotTell
from checks.pools.budget import Bouncer
from checks.pools.library import broken
from checks.targets.session import Endpoint
from checks.targets.url_forms import conninfo, masked

UNREACHABLE = "pool_budget.pgbouncer_unreachable"
_CONNECTING = 5  # seconds
_IN_ALL = 10.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The clients of one of PgBouncer's pools: those served, and those that wait, the longest for so many seconds."""

    database: str
    role: str
    active: int
    waiting: int
    longest: int


@dataclass(frozen=True, slots=True)
class Console:
    """What the console said."""

    bouncer: Bouncer
    pools: tuple[Waiting, ...]


def ask(endpoint: Endpoint, database: str) -> Console:
    """The figures for `database`, the server's own name of it. Raises CouldNotTell."""
    try:
        with psycopg.connect(
            make_conninfo(**{**conninfo(endpoint), "connect_timeout": str(_CONNECTING)}),
            autocommit=True,
            row_factory=dict_row,
        ) as connection:
            # Nothing within libpq bounds how long a peer takes that stays silent.
            watchdog = threading.Timer(_IN_ALL, connection.close)
            watchdog.daemon = True
            watchdog.start()
            try:
                return _read(connection, database)
            finally:
                watchdog.cancel()
    except (psycopg.Error, KeyError, ValueError) as error:
        said = f"it has no {error}" if isinstance(error, KeyError) else broken(error).words
        raise CouldNotTell(
            f"PgBouncer's admin console at {masked(endpoint)} did not answer: {said}",
            code=UNREACHABLE,
            hint="Name the database `pgbouncer` in its URL, and a role that is in `stats_users` or `admin_users`.",
        ) from error


def _read(connection: psycopg.Connection[dict[str, Any]], database: str) -> Console:
    config = {row["key"]: row["value"] for row in connection.execute("SHOW CONFIG")}
    databases = [row for row in connection.execute("SHOW DATABASES") if row["database"] == database]
    pools = [_waiting(row) for row in connection.execute("SHOW POOLS") if row["database"] != "pgbouncer"]
    own: Mapping[str, Any] = databases[0] if databases else {}
    bouncer = Bouncer(
        pool_size=int(own.get("pool_size") or config["default_pool_size"]),
        most_clients=int(config["max_client_conn"]),
        reserve=int(own.get("reserve_pool") or config["reserve_pool_size"]),
        most_of_database=int(own.get("max_connections") or config["max_db_connections"]),
    )
    return Console(bouncer, tuple(pools))


def _waiting(row: Mapping[str, Any]) -> Waiting:
    return Waiting(row["database"], row["user"], int(row["cl_active"]), int(row["cl_waiting"]), int(row["maxwait"]))
