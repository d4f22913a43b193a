"""What is alike of a definition on every major, and what is not taken for alike."""

from __future__ import annotations

import pytest

from checks.backup.objects import LONG, meaning, of_row, statements

ALIKE = [
    # `s IN ('x', 'y')` of a varchar column, before a dump and after its restore
    (
        "CHECK (((s)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])))",
        "CHECK (((s)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text])))",
    ),
    # a view of PostgreSQL 15 and of 16
    (" SELECT u.id,\n    u.mood\n   FROM auth.users u;", " SELECT id,\n    mood\n   FROM auth.users u;"),
    ("now()::timestamp(3) without time zone", "now()"),
    ('"odd name"."T q".a', "a"),
]
DIFFERENT = [
    ("CHECK (a > 1)", "CHECK (a > 2)"),
    ("CHECK (a > 1)", "CHECK (b > 1)"),
    ("s = ANY (ARRAY['x'])", "s = ANY (ARRAY['x', 'y'])"),
    ("lower(name)", "upper(name)"),
    ("1.5", "2.5"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_servers_write_differently_is_alike(one: str, other: str) -> None:
    """Casts, brackets, qualifiers and line breaks are forms."""
    assert meaning(one) == meaning(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs_stays_different(one: str, other: str) -> None:
    """Names, values and operators are not."""
    assert meaning(one) != meaning(other)


def test_what_somebody_wrote_is_compared_letter_by_letter() -> None:
    """The body of a function keeps its blanks and qualifiers."""
    row = {"name": "f()", "parent": "public", "definition": "function"}
    one, other = of_row({**row, "exact": "SELECT a.x"}), of_row({**row, "exact": "SELECT b.x"})
    assert one.meaning != other.meaning


def test_a_long_definition_is_told_by_its_hash() -> None:
    """A manifest holds no list of a thousand labels."""
    row = {"name": "t", "parent": "public", "definition": "enum " + "'label', " * 100}
    assert len(of_row(row).meaning) < LONG
    assert of_row(row).meaning != of_row({**row, "definition": row["definition"] + "'one more'"}).meaning


def test_every_statement_has_what_is_read_of_it() -> None:
    """Each lists a name, what it goes missing with, and a definition."""
    for kind, sql in statements().items():
        assert " AS name" in sql, kind
        assert "AS parent" in sql, kind
        assert " AS definition" in sql or " AS shown" in sql, kind
