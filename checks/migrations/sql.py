"""A folder of numbered SQL files, and the table that records which were applied.

`001_users.sql`, `V1.2__users.sql`, and `001_users.up.sql` beside `001_users.down.sql` are understood, and files with
both ways in one: what golang-migrate, dbmate and people write. The table needs a column `version`; with a `checksum`
edits are seen, and with golang-migrate's `dirty` its single row is read as golang-migrate means it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.migrations.history import Applied, History, Migration, VersionTable, unreadable, version_key
from checks.migrations.prisma import checksums
from checks.migrations.sections import has_way_down

if TYPE_CHECKING:
    from checks.runbook.model import Migrations

VERSION_TABLE = "schema_migrations"
CREATE = """CREATE TABLE IF NOT EXISTS {table} (
    version text PRIMARY KEY,
    checksum text,
    applied_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);"""
_FLYWAY_ONLY = re.compile(r"(?:U[\d._]+|R)__")
_VERSION = re.compile(r"(?:[Vv](?P<flyway>\d+(?:[._]\d+)*)__|(?P<plain>\d+(?:\.\d+)*)(?:[_-]|$))")


def read(folder: Path, migrations: Migrations) -> History:
    """The SQL files of `folder / migrations.path`, in the order of their numbers.

    Raises CouldNotTell (`migrations.unreadable`) where there are none.
    """
    place = folder / migrations.path
    scripts = [path for path in place.glob("*.sql") if _goes_up(path)]
    if not scripts:
        raise unreadable(f"No SQL file lies in {place}.", hint="does `migrations.path` name the right folder?")
    ordered = sorted(scripts, key=lambda path: version_key(version(path)))
    return History("sql", _chained(ordered), ledger=True, mistakes=_mistakes(place, ordered))


def version_table(folder: Path, migrations: Migrations) -> VersionTable:  # noqa: ARG001 - the other tools read files
    """The table the page names, else `schema_migrations`."""
    return VersionTable(migrations.table or VERSION_TABLE, migrations.table_schema)


def version(path: Path) -> str:
    """The number a file name starts with, as text (`001`, `1.2`); the whole name where it starts with none."""
    stem = path.name.removesuffix(".sql").removesuffix(".up")
    found = _VERSION.match(stem)
    return (found["flyway"] or found["plain"]).replace("_", ".") if found else stem


def applied(rows: Sequence[Mapping[str, Any]], history: History) -> tuple[Applied, ...]:
    """The rows of the table, by the versions the files have: `1` is `001`, and a whole file name is its version."""
    if rows and "dirty" in rows[0]:
        return _golang_migrate(rows[0], history)
    if rows and "version" not in rows[0]:
        raise unreadable(f"The version table has no column `version`; it has {', '.join(rows[0])}.")
    known = {_plain(revision): revision for revision in history.by_revision}
    return tuple(
        Applied(
            revision=known.get(_plain(version(Path(str(row["version"])))), str(row["version"])),
            checksum=str(row.get("checksum") or ""),
        )
        for row in rows
    )


def _golang_migrate(row: Mapping[str, Any], history: History) -> tuple[Applied, ...]:
    """One row for all: the number reached, with everything below it applied, and whether that one failed."""
    reached = version_key(str(row["version"]))[0]
    below = [revision for revision in history.by_revision if version_key(revision)[0] <= reached]
    known = any(version_key(revision)[0] == reached for revision in below)
    names = below if known else [*below, str(row["version"])]
    return tuple(Applied(name, finished=not (row["dirty"] and name == names[-1])) for name in names)


def _plain(text: str) -> str:
    return ".".join(str(int(part)) for part in text.split(".")) if re.fullmatch(r"\d+(\.\d+)*", text) else text


def _chained(paths: Sequence[Path]) -> tuple[Migration, ...]:
    versions = [version(path) for path in paths]
    return tuple(
        Migration(
            revision=versions[at],
            name=path.name.removesuffix(".sql").removesuffix(".up"),
            path=path,
            parents=tuple(versions[at - 1 : at]),
            follows=tuple(versions[at - 1 : at]),
            checksums=checksums(path.read_bytes()),
            down=_down(path),
        )
        for at, path in enumerate(paths)
    )


def _goes_up(path: Path) -> bool:
    return not path.name.endswith(".down.sql") and not _FLYWAY_ONLY.match(path.name)


def _down(path: Path) -> Path | None:
    """The file with the way down: one of its own, or the same."""
    down = path.with_name(path.name.removesuffix(".sql").removesuffix(".up") + ".down.sql")
    return down if down.is_file() else path if has_way_down(path) else None


def _mistakes(place: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    seen: dict[str, Path] = {}
    mistakes = []
    for path in paths:
        first = seen.setdefault(_plain(version(path)), path)
        if first is not path:
            mistakes.append(f"Version {version(path)} is taken twice, by {first.name} and {path.name}.")
    ups = {path.name.removesuffix(".sql").removesuffix(".up") for path in paths}
    orphans = [path.name for path in sorted(place.glob("*.down.sql")) if path.name.removesuffix(".down.sql") not in ups]
    mistakes += [f"{name} takes back a migration that is not there." for name in orphans]
    flyway = sorted(path.name for path in place.glob("*.sql") if _FLYWAY_ONLY.match(path.name))
    mistakes += [f"{name} is Flyway's own kind of migration, undone or repeated, and is left out." for name in flyway]
    return tuple(mistakes)
