"""Where statements end, and what in them is only text."""

from __future__ import annotations

import pytest

from checks.migrations.statements import statements


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; SELECT 'it''s; fine'", ["SELECT ''", "SELECT ''"]),
        ("SELECT E'\\'; DROP TABLE t' ; SELECT 2", ["SELECT ''", "SELECT 2"]),
        ("SELECT '\\'; SELECT 2", ["SELECT ''", "SELECT 2"]),
        ('DROP TABLE "a;b"', ['DROP TABLE "a;b"']),
        ("-- DROP TABLE t;\nSELECT 1 -- no;\n;", ["SELECT 1"]),
        ("/* a /* nested; */ still */ SELECT/**/1", ["SELECT 1"]),
        ("DO $$ BEGIN; END $$; SELECT 1", ["DO ''", "SELECT 1"]),
        ("DO $x$ a $$ b; $$ c $x$; SELECT $1", ["DO ''", "SELECT $1"]),
        ("SELECT a$b$c; SELECT 2", ["SELECT a$b$c", "SELECT 2"]),
        ("SELECT 'open; SELECT 2", ["SELECT ''"]),
        ("SELECT $$open; SELECT 2", ["SELECT ''"]),
        ("/* open; SELECT 2", []),
        (" ;;\n; ", []),
    ],
)
def test_statements_end_where_postgresql_ends_them(sql: str, expected: list[str]) -> None:
    """Semicolons in strings, comments, names and dollar quotes end nothing; what is open lasts to the end."""
    assert [statement.text for statement in statements(sql)] == expected


def test_lines_are_those_of_the_first_word() -> None:
    """A statement stands where it begins, not at the comment or the empty line before it."""
    sql = "-- first\n\nSELECT 1;\n/* two\nlines */ SELECT\n 2;\n\n'x';"
    assert [statement.line for statement in statements(sql)] == [3, 5, 8]
    assert [statement.line for statement in statements("SELECT 1;\nSELECT 2", line=10)] == [10, 11]


def test_the_body_of_a_block_is_kept_with_its_line() -> None:
    """What a DO block runs is text of its own."""
    [statement] = statements("\nDO\n$body$\nBEGIN\nEND\n$body$;")
    assert statement.bodies == (("\nBEGIN\nEND\n", 3),)
