"""Prisma's migration folders, and the ledger `_prisma_migrations` that its engine keeps of them.

A migration is a folder with a `migration.sql`; its row holds the SHA-256 of that file, and says whether it finished.
Line ends may change under git, so the engine accepts the checksum of either form, and so does this.
https://www.prisma.io/docs/orm/prisma-migrate/understanding-prisma-migrate/migration-histories
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.migrations.history import Applied, History, Migration, VersionTable, unreadable

if TYPE_CHECKING:
    from checks.runbook.model import Migrations

VERSION_TABLE = "_prisma_migrations"
SCRIPT = "migration.sql"

# As the schema engine creates it, so that `prisma migrate deploy` finds its own table:
CREATE = """CREATE TABLE IF NOT EXISTS {table} (
    id varchar(36) PRIMARY KEY NOT NULL,
    checksum varchar(64) NOT NULL,
    finished_at timestamptz,
    migration_name varchar(255) NOT NULL,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(),
    applied_steps_count integer NOT NULL DEFAULT 0
);"""


def read(folder: Path, migrations: Migrations) -> History:
    """The migration folders of `folder / migrations.path`, in the order of their names, which is Prisma's.

    The path may name `prisma/migrations` or the folder above. Raises CouldNotTell (`migrations.unreadable`) where there
    are none.
    """
    place = _place(folder / migrations.path)
    folders = sorted(path for path in place.iterdir() if path.is_dir())
    mistakes = tuple(f"{path.name} has no {SCRIPT}." for path in folders if not (path / SCRIPT).is_file())
    complete = [path for path in folders if (path / SCRIPT).is_file()]
    if not complete:
        raise unreadable(f"No folder of {place} holds a {SCRIPT}.", hint="does `migrations.path` name the right one?")
    return History("prisma", _chained(complete), ledger=True, mistakes=mistakes)


def version_table(folder: Path, migrations: Migrations) -> VersionTable:  # noqa: ARG001 - the other tools read files
    """Prisma's table has one name, in the schema its URL names (`?schema=`), which only the page can tell."""
    return VersionTable(migrations.table or VERSION_TABLE, migrations.table_schema)


def applied(rows: Sequence[Mapping[str, Any]], history: History) -> tuple[Applied, ...]:  # noqa: ARG001 - as in sql.py
    """The rows of `_prisma_migrations`: `migration_name`, `checksum`, and whether `finished` and `rolled_back`."""
    return tuple(
        Applied(
            revision=str(row["migration_name"]),
            checksum=str(row["checksum"] or ""),
            finished=bool(row["finished"]),
            rolled_back=bool(row["rolled_back"]),
        )
        for row in rows
    )


def checksum(script: bytes) -> str:
    """What Prisma records of a `migration.sql`: the SHA-256 of its bytes in lower-case hex."""
    from hashlib import sha256

    return sha256(script).hexdigest()


def checksums(script: bytes) -> frozenset[str]:
    """Every checksum Prisma takes for this script: as it is, with LF ends, with CRLF ends, padded or not.

    Old engines wrote each byte without its leading zero, so that some checksums are shorter than 64 letters.
    """
    lf = script.replace(b"\r\n", b"\n")
    padded = {checksum(form) for form in (script, lf, lf.replace(b"\n", b"\r\n"))}
    return frozenset(padded | {"".join(f"{byte:x}" for byte in bytes.fromhex(text)) for text in padded})


def _place(path: Path) -> Path:
    for place in (path / "prisma" / "migrations", path / "migrations", path):
        if place.is_dir():
            return place
    raise unreadable(f"{path} is no folder.", hint="`migrations.path` is the folder of Prisma's migrations")


def _chained(folders: Sequence[Path]) -> tuple[Migration, ...]:
    names = [path.name for path in folders]
    return tuple(
        Migration(
            revision=path.name,
            name=path.name,
            path=path / SCRIPT,
            parents=tuple(names[at - 1 : at]),
            follows=tuple(names[at - 1 : at]),
            checksums=checksums((path / SCRIPT).read_bytes()),
        )
        for at, path in enumerate(folders)
    )
