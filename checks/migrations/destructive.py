"""Statements of the migration files that destroy data, listed so that a person reads them before they are applied.

A list for warnings, and no gate: it knows the statements people write and tools generate, not every way to lose a row.
What a function does when called, what a trigger does, or what Python computes before it reaches the database is not
seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

from checks.migrations.history import Migration
from checks.migrations.sections import script
from checks.migrations.statements import Statement, statements
from checks.migrations.types import narrows

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))*'
_WHOLE = (
    re.compile(r"DROP (?:TABLE|SCHEMA|TYPE|DOMAIN|SEQUENCE|DATABASE|EXTENSION|OWNED)\b", re.I),
    re.compile(r"TRUNCATE\b", re.I),
    re.compile(r"(?:WITH\b.*)?\bDELETE FROM\b(?!.*\b(?:WHERE|USING)\b)", re.I),
)
_ALTER_TABLE = re.compile(rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(?P<table>{_NAME}) ?\*? (?P<actions>.*)", re.I)
_DROP_COLUMN = re.compile(
    rf"DROP (?:COLUMN )?(?!(?:CONSTRAINT|DEFAULT|NOT|EXPRESSION|IDENTITY)\b)(?:IF EXISTS )?(?P<column>{_NAME})", re.I
)
_NEW_TYPE = re.compile(rf"ALTER (?:COLUMN )?(?P<column>{_NAME}) (?:SET DATA )?TYPE (?P<type>.+)", re.I)
_ADD_COLUMN = re.compile(rf"ADD (?:COLUMN )?(?:IF NOT EXISTS )?(?P<definition>{_NAME} .+)", re.I)
_CREATE_TABLE = re.compile(
    rf"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(?P<table>{_NAME}) ?\((?P<definitions>.*)\)", re.I
)
_TYPE_ENDS = re.compile(
    r" (?:NOT|NULL|DEFAULT|PRIMARY|UNIQUE|REFERENCES|CHECK|CONSTRAINT|COLLATE|GENERATED|USING|STORAGE)\b.*", re.I
)
_DO = re.compile(r"DO\b", re.I)


@dataclass(frozen=True, slots=True)
class Destruction:
    """One statement that destroys data, and where it stands. Lines count from 1."""

    migration: Migration
    line: int
    statement: str
    path: Path

    def place(self, folder: Path) -> str:
        """`file:line`, with the file as seen from `folder`."""
        return f"{relpath(self.path, folder.resolve())}:{self.line}"


def destructions(migrations: Iterable[Migration]) -> tuple[Destruction, ...]:
    """Every statement of these migrations' way up that destroys data. Give them in order: types are followed along."""
    columns = Columns()
    found = []
    for migration in migrations:
        found += [
            Destruction(migration, line, _shortened(text), migration.path)
            for line, text in (_of_python if migration.path.suffix == ".py" else _of_sql)(migration.path, columns)
        ]
    return tuple(found)


class Columns:
    """The types of columns, as far as the statements seen so far create them."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, str], str] = {}

    def narrowed(self, table: str, column: str, new: str, old: str | None = None) -> bool:
        """Whether this change of type can lose data; the new type is known from here on."""
        known = old or self._types.get((_plain(table), _plain(column)))
        self.add(table, column, new)
        return narrows(known, new)

    def add(self, table: str, column: str, type_: str) -> None:
        """Take note of a column's type."""
        self._types[_plain(table), _plain(column)] = type_


def destroying(sql: str, columns: Columns, *, line: int = 1) -> Iterator[tuple[int, str]]:
    """The line and the text of each statement of a script that destroys data, DO blocks included."""
    for statement in statements(sql, line=line):
        if _DO.match(statement.text):
            for body, at in statement.bodies:
                yield from _in_block(body, columns, line=at)
        elif _destroys(statement, columns):
            yield statement.line, statement.text


def _in_block(body: str, columns: Columns, *, line: int) -> Iterator[tuple[int, str]]:
    """Statements of a PL/pgSQL block stand behind words such as BEGIN, THEN and EXECUTE."""
    for statement in statements(body, line=line):
        words = re.sub(r".*?\b(?=(?:DROP|TRUNCATE|ALTER|DELETE|WITH)\b)", "", statement.text, count=1, flags=re.I)
        if _destroys(Statement(words, statement.line), columns):
            yield statement.line, words


def _destroys(statement: Statement, columns: Columns) -> bool:
    text = statement.text
    if any(pattern.match(text) for pattern in _WHOLE):
        return True
    if created := _CREATE_TABLE.match(text):
        for definition in _split(created["definitions"]):
            _learn(columns, created["table"], definition)
    altered = _ALTER_TABLE.match(text)
    if not altered:
        return False
    # All actions are looked at before any is judged: each may tell a type.
    losses = [_loses(altered["table"], action, columns) for action in _split(altered["actions"])]
    return any(losses)


def _loses(table: str, action: str, columns: Columns) -> bool:
    if added := _ADD_COLUMN.match(action):
        _learn(columns, table, added["definition"])
        return False
    if changed := _NEW_TYPE.match(action):
        return columns.narrowed(table, changed["column"], _type_of(changed["type"]))
    return bool(_DROP_COLUMN.match(action))


def _learn(columns: Columns, table: str, definition: str) -> None:
    name = re.match(rf"({_NAME}) (.+)", definition)
    if name and name[1].upper() not in {"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "EXCLUDE", "LIKE"}:
        columns.add(table, name[1], _type_of(name[2]))


def _type_of(words: str) -> str:
    return _TYPE_ENDS.sub("", f"{words} ").strip()


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no bracket."""
    parts, depth, at = [], 0, 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[at:position].strip())
            at = position + 1
    return [*parts, text[at:].strip()]


def _of_sql(path: Path, columns: Columns) -> Iterator[tuple[int, str]]:
    return destroying(script(path, "up"), columns)


def _of_python(path: Path, columns: Columns) -> Iterator[tuple[int, str]]:
    from checks.migrations.alembic_calls import destroying_calls

    return destroying_calls(path, columns)


def _plain(name: str) -> str:
    """A name as it is compared: without quotes, and without a schema, which a search_path may supply."""
    last = re.findall(r'"(?:[^"]|"")+"|[\w$]+', name)[-1:]
    return (last[0].strip('"') if last and last[0].startswith('"') else "".join(last).lower()) if last else name


def _shortened(text: str, limit: int = 160) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
