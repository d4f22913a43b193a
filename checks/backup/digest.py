"""A table's content as two numbers: how many rows there are, and a digest that no order of them changes.

PostgreSQL computes both in one pass, in parallel where the table is large, and sends one row: nothing of a table comes
to us. A row is hashed to 64 bits, and the digest is the sum of those hashes. The hash of each column is the seed of the
next one's, so that no part of a row can be had without the rest of it: rows that swapped a cell show. It is equal on
majors 15 to 18 and after a restore. What each variant misses was measured: docs/decisions/0013-content-digest.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VARIANT = "rows-2"
DIGITS = 16
LONGEST_CHAIN = 60  # columns: each is a call within the next one's, and a bit of 64
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

# What SQL may call with a seed, and something of the type to stand in for NULL. They see every bit of their types.
_SEEDED = {
    "int2": ("hashint2extended", "'0'"),
    "int4": ("hashint4extended", "'0'"),
    "oid": ("hashoidextended", "'0'"),
    "uuid": ("uuid_hash_extended", "'00000000-0000-0000-0000-000000000000'"),
    "character": ("hashbpcharextended", "''"),  # blind to trailing blanks, which are as many as its length says
}
# What SQL can hash as part of a record only: the hash of these sees every bit of them.
_AS_IT_IS = {"bool", "bytea", "char", "cidr", "date", "inet", "macaddr", "macaddr8"}
# Eight bytes of these, as their own hash folds them into four: it is the same for 1 and for 4294967296.
_AS_BYTES = {
    "int8": "int8send", "money": "cash_send", "pg_lsn": "pg_lsn_send", "time": "time_send",
    "timestamp": "timestamp_send", "timestamptz": "timestamptz_send",
}  # fmt: skip
# The form a dump carries: `1.0` and `1.00`, `0` and `-0`, `7` and `7.0` of JSON are told apart.
_AS_TEXT = {"float4", "float8", "interval", "json", "jsonb", "name", "numeric", "text", "varchar"}
# A cast to text would lose trailing blanks of the one, and keep the declaration of the other that no dump carries.
_WRITTEN_OUT = {"bpchar": "bpcharout", "xml": "xml_out"}


@dataclass(frozen=True, slots=True)
class Column:
    """`name` as SQL has it; `type` is the name of a type of PostgreSQL's own, empty for everybody else's and arrays.

    A `bpchar` of a declared length is a `character`.
    """

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A table that holds rows itself. `name` as SQL has it, with its schema; `bytes` as the server last estimated."""

    name: str
    columns: tuple[Column, ...]
    bytes: int = 0


def statement(tables: Sequence[Stored], *, counts_only: bool = False) -> str:
    """One statement that answers a row for each table: its position, its rows, and the sum of their hashes.

    The order of columns is that of their names: a restore may put them in another.
    """
    each = [_of_one(position, table, counts_only=counts_only) for position, table in enumerate(tables)]
    return "\nUNION ALL\n".join(each)


def digest(total: str) -> str:
    """The sum as 16 hexadecimal digits."""
    return format(int(total) % _WRAP, f"0{DIGITS}x")


def _of_one(position: int, table: Stored, *, counts_only: bool) -> str:
    # No name of a column can hide `q`: a name after `q.` is a column, and what stands before it the alias.
    total = "''" if counts_only else f"coalesce(sum({_hash(table.columns)}), 0)::text"
    return f"SELECT {position} AS position, count(*) AS rows, {total} AS total\nFROM ONLY {table.name} AS q"


def _hash(columns: Sequence[Column]) -> str:
    """A row's: what goes by a record comes first, and each other column is hashed with the hash so far as its seed.

    A seeded function of NULL is NULL, so something stands in for it, and the first seed says of which columns.
    """
    ordered = sorted(columns, key=_unquoted)
    chained = [column for column in ordered if column.type not in {*_AS_IT_IS, *_AS_BYTES} - {"int8"}][:LONGEST_CHAIN]
    others = [_value(column) for column in ordered if column not in chained]
    # The hash of a record is a sum over its columns, which the next call makes into something else.
    seeds = [f"hash_record_extended(ROW({', '.join(others)}), 0)"] if others else []
    seeds += [_absences(chained)] if chained else []
    made = " # ".join(seeds) or "'0'::int8"
    for column in chained:
        made = _seeded(column, made)
    return made if chained else f"hashint4extended(0, {made})"


def _unquoted(column: Column) -> str:
    """Its name alone: words that one major has to quote are free on another, as `system_user` is before 16."""
    name = column.name
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _absences(columns: Sequence[Column]) -> str:
    """The hash of a bit for each column that is NULL; most rows have none, and are asked no more than that."""
    absent = [f"q.{column.name} IS NOT DISTINCT FROM NULL" for column in columns]  # a composite of NULLs is not NULL
    bits = [f"CASE WHEN {one} THEN '{2**bit}'::int8 ELSE '0'::int8 END" for bit, one in enumerate(absent)]
    return f"CASE WHEN {' OR '.join(absent)} THEN hashint4extended(1, {' # '.join(bits)}) ELSE '0'::int8 END"


def _seeded(column: Column, seed: str) -> str:
    """The hash of the column with this seed."""
    value = _value(column)
    if column.type == "int8":  # all of it fits into the seed
        return f"hashint4extended(0, {seed} # coalesce(q.{column.name}, '0'))"
    function, instead = _SEEDED.get(column.type, ("hashtextextended", "''"))
    return f"{function}(coalesce({value}, {instead}), {seed})"


def _value(column: Column) -> str:
    """The column as something whose hash shows every change of it, and no other difference between servers."""
    name = f"q.{column.name}"
    if column.type in _AS_IT_IS or column.type in _SEEDED:
        return f'{name} COLLATE "C"' if column.type == "character" else name
    if column.type in _AS_BYTES:
        return f"{_AS_BYTES[column.type]}({name})"
    if column.type in _AS_TEXT:
        # Its bytes: a collation that knows no case would have `Word` and `word` hashed alike.
        return f'{name}::text COLLATE "C"'
    if column.type in _WRITTEN_OUT:
        return f'{_WRITTEN_OUT[column.type]}({name})::text COLLATE "C"'
    # What the type's own output function writes, whatever casts there are. An empty composite is not NULL.
    return f'CASE WHEN {name} IS DISTINCT FROM NULL THEN concat({name}) COLLATE "C" END'
