"""The catalog's SQL, kept in files an operator can run: `psql -f checks/catalog/schema.sql`.

A file holds one or more statements, each under a line `-- name: what it answers`. They take no parameters, so that
they run as they stand; a check that wants fewer rows narrows the statement from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from checks.sqlfile import parted


def text(name: str) -> str:
    """The whole file `NAME.sql` beside this module."""
    # Not importlib.resources, which costs every run 5 ms to import.
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")


@cache
def statements(name: str) -> Mapping[str, str]:
    """The statements of `NAME.sql` by their own names, without the closing semicolon."""
    return parted(text(name))


def narrowed(statement: str, columns: str, values: Iterable[tuple[str, ...]]) -> str:
    """`statement` with only the rows whose `columns` (`schema, name`) are among `values`; PostgreSQL and SQLite.

    The planner pushes the condition into the statement, so that 2 000 other tables cost next to nothing.
    """
    wanted = ", ".join(f"({', '.join(map(literal, value))})" for value in values)
    if not wanted:
        return f"SELECT * FROM (\n{statement}\n) AS found WHERE false"  # noqa: S608 - our own file
    return f"SELECT * FROM (\n{statement}\n) AS found WHERE ({columns}) IN (VALUES {wanted})"  # noqa: S608 - quoted


def literal(value: str) -> str:
    """`value` as a string constant, whatever `standard_conforming_strings` says.

    https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS
    """
    quoted = value.replace("'", "''")
    return f"'{quoted}'" if "\\" not in quoted else "E'" + quoted.replace("\\", "\\\\") + "'"
