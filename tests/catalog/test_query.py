"""Query: the zero-rows rule, expectations, and evidence without data."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from checks.errors import QueryFailed
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import check_fails, check_holds, findings_of, params_of, run_sql


def test_no_rows_hold(target: EmbeddedTarget) -> None:
    """A query that finds nothing wrong holds."""
    [finding] = check_holds("query", "{sql: SELECT 1 WHERE false}", target)
    assert (finding.expected, finding.observed) == ("no rows", "no rows")


def test_rows_do_not_hold_and_are_only_counted(target: EmbeddedTarget) -> None:
    """Rows that break the rule are counted and their columns named; their contents are nowhere."""
    sql = "SELECT 'ada@example.org' AS email, n FROM generate_series(1, 1234) AS n"
    finding = check_fails("query", {"sql": sql}, target, code="query.rows")
    assert finding.observed == "1,234 rows"
    assert finding.evidence == ({"rows": 1234, "columns": "email, n"},)
    assert "ada" not in str(finding)


def test_a_wanted_number_of_rows_is_counted(target: EmbeddedTarget) -> None:
    """`rows` compares the number of rows, of which only two are kept."""
    check_holds("query", "{sql: 'SELECT generate_series(1, 7)', expect: {rows: 7}}", target)
    check_fails("query", "{sql: 'SELECT generate_series(1, 7)', expect: {rows: {gt: 7}}}", target, code="query.rows")


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT count(*) FROM generate_series(1, 3)", "3"),
        ("SELECT true", "true"),
        ("SELECT 1.10::numeric", "1.1"),
        ("SELECT 'streaming'", "streaming"),
        ("SELECT now() - pg_postmaster_start_time()", "{lt: 24h}"),
        ("SELECT 5", "{ge: 1, lt: 10}"),
        ("SELECT 'replica'", "{one_of: [replica, logical]}"),
    ],
)
def test_one_value_is_compared(target: EmbeddedTarget, sql: str, value: str) -> None:
    """A single value holds when every operator of the comparison does."""
    check_holds("query", f'{{sql: "{sql}", expect: {{value: {value}}}}}', target)


def test_another_value_does_not_hold(target: EmbeddedTarget) -> None:
    """A number that is not as expected is shown beside the expectation."""
    finding = check_fails("query", "{sql: SELECT 0, expect: {value: {ge: 1}}}", target, code="query.value")
    assert (finding.expected, finding.observed) == ("at least 1", "0")


def test_text_of_the_database_is_never_shown(target: EmbeddedTarget) -> None:
    """A text that the page does not name may be somebody's: only its length is told."""
    written = "{sql: SELECT 'ada@example.org', expect: {value: nobody}}"
    finding = check_fails("query", written, target, code="query.value")
    assert finding.observed == "a text of 15 characters"
    assert "ada" not in str(finding)


def test_text_never_equals_a_number(target: EmbeddedTarget) -> None:
    """Values of different types do not hold, and are no error."""
    check_fails("query", "{sql: SELECT '5', expect: {value: {ge: 1}}}", target, code="query.value")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 WHERE false",
        "SELECT max(n) FROM (SELECT 1 AS n WHERE false) AS empty",
        "SELECT 1, 2",
        "VALUES (1), (2)",
    ],
)
def test_no_single_value_does_not_hold(target: EmbeddedTarget, sql: str) -> None:
    """No row, NULL, several columns or several rows are not a value, whatever was expected of it."""
    check_fails("query", {"sql": sql, "expect": {"value": {"ne": 0}}}, target, code="query.no_value")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM nowhere", "run.relation_missing"),
        ("SELECT nothing FROM pg_class", "run.column_missing"),
        ("SELECT no_such_function(1)", "run.function_missing"),
        ("SELECT FROM WHERE", "run.syntax"),
        ("SELECT 1; SELECT 2", "run.syntax"),
        ("SELECT 1 / 0", "run.query_failed"),
    ],
)
def test_a_refused_query_has_no_verdict(target: EmbeddedTarget, sql: str, code: str) -> None:
    """What the server cannot answer is its refusal with a code of its own, and no finding."""
    with pytest.raises(QueryFailed) as refusal:
        findings_of("query", {"sql": sql}, target)
    assert refusal.value.code == code


def test_a_query_cannot_write(target: EmbeddedTarget) -> None:
    """A query that writes is refused by the session, even on a disposable server."""
    run_sql(target, "CREATE TABLE kept (n integer)")
    with pytest.raises(QueryFailed) as refusal:
        findings_of(
            "query", "{sql: 'WITH gone AS (INSERT INTO kept VALUES (1) RETURNING n) SELECT * FROM gone'}", target
        )
    assert refusal.value.code == "run.read_only"


@pytest.mark.parametrize(
    "written", ["{sql: ' '}", "{sql: SELECT 1, expect: {}}", "{sql: SELECT 1, expect: {rows: 0, value: 1}}"]
)
def test_a_query_without_one_expectation_is_a_mistake(written: str) -> None:
    """An empty query, no expectation at all, and two at once are mistakes of the page."""
    with pytest.raises(ValidationError):
        params_of("query", written)
