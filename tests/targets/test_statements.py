"""Which statements are sent at all."""

from __future__ import annotations

import pytest

from checks.targets.statements import first_word, refused_unsent


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("select 1", "SELECT"),
        ("  -- why\n\t(( VALUES (1)))", "VALUES"),
        ("/* a /* nested */ comment */ Table t", "TABLE"),
        ("/* SELECT */ DELETE FROM t", "DELETE"),
        ("-- SELECT", ""),
        ("/* SELECT", ""),
        ("", ""),
        ("; select 1", "SELECT"),
        ('"select" 1', '"'),
    ],
)
def test_the_first_word_is_found_behind_comments(sql: str, word: str) -> None:
    """Comments, which nest, and brackets hide no statement's kind."""
    assert first_word(sql) == word


@pytest.mark.parametrize("sql", ["SELECT 1", "with a as (select 1) table a", "SHOW port", "EXPLAIN SELECT 1"])
def test_what_asks_is_sent(sql: str) -> None:
    """Every statement that only asks is sent in a read-only session."""
    assert refused_unsent(sql, writable=False) is None


def test_an_empty_query_never_passes() -> None:
    """A check whose query is all comments is refused, since no rows would read as all is well."""
    refusal = refused_unsent("-- SELECT 1", writable=True)
    assert refusal is not None
    assert refusal.code == "run.syntax"
