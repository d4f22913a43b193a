"""What every migration tool comes down to: files with an order, and rows that say which of them were applied.

The tools differ in what a row means. Alembic keeps only the revisions nothing applied follows, and every ancestor of
them is applied too; Prisma and plain SQL keep a ledger of one row a migration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.errors import CouldNotTell

if TYPE_CHECKING:
    from checks.runbook.model import MigrationTool

UNREADABLE = "migrations.unreadable"


def unreadable(sentence: str, hint: str = "") -> CouldNotTell:
    """The error for migration files that are not where the page says, or cannot be read at all."""
    return CouldNotTell(sentence, code=UNREADABLE, hint=hint)


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration as its file tells it.

    `revision` is what the version table records, `name` what people call it. `parents` must be applied before it;
    `follows` are those of them that it continues (Alembic's `down_revision`), so that they are no heads. `checksums`
    are all forms the tool accepts, and empty where it records none. `down` is the script that takes it back.
    """

    revision: str
    name: str
    path: Path
    parents: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    checksums: frozenset[str] = frozenset()
    down: Path | None = None

    def __str__(self) -> str:
        return self.name if self.name.startswith(self.revision) else f"{self.revision} ({self.name})"


@dataclass(frozen=True)
class History:
    """The migration files of one system, in an order they can be applied in.

    `ledger` says that the version table has a row for every migration, not for heads only. `mistakes` are what is wrong
    with the files themselves, one sentence each.
    """

    tool: MigrationTool
    migrations: tuple[Migration, ...]
    ledger: bool
    mistakes: tuple[str, ...] = ()

    @cached_property
    def by_revision(self) -> dict[str, Migration]:
        """The migrations by what the version table calls them."""
        return {migration.revision: migration for migration in self.migrations}

    @property
    def heads(self) -> tuple[str, ...]:
        """The revisions no other one continues, in file order: what `alembic heads` shows."""
        followed = {revision for migration in self.migrations for revision in migration.follows}
        return tuple(migration.revision for migration in self.migrations if migration.revision not in followed)

    def up_to(self, revisions: Iterable[str]) -> set[str]:
        """These revisions and all that had to be applied before them. Unknown ones are left out."""
        reached: set[str] = set()
        waiting = [revision for revision in revisions if revision in self.by_revision]
        while waiting:
            revision = waiting.pop()
            if revision not in reached:
                reached.add(revision)
                waiting.extend(self.by_revision[revision].parents)
        return reached

    def is_later(self, revision: str) -> bool:
        """Whether a revision the files do not know would come after all of them; only a ledger's names can tell."""
        order: Callable[[str], Any] = str if self.tool == "prisma" else version_key
        return self.ledger and all(order(revision) > order(known) for known in self.by_revision)

    def without(self, revisions: set[str]) -> tuple[Migration, ...]:
        """The migrations whose revision is not among these, in the order they would be applied in."""
        return tuple(migration for migration in self.migrations if migration.revision not in revisions)


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of a version table. `checksum` is empty where none was recorded.

    `finished` is false for a migration that failed half-way; `rolled_back` rows say that it was, and count for nothing.
    """

    revision: str
    checksum: str = ""
    finished: bool = True
    rolled_back: bool = False


@dataclass(frozen=True, slots=True)
class VersionTable:
    """Where the tool keeps its rows. Without a `schema` the session's search_path finds it, as it does for the tool."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def quoted(self) -> str:
        """The name as SQL, safe whatever letters it has."""
        return ".".join(quote_identifier(part) for part in (self.schema, self.name) if part)


def quote_identifier(name: str) -> str:
    """`name` as a quoted SQL identifier:
    https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
    """
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """`text` as a string constant: https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS"""
    quoted = text.replace("'", "''")
    return f"'{quoted}'" if "\\" not in quoted else "E'" + quoted.replace("\\", "\\\\") + "'"


def version_key(version: str) -> tuple[tuple[int, ...], str]:
    """What versions sort by: `1.10` comes after `1.9`, and `002` after `1`. Text after the numbers decides last."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else (), version


def in_order(migrations: Sequence[Migration]) -> tuple[tuple[Migration, ...], tuple[Migration, ...]]:
    """The migrations parents first, else in the order given; and those that are, by way of others, their own ancestors.

    A parent that is not among them holds nothing up.
    """
    known = {migration.revision for migration in migrations}
    placed: set[str] = set()
    ordered: list[Migration] = []
    waiting = list(migrations)
    while ready := [one for one in waiting if all(parent in placed or parent not in known for parent in one.parents)]:
        ordered.extend(ready)
        placed.update(migration.revision for migration in ready)
        waiting = [migration for migration in waiting if migration.revision not in placed]
    return tuple(ordered), tuple(waiting)
