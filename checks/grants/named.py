"""Which tables, columns and functions a query names, as the server itself will check them.

A query stored as a view keeps, in its parse tree, the very lists that the executor holds against a role's privileges:
each relation with the columns selected from it, and each function. A plan would not do, since the planner drops
relations whose privileges are checked all the same. The tree is text meant for the server alone, so it is only searched
for a few numbers, in the two forms it has had (PostgreSQL 15; 16 and later).
https://www.postgresql.org/docs/current/rules-privileges.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from checks.sqlfile import parted
from checks.targets.statements import first_word

if TYPE_CHECKING:
    from psycopg import Connection

_COLUMN_OFFSET = 7  # the tree counts columns from the first system column; 7 stands for the whole row
_SELECT = 2  # ACL_SELECT
_RELATION = re.compile(
    r":relid (\d+) (?:(?!:relid ).)*?:requiredPerms (\d+) :checkAsUser \d+ :selectedCols \(b([ \d]*)\)", re.DOTALL
)
_FUNCTION = re.compile(r":(?:funcid|aggfnoid|winfnoid) (\d+)")
_OPERATOR = re.compile(r":opno (\d+)")
_VIEW = "pgrunbook_named"


@dataclass(slots=True)
class Named:
    """Relations by oid, each with the numbers of the columns selected (0: the whole row); functions by oid.

    Functions, those of `operators` too, run with the rights of whoever asks, even inside somebody else's view.
    """

    relations: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    functions: set[int] = field(default_factory=set)
    operators: set[int] = field(default_factory=set)
    types: set[int] = field(default_factory=set)

    def add(self, tree: str, *, rights_of_the_owner: bool = False) -> list[int]:
        """Take over what a parse tree names; the relations in it, to be looked into if they are views."""
        self.functions.update(int(oid) for oid in _FUNCTION.findall(tree))
        self.operators.update(int(oid) for oid in _OPERATOR.findall(tree))
        found = [(int(oid), columns) for oid, needed, columns in _RELATION.findall(tree) if int(needed) & _SELECT]
        if not rights_of_the_owner:
            for oid, columns in found:
                self.relations[oid].update(int(number) - _COLUMN_OFFSET for number in columns.split())
        return [oid for oid, _ in found]


def named_by(sql: str, connection: Connection) -> Named | None:
    """What `sql` names in this database; None for a statement that names nothing or cannot be stored, such as SHOW.

    Raises psycopg.Error where the server does not understand it. Views the asker's rights apply to are looked into.
    """
    if first_word(sql) not in {"SELECT", "WITH", "VALUES", "TABLE"}:
        return None
    named = Named()
    with connection.transaction(force_rollback=True):
        # One column of our own, since a query may give two of its columns one name, and a view may not.
        text = sql.strip().rstrip("; \n\t")
        stored = f"CREATE TEMP VIEW {_VIEW} AS SELECT 1 AS one FROM (\n{text}\n) AS asked"  # noqa: S608 - the page's own
        connection.execute(stored.encode())
        waiting, seen = set(named.add(_tree(connection, _VIEW))), set[int]()
        while waiting - seen:
            inner = {oid for view in sorted(waiting - seen) for oid in _inside(connection, named, view)}
            seen |= waiting
            waiting = inner
        named.types.update(_types(connection))
    return named


def _tree(connection: Connection, view: str) -> str:
    sql = "SELECT ev_action::text FROM pg_rewrite WHERE ev_class = %s::regclass AND rulename = '_RETURN'"
    row = connection.execute(sql, [view]).fetchone()
    return str(row[0]) if row else ""


def _inside(connection: Connection, named: Named, oid: int) -> list[int]:
    """The relations inside a view, if it is one. They are read with its owner's rights, or, where it says
    `security_invoker`, with those of whoever asks, even from inside another owner's view."""
    row = connection.execute(statement("inside"), [oid]).fetchone()
    if row is None:
        return []
    tree, invoker = row
    return named.add(tree, rights_of_the_owner=not invoker)


def _types(connection: Connection) -> Iterable[int]:
    """Types a query casts to: their names are looked up too, which takes USAGE on their schema."""
    return [row[0] for row in connection.execute(statement("types"), [_VIEW])]


@cache
def _statements() -> Mapping[str, str]:
    return parted(Path(__file__).with_name("named.sql").read_text(encoding="utf-8"))


def statement(name: str) -> bytes:
    """One statement of named.sql."""
    return _statements()[name].encode()
