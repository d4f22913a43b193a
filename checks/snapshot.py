"""What the server looked like at the end of a run in which something did not hold: evidence for whoever looks later.

Four short looks, each with a limit: sessions by state, who waits for whom, settings that were changed, the archiver.
Names and counts only: no query's text is read, and a setting that may hold a secret shows its length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.check import Answer, Cell, Query
from checks.sqlfile import parted

if TYPE_CHECKING:
    from checks.catalog.guc import Setting

PATIENCE = 2.0  # seconds for all of it: evidence is worth little of anybody's time
Rows = tuple[dict[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was seen, one row each. `taken` is in UTC; `missing` says what could not be looked at, and why."""

    taken: str
    sessions: Rows = ()
    locks: Rows = ()
    settings: Rows = ()
    archiver: Rows = ()
    missing: tuple[str, ...] = ()


def queries() -> list[Query]:
    """The looks, for one flight."""
    return [Query(sql) for sql in _statements().values()]


def snapshot_of(answers: Sequence[Answer]) -> Snapshot:
    """What the answers show. There may be fewer than queries, when the server was too slow for the rest."""
    taken = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    seen: dict[str, Rows] = {}
    missing = []
    for position, name in enumerate(_statements()):
        answer = answers[position] if position < len(answers) else None
        if answer is None:
            missing.append(f"{name}: no answer in time")
        elif answer.error is not None:
            missing.append(f"{name}: {answer.error.sentence}")
        else:
            seen[name] = tuple(_settings(answer) if name == "settings" else answer.dicts())
    return Snapshot(taken, **seen, missing=tuple(missing))


def _settings(answer: Answer) -> list[dict[str, Cell]]:
    from checks.catalog.host_settings import OF_THE_HOST  # which a run that held has no use for

    rows = [row for row in answer.dicts() if row["name"] not in OF_THE_HOST]
    return [{"setting": row["name"], "value": str(_setting(row))} for row in rows]


def _setting(row: Mapping[str, Any]) -> Setting:
    from checks.catalog.guc import Setting

    kind, name = row["vartype"], row["name"]
    # An extension's texts are like an application's own: they may be anything.
    custom = "." in name and kind == "string"
    return Setting(name, row["reset"] or "", row["unit"] or None, kind, row["context"], custom=custom)


@cache
def _statements() -> Mapping[str, str]:
    return parted(Path(__file__).with_name("snapshot.sql").read_text(encoding="utf-8"))
