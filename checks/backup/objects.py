"""The objects of a database, each with a definition that can be held against another's.

What the server writes of a view or a constraint differs in form between majors, and changes once more when a dump of it
is restored: `x IN ('a', 'b')` comes back with its casts elsewhere, and PostgreSQL 16 no longer writes the table before
each column. So there are two readings: word for word, for two servers that are compared as they are, and by meaning,
for a database and its restored copy. See docs/decisions/0013-content-digest.md.
https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CATALOG
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import Any

from checks.sqlfile import parted

LONG = 200  # characters of a definition that are kept as they are; a longer one is told by its hash
_NAME = r'(?:"(?:[^"]|"")*"|[A-Za-z_][\w$]*)'
_QUALIFIER = re.compile(rf"{_NAME}\.(?=[\"A-Za-z_*])")
_ZONE = r"(?: with(?:out)? time zone)?"
_CAST = re.compile(rf"::{_NAME}(?: varying| precision)?{_ZONE}(?:\(\d+(?:,\s*-?\d+)?\))?{_ZONE}(?:\[\])*")
_FORM = re.compile(r"[()\s]+")
_BESIDE = re.compile(r" ?([\[\],]) ?")


@dataclass(frozen=True, slots=True)
class Object:
    """One object. `parent` is what it goes missing with; `unready` is one that a dump leaves out or leaves unproven.

    `shown` is its definition as this server has it, `meaning` without what differs between majors.
    """

    name: str
    parent: str
    shown: str
    meaning: str = field(repr=False)
    of_partition: bool = False
    unready: bool = False


@cache
def statements() -> Mapping[str, str]:
    """The statements that list them, by kind."""
    return parted(Path(__file__).with_name("objects.sql").read_text(encoding="utf-8"))


def of_row(row: Mapping[str, Any]) -> Object:
    """One row of any of the statements.

    Of its columns, `definition` is the same on every major; `shown` and `written` are expressions as the server writes
    them, short and long; `exact` is text of somebody's own.
    """
    plain, shown, written, exact = (row.get(name) or "" for name in ("definition", "shown", "written", "exact"))
    as_it_is = (plain, shown, _hashed("definition", written + exact))
    by_meaning = (plain, meaning(shown), _hashed("definition", meaning(written)), _hashed("text", exact))
    return Object(
        name=row["name"],
        parent=row["parent"],
        shown=", ".join(filter(None, as_it_is)),
        meaning=_short(", ".join(filter(None, by_meaning))),
        of_partition=bool(row.get("of_partition")),
        unready=bool(row.get("unready")),
    )


def meaning(expression: str) -> str:
    """An expression without qualifiers, casts, brackets and line breaks: what is alike on every major."""
    if not expression:  # as most are: a column without a default
        return ""
    bare = _FORM.sub(" ", _CAST.sub("", _QUALIFIER.sub("", expression)))
    return _BESIDE.sub(r"\1", bare).strip()


def _hashed(label: str, text: str) -> str:
    return f"{label} {_digest(text)}" if text else ""


def _short(text: str) -> str:
    return text if len(text) <= LONG else f"{text[: LONG // 2]}… {_digest(text)}"


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()[:12]
