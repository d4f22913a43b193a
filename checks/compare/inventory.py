"""What one database is made of, as names with definitions that can be held against another's.

Everything is asked in one flight of a read-only session. Definitions are those the server writes, with every name
qualified; long ones, and those that may hold what somebody typed, are told by a hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from checks.backup import objects
from checks.catalog.guc import Setting
from checks.catalog.host_settings import OF_THE_HOST
from checks.catalog.migrations import version_query
from checks.check import Answer, Query
from checks.errors import CouldNotTell
from checks.migrations.tool import applied, read_history, version_table
from checks.runbook.model import Runbook
from checks.sqlfile import parted
from checks.targets.session import Server, Target

PATIENCE = 30.0
TIMEOUT = 10.0
NO_SUCH_TABLE = "42P01"
SCHEMA = (
    "schema", "table", "view", "column", "index", "constraint", "trigger", "policy", "function", "type", "sequence",
)  # fmt: skip
MIGRATION, SETTING, HIDDEN = "migration", "setting", "hidden"
# In the order they are told in; what a role and a server's settings are is not for a disposable server to say.
KINDS = (*SCHEMA, MIGRATION, "extension", SETTING, "role", "membership")
OF_THE_SERVER = frozenset({SETTING, "role", "membership"})


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a database. Two are alike if their definitions are; `shown` is what may be said of one.

    `parent` is what it goes missing with, if that is not there at all.
    """

    parent: str
    definition: str = field(repr=False)
    shown: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything of one database, by kind and name, and what could not be looked at: sentences, by kind."""

    name: str
    server: Server
    items: Mapping[str, Mapping[str, Item]]
    unknown: Mapping[str, str]


def take(name: str, target: Target, runbook: Runbook) -> Inventory:
    """The inventory of a database. Raises ConnectionFailed; what is refused or unanswered stands in `unknown`."""
    statements = dict(_statements())
    unknown: dict[str, str] = {}
    if runbook.front.migrations is not None:
        try:
            table = version_table(runbook.folder, runbook.front.migrations)
            statements[MIGRATION] = version_query(runbook.front.migrations, table)
        except CouldNotTell as reason:
            unknown[MIGRATION] = reason.sentence
    session = target.open(timeout=TIMEOUT)
    try:
        answers = session.ask([Query(sql) for sql in statements.values()], patience=PATIENCE)
        server = session.server
    finally:
        session.close()
    items: dict[str, Mapping[str, Item]] = {}
    for position, kind in enumerate(statements):
        try:
            answer = _answered(answers, position)
            items[kind] = _items(kind, answer, runbook)
        except CouldNotTell as reason:
            unknown[kind] = f"{reason.sentence} {reason.hint}".strip()
    if items.pop(HIDDEN, {}):
        unknown[HIDDEN] = "Settings that are shown to few are hidden from this role. GRANT pg_read_all_settings to it."
    return Inventory(name, server, items, unknown)


def _answered(answers: Sequence[Answer], position: int) -> Answer:
    if position >= len(answers):
        raise CouldNotTell("The server did not answer in time.")
    return answers[position]


def _items(kind: str, answer: Answer, runbook: Runbook) -> Mapping[str, Item]:
    if kind == MIGRATION:
        return _migrations(answer, runbook)
    if kind == SETTING:
        return {row["name"]: _setting(row) for row in answer.dicts() if row["name"] not in OF_THE_HOST}
    if kind == HIDDEN:
        return {HIDDEN: Item("", "", "")} if answer.value else {}
    # A partition has the columns, indexes and constraints of its parent, and is listed itself.
    found = [objects.of_row(row) for row in answer.dicts()]
    return {one.name: Item(one.parent, one.shown, one.shown) for one in found if not one.of_partition}


def _setting(row: Mapping[str, Any]) -> Item:
    name, kind, unit = row["name"], row["vartype"], row["unit"] or None
    setting = Setting(name, row["reset"] or "", unit, kind, row["context"], custom="." in name and kind == "string")
    shown = f"{setting} (not shown)" if setting.may_hold_secrets and setting.text else str(setting)
    return Item("", f"{setting.text} {unit or ''}", shown or "empty")


def _migrations(answer: Answer, runbook: Runbook) -> Mapping[str, Item]:
    """Every migration that was applied: where the table keeps heads only, with all that came before them."""
    declared = runbook.front.migrations
    if declared is None:
        return {}
    if answer.error is not None and answer.error.sqlstate == NO_SUCH_TABLE:
        return {}
    history = read_history(runbook.folder, declared)
    rows = [row for row in applied(history, answer.dicts() if answer.rows else []) if not row.rolled_back]
    states = {row.revision: "applied" if row.finished else "failed half-way" for row in rows}
    if not history.ledger:
        states |= dict.fromkeys(history.up_to(states), "applied")
    return {_named(revision, history.by_revision): Item("", state, state) for revision, state in states.items()}


def _named(revision: str, known: Mapping[str, object]) -> str:
    return str(known.get(revision, revision))


@cache
def _statements() -> Mapping[str, str]:
    ours = parted(Path(__file__).with_name("inventory.sql").read_text(encoding="utf-8"))
    of_databases = {kind: sql for kind, sql in objects.statements().items() if kind in KINDS}
    return {**of_databases, **ours}
