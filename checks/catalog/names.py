"""Names of database objects as a page writes them: `users` is in `public`, `auth.users` says its schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

PUBLIC = "public"
SHOWN = 8


class Name(NamedTuple):
    """An object by schema and name, both exactly as the catalog spells them."""

    schema: str
    name: str

    def __str__(self) -> str:
        return self.name if self.schema == PUBLIC else f"{self.schema}.{self.name}"


def qualified(text: str, schema: str = PUBLIC) -> Name:
    """`auth.users` as schema and name; a bare name is in `schema`."""
    before, dot, after = text.partition(".")
    return Name(before, after) if dot else Name(schema, text)


def some(names: Iterable[object]) -> str:
    """The first few of the names, and how many more there are."""
    listed = [str(name) for name in names]
    more = len(listed) - SHOWN
    return ", ".join(listed[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def plural(count: int, noun: str) -> str:
    """`1 table`, `3 tables`, `2 indexes`, `4 policies`."""
    if count != 1 and noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{count} {noun[:-1]}ies"
    ending = "" if count == 1 else "es" if noun.endswith("x") else "s"
    return f"{count} {noun}{ending}"


def joined(parts: Sequence[str]) -> str:
    """`2 tables, 1 view and 3 columns`."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def is_are(things: Sequence[object]) -> str:
    """The verb that goes with so many things."""
    return "is" if len(things) == 1 else "are"
