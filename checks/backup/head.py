"""Which migrations a database says were applied: the rows of its tool's version table, as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from checks.migrations.history import VersionTable, quote_identifier
from checks.migrations.tool import version_table
from checks.runbook.model import MigrationTool, Runbook

# What the tools call a revision, and which of Prisma's attempts stand.
_READ: dict[MigrationTool, str] = {
    "alembic": "SELECT version_num FROM {}",
    "prisma": "SELECT migration_name FROM {} WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
    "sql": "SELECT * FROM {}",
}
# Where the page names no schema, a copy need not have the search_path that the source has.
_FIND = """
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = %s AND coalesce(%s::text, n.nspname) = n.nspname AND c.relkind IN ('r', 'p')
ORDER BY n.nspname <> 'public', n.nspname
LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The tool a page declares, and the table it records in."""

    tool: MigrationTool
    table: VersionTable


def head_of(runbook: Runbook) -> Head | None:
    """What the page says; None where it declares no migrations. Raises CouldNotTell for unreadable configuration."""
    declared = runbook.front.migrations
    return None if declared is None else Head(declared.tool, version_table(runbook.folder, declared))


def revisions_of(connection: psycopg.Connection[Any], head: Head) -> tuple[str, ...]:
    """The revisions in the version table, in order; nothing where there is none. Raises psycopg.Error."""
    found = connection.execute(_FIND.encode(), (head.table.name, head.table.schema)).fetchone()
    if found is None:
        return ()
    where = ".".join(quote_identifier(part) for part in found)
    rows = connection.execute(_READ[head.tool].format(where).encode())
    return tuple(sorted(str(row[0]) for row in rows))
