"""Sessions as pg_stat_activity shows them: who holds how many, and which have held on for too long.

Names and times only. What a session runs may hold anybody's data, and is never asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.check import Cell
from checks.units import show_seconds

OURS = "pgrunbook"
HIDDEN = ("hidden", "disabled")
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """One client's session. Times are in seconds, and None where there is none or this role may not see it."""

    pid: int
    database: str
    role: str
    application: str
    state: str
    in_transaction: float | None
    in_state: float | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Seen:
        """A session from a row of the query `sessions`; one that is just being opened has no names yet."""
        names: dict[str, Any] = {name: row[name] or "" for name in ("database", "role", "application")}
        return cls(**{**row, **names})

    @property
    def is_idle_in_transaction(self) -> bool:
        """Whether it has begun a transaction and left it, failed or not."""
        return self.state.startswith("idle in transaction")

    def held_a_transaction_for(self, seconds: float) -> bool:
        """Whether its transaction is at least so old."""
        return self.in_transaction is not None and self.in_transaction >= seconds

    def has_idled_for(self, seconds: float) -> bool:
        """Whether it has been outside a transaction, doing nothing, for at least so long."""
        return self.state == "idle" and self.in_state is not None and self.in_state >= seconds

    def belongs_to(self, name: str) -> bool:
        """Whether `name` is its role or its application."""
        return name in {self.role, self.application}

    def shown(self) -> dict[str, Cell]:
        """The session as a row of evidence."""
        return {
            "pid": self.pid,
            "database": self.database,
            "role": self.role,
            "application": self.application,
            "state": self.state,
            "in transaction": _age(self.in_transaction),
            "in this state": _age(self.in_state),
        }


def _age(seconds: float | None) -> str:
    return "" if seconds is None else show_seconds(max(0.0, seconds))


def shown(sessions: Sequence[Seen]) -> tuple[Mapping[str, Cell], ...]:
    """The first few sessions as evidence."""
    return tuple(session.shown() for session in sessions[:SHOWN])


def by_client(sessions: Iterable[Seen]) -> tuple[Mapping[str, Cell], ...]:
    """How many sessions each database, role and application has, and in which state; the most first."""
    groups: dict[tuple[str, str, str], list[Seen]] = defaultdict(list)
    for session in sessions:
        groups[session.database, session.role, session.application].append(session)
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return tuple(_counted(names, members) for names, members in largest[:SHOWN])


def _counted(names: tuple[str, str, str], members: Sequence[Seen]) -> Mapping[str, Cell]:
    database, role, application = names
    return {
        "database": database,
        "role": role,
        "application": application,
        "sessions": len(members),
        "active": sum(session.state == "active" for session in members),
        "idle": sum(session.state == "idle" for session in members),
        "idle in transaction": sum(session.is_idle_in_transaction for session in members),
    }
