"""Whether a column's new type can hold less than its old one.

Only types whose order is plain are told apart; for any other pair the answer is no. Without the old type, a new one
that is bounded (`varchar(40)`, `integer`) is taken to be narrower, since somebody chose a bound.
https://www.postgresql.org/docs/current/datatype.html
"""

from __future__ import annotations

import re

_FAMILIES = (
    ("smallint", "integer", "bigint", "numeric"),
    ("real", "double precision", "numeric"),
    ("date", "timestamp", "timestamptz"),
    ("char", "varchar", "text"),
    ("json", "text"),
    ("jsonb", "text"),
    ("uuid", "text"),
    ("boolean", "text"),
    ("bytea", "text"),
)
_SPELLINGS = {
    "int2": "smallint", "smallserial": "smallint", "smallinteger": "smallint",
    "int": "integer", "int4": "integer", "serial": "integer",
    "int8": "bigint", "bigserial": "bigint", "biginteger": "bigint",
    "decimal": "numeric", "float4": "real", "float8": "double precision", "float": "double precision",
    "double": "double precision", "double_precision": "double precision",
    "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz", "datetime": "timestamp",
    "character varying": "varchar", "string": "varchar", "unicode": "varchar", "nvarchar": "varchar",
    "character": "char", "bpchar": "char", "unicodetext": "text", "bool": "boolean", "largebinary": "bytea",
}  # fmt: skip
_BOUNDED = {"smallint", "integer", "real", "date", "char", "boolean", "uuid"}
_TYPE = re.compile(
    r"(?P<name>[a-z_][a-z_0-9 ]*?)\s*(?:\((?P<bounds>[\d\s,]+)\))?\s*(?P<zone>with(?:out)? time zone)?", re.I
)


def narrows(old: str | None, new: str) -> bool:
    """Whether values of type `old` may not fit into `new`. Both are spelt as in SQL, or as SQLAlchemy names them."""
    new_name, new_bounds = _split(new)
    if old is None:
        return new_name in _BOUNDED or bool(new_bounds)
    old_name, old_bounds = _split(old)
    if old_name == new_name:
        return _tighter(old_name, old_bounds, new_bounds)
    related = [family for family in _FAMILIES if old_name in family and new_name in family]
    return any(family.index(new_name) < family.index(old_name) for family in related)


def _tighter(name: str, old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    if name == "char":
        old, new = old or (1,), new or (1,)  # a bare char holds one letter; any other bare type has no bound
    if not old or not new:
        return bool(new)
    old_scale, new_scale = (bounds[1] if len(bounds) > 1 else 0 for bounds in (old, new))
    return new[0] - new_scale < old[0] - old_scale or new_scale < old_scale


def _split(text: str) -> tuple[str, tuple[int, ...]]:
    """`Numeric(10, 2)` as its PostgreSQL name and its bounds."""
    found = _TYPE.fullmatch(text.strip().strip('"').removeprefix("pg_catalog."))
    if not found:
        return text.strip().lower(), ()
    name = " ".join(f"{found['name']} {found['zone'] or ''}".lower().split())
    bounds = tuple(int(number) for number in (found["bounds"] or "").replace(",", " ").split())
    name = _SPELLINGS.get(name, name)
    return "text" if name == "varchar" and not bounds else name, bounds
