"""Column types under all their names."""

from __future__ import annotations

import pytest

from checks.catalog.spelling import canonical, same_type
from checks.check import POSTGRESQL, SQLITE, Query
from checks.targets.embedded import EmbeddedTarget

WRITTEN = """
    int; int4; INTEGER; bigint; int8; int2; bool; text; uuid; bytea; date; json; jsonb; inet; tsvector; int4range;
    bit(3); varbit(5); bit varying(5); varchar; varchar(20); character varying ( 20 ); char; char(3); character(3);
    decimal; numeric(12,2); numeric(12, 2); float; float4; float8; real; double precision; timestamp; timestamp(3);
    timestamptz; timestamptz(6); timestamp with time zone; timestamp (3) with time zone; time; timetz; time(0);
    interval; text[]; int[]; varchar(20)[]; timestamptz[]; timestamptz(3)[]; numeric(10,2)[]; double precision[]
"""
SPELLINGS = [spelling.strip() for spelling in WRITTEN.split(";")]


def test_every_spelling_is_the_servers(target: EmbeddedTarget) -> None:
    """Whatever name of a type a page uses, it is the one the server itself writes for it."""
    session = target.open(writable=True)
    columns = ", ".join(f"c{number} {name}" for number, name in enumerate(SPELLINGS))
    session.script(f"CREATE TABLE spelt ({columns})")
    [answer] = session.ask(
        [
            Query(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = 'spelt'::regclass AND attnum > 0 ORDER BY attnum"
            )
        ],
        patience=10,
    )
    session.close()
    spelt = [row[0] for row in answer.rows]
    assert {name: canonical(name) for name in SPELLINGS} == dict(zip(SPELLINGS, spelt, strict=True))


@pytest.mark.parametrize(("wanted", "found"), [("varchar(20)", "text"), ("int", "bigint"), ("text", "text[]")])
def test_other_types_differ(wanted: str, found: str) -> None:
    """Types that are not the same are not taken for one another."""
    assert not same_type(wanted, found, POSTGRESQL)


def test_a_type_of_ones_own_needs_no_schema() -> None:
    """An enum may be written with or without its schema, but not with another one."""
    assert same_type("role", "game.role", POSTGRESQL)
    assert same_type("game.role", "game.role", POSTGRESQL)
    assert not same_type("auth.role", "game.role", POSTGRESQL)


@pytest.mark.parametrize(
    ("wanted", "declared"),
    [("timestamptz", "DATETIME"), ("uuid", "CHAR(32)"), ("jsonb", "JSON"), ("numeric(12,2)", "NUMERIC(12, 2)")],
)
def test_sqlite_declares_what_sqlalchemy_does(wanted: str, declared: str) -> None:
    """A column of a type SQLite does not have is declared there as SQLAlchemy declares it."""
    assert same_type(wanted, declared, SQLITE)
    assert not same_type(wanted, "BOOLEAN", SQLITE)
