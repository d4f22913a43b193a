"""Why the version table could not be read where it was looked for: not there, out of sight, or closed to this role.

PostgreSQL passes over a schema that the role may not use as if it did not exist, so that `alembic_version` without its
schema "does not exist" in a database that has it. Whoever believed that would migrate the database a second time.
https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from checks.catalog.sql import literal, statements
from checks.check import Answer, Finding
from checks.errors import QueryFailed

if TYPE_CHECKING:
    from checks.migrations.history import VersionTable

NOT_PERMITTED = "42501"
_ON_PATH = re.compile(r'"((?:[^"]|"")*)"|([^\s,"]+)')
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A table of this database that may be the version table, and what this session may do with it."""

    schema: str
    name: str
    usable: bool
    readable: bool
    role: str
    search_path: str

    @property
    def on_path(self) -> bool:
        """Whether the search_path names its schema, be it one the role may use or not."""
        named = [quoted.replace('""', '"') or bare.lower() for quoted, bare in _ON_PATH.findall(self.search_path)]
        return self.schema in [self.role if name == "$user" else name for name in named]

    @property
    def grants(self) -> str:
        """The statements that would let the role read it; empty when it may."""
        role, schema, name = map(_written, (self.role, self.schema, self.name))
        usage = "" if self.usable else f"GRANT USAGE ON SCHEMA {schema} TO {role};"
        select = "" if self.readable else f"GRANT SELECT ON {schema}.{name} TO {role};"
        return " ".join(filter(None, (usage, select)))


def looking_for(table: VersionTable) -> str:
    """The query for every table that may be it, whatever its schema."""
    # The list of the file is that of the tools' own defaults; a page may name another.
    return statements("migrations")["elsewhere"].replace(
        "'alembic_version'", f"{literal(table.name)}, 'alembic_version'"
    )


def candidates(answer: Answer) -> list[Candidate]:
    """What the query found."""
    return [Candidate(**row) for row in answer.dicts()]


def refuse_if_closed(table: VersionTable, found: Sequence[Candidate], refusal: QueryFailed) -> None:
    """Raises QueryFailed (`run.not_permitted`), naming the missing grant, where the table is closed to this role.

    `refusal` is what the server said to the query for its rows.
    """
    for one in found:
        if _is_meant(one, table) and one.grants and (refusal.sqlstate == NOT_PERMITTED or not one.usable):
            raise QueryFailed(
                f"The table {one.schema}.{one.name} is there, and the role `{one.role}` may not "
                f"{'read it' if one.usable else f'use the schema {one.schema}'}: what was applied cannot be told.",
                sqlstate=NOT_PERMITTED,
                code="run.not_permitted",
                hint=f"as the owner: {one.grants}",
            )
    if refusal.sqlstate == NOT_PERMITTED:
        raise refusal


def with_others(finding: Finding, table: VersionTable, found: Sequence[Candidate]) -> Finding:
    """The finding that there is no such table, with those there are: it may be another one, or only out of sight."""
    if not found:
        return finding
    evidence: tuple[Mapping[str, Any], ...] = tuple({"schema": one.schema, "table": one.name} for one in found)
    hidden = [one for one in found if one.name == table.name and not table.schema and not one.on_path]
    if hidden:
        return _out_of_sight(hidden[0], [one.schema for one in hidden], evidence)
    others = ", ".join(f"{one.schema}.{one.name}" for one in found)
    return replace(finding, sentence=f"{finding.sentence} This database does have {others}.", evidence=evidence)


def _out_of_sight(one: Candidate, schemas: Sequence[str], evidence: tuple[Mapping[str, Any], ...]) -> Finding:
    where = f"the schema {schemas[0]}" if len(schemas) == 1 else f"the schemas {', '.join(schemas)}"
    return Finding(
        "migrations.out_of_sight",
        holds=False,
        sentence=(
            f"The table {one.name} is in {where}, where the search_path of the role `{one.role}` ({one.search_path}) "
            "does not look: whether that is the one meant, and what was applied, cannot be told."
        ),
        expected=f"{one.name} on the search_path",
        observed=f"{one.name} in {', '.join(schemas)}",
        evidence=evidence,
    )


def _is_meant(one: Candidate, table: VersionTable) -> bool:
    return one.name == table.name and (one.schema == table.schema if table.schema else one.on_path)


def _written(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'
