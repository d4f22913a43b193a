"""Texts of statements: no value of anybody's gets into a report, however the text came to be."""

from __future__ import annotations

import pytest

from checks.catalog.query_text import LONGEST, is_query, shown


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM users WHERE name = 'hunter2'",
        "SELECT E'it''s \\'hunter2', 'x'",
        r"SELECT 'it\' OR name = 'hunter2' --' FROM users",
        r"SELECT 'it\'hunter2' FROM users",
        "SELECT $$hunter2$$, $tag$ hunter2 $$ hunter2 $tag$",
        "SELECT U&'hunter2', N'hunter2', 'a' 'hunter2'",
        "SELECT 'a'\n'hunter2'",
        "/* hunter2 */ SELECT 1 -- hunter2",
        "SELECT /* a /* nested */ hunter2 */ 1",
        "SELECT 1 FROM users WHERE name = 'cut off in hunter2",
        "SELECT 1 /* cut off in hunter2",
        "SELECT $body$ cut off in hunter2",
        "SELECT 1; SELECT 'hunter2'",
        "ALTER ROLE api PASSWORD 'hunter2'",
        "ALTER ROLE hunter2",
        "CREATE USER MAPPING FOR api SERVER other OPTIONS (password 'hunter2')",
        "COPY users FROM PROGRAM 'curl hunter2'",
        "DO $$ BEGIN PERFORM 'hunter2'; END $$",
        "SET app.key = hunter2",
        "SET app.hunter2 = 1",
        "CALL rotate('hunter2')",
        "EXPLAIN SELECT 'hunter2'",
        "'hunter2'",
    ],
)
def test_no_value_is_shown(text: str) -> None:
    """Strings of every form, comments, whatever a text that was cut off ends in, and all of what defines things."""
    assert "hunter2" not in shown(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 4111111111111111, 1.5e10, .5, 0x1F, -7", "SELECT ?, ?, .?, ?, -?"),
        ("SELECT $1, t2.c3 FROM t2 LIMIT $12", "SELECT $1, t2.c3 FROM t2 LIMIT $12"),
        ('SELECT "2024" FROM "a ""1"" b" WHERE x=$1', 'SELECT "2024" FROM "a ""1"" b" WHERE x=$1'),
        ("SELECT B'1', X'1F', U&'d', e'x', 'y'::text", "SELECT ?, ?, ?, ?, ?::text"),
        ("select\n  a -- why\n from t", "select a from t"),
        ("ALTER ROLE api PASSWORD 'x'", "ALTER ROLE …"),
        ("vacuum", "VACUUM …"),
        ("", "…"),
        (r"SELECT a FROM t WHERE b = '\d' AND c = 'x'", "SELECT a FROM t WHERE b = ? …"),
    ],
)
def test_names_stay_and_values_go(text: str, expected: str) -> None:
    """What is left is enough to find the query in the application by."""
    assert shown(text) == expected


def test_a_long_text_is_shortened() -> None:
    """A generated query of a thousand columns is not the report."""
    assert len(shown("SELECT " + ", ".join(f"column_{n}" for n in range(1000)))) == LONGEST


@pytest.mark.parametrize(
    "text", ["select 1", "(SELECT 1) UNION (SELECT 2)", "/* x */ WITH a AS (SELECT 1) TABLE a", "merge into t"]
)
def test_what_reads_or_writes_rows_is_a_query(text: str) -> None:
    """Whatever stands before it, the first word tells."""
    assert is_query(text)


@pytest.mark.parametrize(
    "text", ["CREATE INDEX i ON t (a)", "VACUUM", "COPY t TO STDOUT", "", "/* SELECT */", "CALL p()"]
)
def test_what_defines_or_maintains_is_none(text: str) -> None:
    """An index takes minutes to build, and that is no slow query."""
    assert not is_query(text)
