"""A result's columns and rows as Python has them, by psycopg's own converters."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import abc
from psycopg.adapt import Transformer
from psycopg.pq import Format
from psycopg.pq.abc import PGresult

_NO_SUCH_VALUE = (psycopg.DataError, ValueError)


def columns_of(result: PGresult) -> tuple[str, ...]:
    """The names of the columns."""
    return tuple((result.fname(column) or b"").decode("utf-8", "replace") for column in range(result.nfields))


def decoded(result: PGresult, wanted: int) -> list[tuple[Any, ...]]:
    """The first `wanted` rows as Python values; a cell Python has no value for (infinity, the year 5874897) as text."""
    count = min(wanted, result.ntuples)
    if not count:
        return []
    transformer = Transformer()
    transformer.set_pgresult(result)
    try:
        return transformer.load_rows(0, count, tuple)
    except _NO_SUCH_VALUE:
        return [
            tuple(_cell(transformer, result, row, column) for column in range(result.nfields)) for row in range(count)
        ]


def _cell(transformer: abc.Transformer, result: PGresult, row: int, column: int) -> Any:
    value = result.get_value(row, column)
    if value is None:
        return None
    try:
        return transformer.get_loader(result.ftype(column), Format(result.fformat(column))).load(value)
    except _NO_SUCH_VALUE:
        return value.decode("utf-8", "replace")
