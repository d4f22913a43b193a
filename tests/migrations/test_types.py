"""Which changes of a column's type can lose something."""

from __future__ import annotations

import pytest

from checks.migrations.types import narrows


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bigint", "integer"),
        ("BIGINT", "int4"),
        ("BigInteger", "SmallInteger"),
        ("text", "varchar(40)"),
        ("Text", "String(40)"),
        ("varchar", "varchar(40)"),
        ("character varying(80)", "VARCHAR(40)"),
        ("numeric", "numeric(10,2)"),
        ("Numeric(12, 2)", "Numeric(10, 2)"),
        ("numeric(10,4)", "numeric(10,2)"),
        ("numeric(10,2)", "numeric(10,4)"),
        ("double precision", "real"),
        ("numeric", "bigint"),
        ("timestamptz", "timestamp"),
        ("timestamp(6) with time zone", "timestamp(3) with time zone"),
        ("timestamp", "date"),
        ("text", "boolean"),
        ("char(4)", "char"),
        (None, "varchar(40)"),
        (None, "integer"),
        (None, "numeric(8,2)"),
    ],
)
def test_a_narrower_type_is_seen(old: str | None, new: str) -> None:
    """A new type that cannot hold every value of the old one is narrower; an unknown old one is doubted."""
    assert narrows(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("integer", "bigint"),
        ("serial", "integer"),
        ("varchar(40)", "varchar(80)"),
        ("varchar(40)", "varchar"),
        ("varchar(40)", "text"),
        ("String(40)", "Text"),
        ("text", "character varying"),
        ("numeric(10,2)", "numeric(12,2)"),
        ("numeric(10,2)", "numeric"),
        ("real", "double precision"),
        ("date", "timestamptz"),
        ("char", "char(4)"),
        ("mood", "text"),
        ("json", "jsonb"),
        ("text[]", "text[]"),
        (None, "text"),
        (None, "bigint"),
        (None, "jsonb"),
    ],
)
def test_a_wider_or_unrelated_type_is_not(old: str | None, new: str) -> None:
    """A type that holds all the old one did is no loss, and of types without an order nothing is claimed."""
    assert not narrows(old, new)
