"""What a server's catalogs and statistics tell of vacuum: ages, who holds rows back, and the rows of each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.catalog.names import Name
from checks.check import Answer, Cell
from checks.units import show_seconds

COUNTERS = ("transactions", "multixacts")


@dataclass(frozen=True, slots=True)
class Table:
    """What the server's statistics have of one table. `vacuumed` and `analyzed` are in seconds since then."""

    name: Name
    live: int
    dead: int
    changed: int
    unknown: bool
    vacuumed: float | None
    analyzed: float | None
    switched_off: bool

    @property
    def rows(self) -> int:
        return self.live + self.dead

    @property
    def dead_percent(self) -> float:
        return 100 * self.dead / max(1, self.rows)

    @property
    def changed_percent(self) -> float:
        return 100 * self.changed / max(1, self.live)

    @property
    def evidence(self) -> Mapping[str, Cell]:
        return {
            "table": str(self.name),
            "rows": self.live,
            "dead": self.dead,
            "changed": self.changed,
            "vacuumed": ago(self.vacuumed),
            "analyzed": ago(self.analyzed),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What one round told: ages by database, the oldest tables of this one, who holds rows back, and the tables."""

    databases: Sequence[Mapping[str, Any]]
    limits: Mapping[str, Any]
    oldest: Sequence[Mapping[str, Any]]
    tables: Sequence[Table]
    holders: Sequence[Mapping[str, Any]]
    hidden: int

    @property
    def ages(self) -> tuple[Mapping[str, Cell], ...]:
        """Evidence: the oldest databases, the oldest tables of this one, and who holds rows back."""
        eldest = sorted(self.databases, key=lambda row: -max(row[counter] for counter in COUNTERS))[:3]
        rows: list[tuple[str, int, int | None]]
        rows = [(f"database {row['name']}", row["transactions"], row["multixacts"]) for row in eldest]
        rows += [(f"table {_name(row)}", row["transactions"], row["multixacts"]) for row in self.oldest]
        rows += [(f"held back by the {row['holder']} {row['name']}", row["age"], None) for row in self.holders]
        return tuple({"what": what, "transactions": age, "multixacts": multi} for what, age, multi in rows)


def seen_in(answers: Mapping[str, Answer]) -> Seen:
    """What the answers to the statements of vacuum.sql, by their names, say."""
    tables = [
        Table(_name(row), **{key: value for key, value in row.items() if key not in {"schema", "name"}})
        for row in answers["tables"].dicts()
    ]
    return Seen(
        databases=answers["databases"].dicts(),
        limits=answers["settings"].dicts()[0],
        oldest=answers["oldest"].dicts(),
        tables=tables,
        holders=answers["holding"].dicts(),
        hidden=answers["hidden"].value,
    )


def _name(row: Mapping[str, Any]) -> Name:
    return Name(row["schema"], row["name"])


def ago(seconds: float | None) -> str:
    """`3 min ago`, or `never`."""
    return "never" if seconds is None else f"{show_seconds(max(0.0, seconds))} ago"
