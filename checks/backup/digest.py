"""A table's content as two numbers: how many rows there are, and a digest that no order of them changes.

PostgreSQL computes both in one pass, in parallel where the table is large, and sends one row: nothing of a table comes
to us. A row is hashed to 64 bits; the digest is the sum of those hashes, and the sum of each hash mixed once more,
since the hash of a row is a sum itself, over its columns, and would not show two rows that swapped a cell. It is equal
on majors 15 to 18 and after a restore. What each variant misses was measured: docs/decisions/0013-content-digest.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VARIANT = "rows-1"
DIGITS = 16
_WRAP = 2**64

# What a value looks like as text depends on these. They are the same whenever a digest is computed.
# https://www.postgresql.org/docs/current/runtime-config-client.html
SETTINGS: Mapping[str, str] = {
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmloption": "content",
    "lc_monetary": "C",
    "quote_all_identifiers": "off",
    "row_security": "off",  # a role that would be shown only part of a table is refused, and the digest with it
    "synchronize_seqscans": "off",
    "jit": "off",
    "parallel_setup_cost": "0",
    "min_parallel_table_scan_size": "0",
}

# The hash of these sees every bit of them. That of bigint does not: it is the same for 1 and for 4294967296.
_AS_IT_IS = {
    "bool", "bytea", "char", "cidr", "date", "inet", "int2", "int4", "macaddr", "macaddr8", "oid", "uuid",
}  # fmt: skip
# The bytes of these, where a collation that knows no case would have `Word` and `word` hashed alike.
_WITHOUT_COLLATION = {"name", "text", "varchar"}
# Eight bytes of these, so that none is folded into another.
_AS_BYTES = {
    "int8": "int8send", "money": "cash_send", "pg_lsn": "pg_lsn_send", "time": "time_send",
    "timestamp": "timestamp_send", "timestamptz": "timestamptz_send",
}  # fmt: skip
# The form a dump carries: `1.0` and `1.00`, `0` and `-0`, `7` and `7.0` of JSON are told apart.
_AS_TEXT = {"float4", "float8", "interval", "json", "jsonb", "numeric"}
# A cast to text would lose trailing blanks of the one, and keep the declaration of the other that no dump carries.
_WRITTEN_OUT = {"bpchar": "bpcharout", "xml": "xml_out"}


@dataclass(frozen=True, slots=True)
class Column:
    """`name` as SQL has it; `type` is the name of a type of PostgreSQL's own, empty for everybody else's and arrays."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A table that holds rows itself. `name` as SQL has it, with its schema; `bytes` as the server last estimated."""

    name: str
    columns: tuple[Column, ...]
    bytes: int = 0


def statement(tables: Sequence[Stored], *, counts_only: bool = False) -> str:
    """One statement that answers a row for each table: its position, its rows, and the two sums.

    The order of columns is that of their names: a restore may put them in another.
    """
    each = [_of_one(position, table, counts_only=counts_only) for position, table in enumerate(tables)]
    return "\nUNION ALL\n".join(each)


def digest(plain: str, mixed: str) -> str:
    """The two sums as 32 hexadecimal digits."""
    return "".join(format(int(total) % _WRAP, f"0{DIGITS}x") for total in (plain, mixed))


def _of_one(position: int, table: Stored, *, counts_only: bool) -> str:
    # No name of a column can hide `q`: a name after `q.` is a column, and what stands before it the alias.
    if counts_only:
        return f"SELECT {position} AS position, count(*) AS rows, '', '' FROM ONLY {table.name} AS q"  # noqa: S608 - quoted
    row = ", ".join(_hashable(column) for column in sorted(table.columns, key=lambda column: column.name))
    # Without OFFSET each row is hashed twice; written `OFFSET 0` it keeps the sums out of the plan's parallel part.
    return (  # every name was quoted by the server
        f"SELECT {position} AS position, count(*) AS rows,\n"  # noqa: S608 - quoted
        "    coalesce(sum(hash), 0)::text AS plain, coalesce(sum(hashint4extended(0, hash)), 0)::text AS mixed\n"
        f"FROM (SELECT hash_record_extended(ROW({row}), 0) AS hash FROM ONLY {table.name} AS q OFFSET '0') AS hashed"
    )


def _hashable(column: Column) -> str:
    """The column as something whose hash shows every change of it, and no other difference between servers."""
    name = f"q.{column.name}"
    if column.type in _AS_IT_IS:
        return name
    if column.type in _WITHOUT_COLLATION:
        return f'{name} COLLATE "C"'
    if column.type in _AS_BYTES:
        return f"{_AS_BYTES[column.type]}({name})"
    if column.type in _AS_TEXT:
        return f"{name}::text"
    if column.type in _WRITTEN_OUT:
        return f"{_WRITTEN_OUT[column.type]}({name})::text"
    # What the type's own output function writes, whatever casts there are. An empty composite is not NULL.
    return f'CASE WHEN {name} IS DISTINCT FROM NULL THEN concat({name}) COLLATE "C" END'
