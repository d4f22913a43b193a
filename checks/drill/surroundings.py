"""What a physical copy brings along and this machine may not have: libraries, collations, the same minor release.

A copy on another C library sorts text in another way than its indexes were built in, and finds rows no longer.
https://www.postgresql.org/docs/current/collation.html#COLLATION-MANAGING
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks.catalog.names import plural, some
from checks.drill.recovery import RecoveringServer
from checks.drilled import Fidelity, Likeness

_LOCALE = """
    SELECT datcollate, datcollversion, pg_database_collation_actual_version(oid)
    FROM pg_database WHERE datname = current_database()
"""
_EXTENSIONS = """
    SELECT extname, extversion, default_version
    FROM pg_extension LEFT JOIN pg_available_extensions ON name = extname ORDER BY extname
"""
_TABLESPACES = "SELECT spcname FROM pg_tablespace WHERE spcname !~ '^pg_' ORDER BY spcname"
_ROLES = "SELECT count(*) FROM pg_roles WHERE rolname !~ '^(pg_|pgrunbook_)'"


def surroundings(server: RecoveringServer, database: str) -> list[Fidelity]:
    """Each, as the copy itself says it."""
    with server.connect(database, search_path="pg_catalog") as connection:
        return [
            *_collation(connection),
            *_extensions(connection),
            *_tablespaces(connection),
            *_preloaded(server),
            _roles(connection),
            Fidelity("settings", "its own", "those of a disposable server", Likeness.SUBSTITUTED),
        ]


def _collation(connection: Any) -> Iterator[Fidelity]:
    [(locale, recorded, actual)] = connection.execute(_LOCALE).fetchall()
    if recorded is None:
        yield Fidelity("collation", f"{locale}, of no recorded version", locale, Likeness.MATCHED)
        return
    likeness = Likeness.MATCHED if recorded == actual else Likeness.SUBSTITUTED
    yield Fidelity("collation", f"{locale}, version {recorded}", f"version {actual}", likeness)


def _extensions(connection: Any) -> Iterator[Fidelity]:
    for name, version, here in connection.execute(_EXTENSIONS).fetchall():
        if here is None:
            yield Fidelity(f"extension {name}", version, "its library is not installed", Likeness.NOT_VERIFIABLE)
        else:
            yield Fidelity(f"extension {name}", version, version, Likeness.MATCHED)


def _tablespaces(connection: Any) -> Iterator[Fidelity]:
    names = [name for (name,) in connection.execute(_TABLESPACES).fetchall()]
    if names:
        yield Fidelity("tablespaces", some(names), "folders inside the copy", Likeness.SUBSTITUTED)


def _preloaded(server: RecoveringServer) -> Iterator[Fidelity]:
    wanted = server.groundwork.preloaded
    if wanted:
        yield Fidelity("libraries loaded at start", wanted, "none, on purpose", Likeness.SUBSTITUTED)


def _roles(connection: Any) -> Fidelity:
    [(count,)] = connection.execute(_ROLES).fetchall()
    return Fidelity("roles and their passwords", plural(count, "role"), plural(count, "role"), Likeness.MATCHED)
