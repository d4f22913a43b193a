"""A query of the page's own answers as the page expects: by default, with no rows.

What must be true of the data is best said by a query for the rows that break it: no rows, no harm. The report counts
them and names their columns; the rows themselves stay in the database, since they may be somebody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.expectation import Comparison, Expectation, is_single
from checks.check import POSTGRESQL, SQLITE, Answer, Asking, Check, Code, Finding, Query
from checks.runbook.model import REFUSE_UNKNOWN_KEYS

EXAMPLE = """\
query:
  name: the audit log is written to
  sql: SELECT count(*) FROM audit_log WHERE created_at > now() - interval '24 hours'
  expect: {value: {ge: 1}}"""

NO_ROWS = Expectation(rows=Comparison(eq=0))


@dataclass(frozen=True, slots=True)
class Parameters:
    """One statement that reads, and what it should answer."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    sql: str = field(metadata={"description": "One statement. A `sql check` block is this parameter alone."})
    expect: Expectation = field(
        default=NO_ROWS,
        metadata={
            "description": "`{rows: 0}`, `{rows: {ge: 1}}`, or of a single value: `{value: true}`, `{value: {lt: 10}}`."
        },
    )

    def __post_init__(self) -> None:
        if not self.sql.strip():
            raise ValueError("the query is empty")


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:  # noqa: ARG001 - every check is given both
    """The page's query. Two rows are kept, enough to see whether there is one value; the others are only counted."""
    [answer] = yield [Query(parameters.sql, keep=2)]
    return [_judge(parameters.expect, answer)]


def _judge(expect: Expectation, answer: Answer) -> Finding:
    holds = expect.met_by(answer)
    observed = expect.observed(answer)
    if holds:
        code, sentence = "query.as_expected", f"The query answers as expected: {observed}."
    elif expect.rows is not None:
        code, sentence = "query.rows", f"The query returned {observed}, where {expect} should be."
    elif not is_single(answer):
        code, sentence = "query.no_value", f"The query returned {observed}, where one value should be."
    else:
        code, sentence = "query.value", f"The query returned {observed}, where {expect} should be."
    return Finding(code, holds, sentence, str(expect), observed, evidence=_evidence(answer))


def _evidence(answer: Answer) -> tuple[Mapping[str, int | str], ...]:
    return ({"rows": answer.row_count, "columns": ", ".join(answer.columns)},) if answer.row_count else ()


CODES: Mapping[str, Code] = {
    "query.as_expected": Code("The query answered as the page expects."),
    "query.rows": Code(
        "The query returned another number of rows than the page expects; most often, rows where there should be none.",
        "Each row is one case that breaks the rule the query is about. The report never shows them.",
        "Run the query from the page in psql to see the rows, correct the data, and then what let them in: a missing "
        "constraint, as a rule.",
    ),
    "query.value": Code(
        "The query returned one value, and the comparison with the page's does not hold.",
        "The page says what is normal here, and this is not; or the two are of different types, a text and a number.",
        "Run the query in psql. If the world has changed, change the page; else find out what changed the value.",
    ),
    "query.no_value": Code(
        "One value was expected, and the query returned no row, several rows, several columns or NULL.",
        "`max()` of an empty table is NULL: a check that took this for a value would hold when all data is lost.",
        "Select one column, aggregate to one row, and say with `coalesce` what an empty table should count as.",
    ),
}

CHECK = Check(
    kind="query",
    claim="The query answers as the page expects.",
    manual="https://www.postgresql.org/docs/current/sql-select.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="SELECT on what the query reads.",
    engines=frozenset({POSTGRESQL, SQLITE}),
)
