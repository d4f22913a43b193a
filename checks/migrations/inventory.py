"""What is in a database that migrations can make: looked at before the first and after a full way down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from checks.check import SQLITE, Query
from checks.errors import CouldNotTell
from checks.migrations.history import VersionTable
from checks.targets.session import Target

PATIENCE = 30.0
_SQLITE = """SELECT type AS kind, '' AS "schema", name, name AS shown FROM sqlite_master
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1, 3"""


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """One object of a database. `shown` is its name as SQL has it, with schema and, for a function, arguments."""

    kind: str
    schema: str
    name: str
    shown: str

    def __str__(self) -> str:
        return f"{self.kind} {self.shown}"


def inventory(target: Target) -> frozenset[Thing]:
    """Every schema, table, view, sequence, type and function there is, but the system's and those of extensions."""
    sql = _SQLITE if target.engine == SQLITE else Path(__file__).with_name("inventory.sql").read_text(encoding="utf-8")
    session = target.open()
    try:
        answers = session.ask([Query(sql.strip().rstrip(";"))], patience=PATIENCE)
    finally:
        session.close()
    if not answers:
        raise CouldNotTell("The disposable server did not say what is in its database.")
    return frozenset(Thing(*row) for row in answers[0].rows)


def left_behind(before: frozenset[Thing], after: frozenset[Thing], table: VersionTable) -> tuple[str, ...]:
    """What is new, except the version table and the schema it was made in; in order of kind and name."""
    return tuple(str(thing) for thing in sorted(after - before) if not _belongs_to_the_tool(thing, table))


def _belongs_to_the_tool(thing: Thing, table: VersionTable) -> bool:
    if thing.kind == "schema":
        return thing.name == table.schema
    return thing.kind == "table" and thing.name == table.name and (not table.schema or thing.schema == table.schema)
