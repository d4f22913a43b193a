"""Column types under all their names: `int` is `integer`, `varchar(20)` is `character varying(20)`.

https://www.postgresql.org/docs/current/datatype.html
"""

from __future__ import annotations

import re

from checks.check import SQLITE, Engine

_ALIASES = {
    "bigserial": "bigint",
    "bool": "boolean",
    "char": "character",
    "decimal": "numeric",
    "float": "double precision",
    "float4": "real",
    "float8": "double precision",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "smallserial": "smallint",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
# SQLite keeps types as declared, and SQLAlchemy declares these there where PostgreSQL has a type of its own.
_IN_SQLITE = {
    "timestamp without time zone": "datetime",
    "timestamp with time zone": "datetime",
    "jsonb": "json",
    "uuid": "character(32)",
    "bytea": "blob",
    "double precision": "float",
}
_TYPE = re.compile(r"(?P<name>[^(\[]+?)(\s*\((?P<length>[^)]*)\))?(?P<rest>\s[^(\[]*)?\s*(?P<array>(\[\d*\])*)")


def canonical(type_name: str) -> str:
    """A type as PostgreSQL's format_type() writes it: lower case, the long name, `(12,2)` without a space."""
    text = " ".join(type_name.lower().split())
    match = _TYPE.fullmatch(text)
    if match is None:
        return text
    name = " ".join([match["name"], *(match["rest"] or "").split()])  # timestamp(3) with time zone
    name = _ALIASES.get(name, name)
    length = (match["length"] or "").replace(" ", "")
    if name == "character" and not length:
        length = "1"
    return _with_length(name, length) + re.sub(r"\d", "", match["array"])


def _with_length(name: str, length: str) -> str:
    if not length:
        return name
    first, space, rest = name.partition(" with")
    return f"{first}({length}){space}{rest}"


def same_type(wanted: str, found: str, engine: Engine) -> bool:
    """Whether two spellings are one type. A type of the page's own may be written without its schema."""
    one, other = canonical(wanted), canonical(found)
    if engine == SQLITE:
        return _in_sqlite(one) == _in_sqlite(other)
    return one == other or ("." in other and one == other.rpartition(".")[2])


def _in_sqlite(name: str) -> str:
    plain = re.sub(r"^(time(stamp)?)\(\d+\)", r"\1", name)
    return _IN_SQLITE.get(plain, plain)
