"""What is written can be read back, and is still there for the next connection.

The shortest proof that an application could work here: its own statements create something, read it, and read it again
over a new connection, so that nothing only a transaction knew counts. It writes, and so runs on disposable databases
only; nothing overrides that.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.expectation import Comparison, Expectation
from checks.catalog.names import plural
from checks.check import POSTGRESQL, SQLITE, Answer, Asking, Check, Code, Effect, Finding, Query
from checks.errors import NotApplicable, QueryFailed
from checks.runbook.model import REFUSE_UNKNOWN_KEYS

EXAMPLE = """\
smoke:
  write:
    - INSERT INTO accounts (id, type) VALUES ('acc_smoke', 'depository')
    - INSERT INTO balances (account_id, ledger) VALUES ('acc_smoke', 12.50)
  read: SELECT ledger FROM balances WHERE account_id = 'acc_smoke'
  expect: {value: 12.5}
  cleanup:
    - DELETE FROM balances WHERE account_id = 'acc_smoke'
    - DELETE FROM accounts WHERE id = 'acc_smoke'"""

SOME_ROWS = Expectation(rows=Comparison(ge=1))
Round = Generator[Sequence[Query], Sequence[Answer], QueryFailed | None]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Statements that write, one query that reads back what they wrote, and statements that take it away again."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    write: tuple[str, ...] = field(
        metadata={"description": "Statements run one after another, each committed.", "min_length": 1}
    )
    read: str = field(metadata={"description": "One query that finds what was written."})
    expect: Expectation = field(
        default=SOME_ROWS, metadata={"description": "What the query answers, as in `query`: by default, some row."}
    )
    cleanup: tuple[str, ...] = field(
        default=(), metadata={"description": "Statements run at the end, also when something failed."}
    )

    def __post_init__(self) -> None:
        if not all(sql.strip() for sql in (*self.write, self.read, *self.cleanup)):
            raise ValueError("one of the statements is empty")


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """Write, read, read over a new connection, clean up. Raises NotApplicable on a database that is not disposable."""
    if not circumstances.disposable:
        raise NotApplicable("it writes, and writes are only ever made to disposable servers")
    findings = yield from _prove(parameters)
    for number, sql in enumerate(parameters.cleanup, start=1):
        refusal = yield from _run(sql)
        if refusal is not None:
            sentence = f"Clean-up statement {number} of {len(parameters.cleanup)} was refused: {refusal.sentence}"
            findings.append(Finding("smoke.cleanup_failed", False, sentence, "done", refusal.sqlstate))
    return findings


def _prove(parameters: Parameters) -> Asking:
    count = len(parameters.write)
    for number, sql in enumerate(parameters.write, start=1):
        refusal = yield from _run(sql)
        if refusal is not None:
            sentence = f"Statement {number} of {count} was refused: {refusal.sentence}"
            return [Finding("smoke.write_refused", False, sentence, plural(count, "statement"), f"{number - 1} done")]
    expect = parameters.expect
    for fresh, code, when in (
        (False, "smoke.not_read_back", "at once"),
        (True, "smoke.not_persisted", "over a new connection"),
    ):
        [answer] = yield [Query(parameters.read, keep=2, fresh=fresh)]
        if not expect.met_by(answer):
            sentence = f"Read {when}, the query returned {expect.observed(answer)}, where {expect} should be."
            return [Finding(code, False, sentence, str(expect), expect.observed(answer))]
    sentence = f"{plural(count, 'statement')} written, read back at once and over a new connection."
    return [Finding("smoke.persisted", True, sentence, str(expect), expect.observed(answer))]


def _run(sql: str) -> Round:
    [answer] = yield [Query(sql, keep=0)]
    return answer.error


CODES: Mapping[str, Code] = {
    "smoke.persisted": Code("What was written was read back at once, and again over a new connection."),
    "smoke.write_refused": Code(
        "The server refused one of the statements that write.",
        "The application's own writes would be refused in the same way.",
        "The sentence repeats the server's reason: a missing table or column wants a migration, a violated constraint "
        "other values, a missing privilege a GRANT.",
    ),
    "smoke.not_read_back": Code(
        "Everything was written, and the query that should find it did not answer as expected.",
        "A trigger, a rule, row-level security or a wrong schema changes what is stored or seen.",
        "Run the statements in psql, one by one, and look at the table with `\\d+` for triggers, rules and policies.",
    ),
    "smoke.not_persisted": Code(
        "What was written was seen by its own connection, and not by the next.",
        "The data was in a temporary table, in a transaction that was never committed, or visible to one session.",
        "Look for `CREATE TEMPORARY TABLE`, a `search_path` set in the session, and policies that depend on it.",
    ),
    "smoke.cleanup_failed": Code(
        "A statement that should take the traces away was refused.",
        "The next run on the same database begins with them, and may be refused as a duplicate.",
        "Correct the statement; delete what refers to a row before the row.",
    ),
}

CHECK = Check(
    kind="smoke",
    claim="What is written can be read back, and persists.",
    manual="https://www.postgresql.org/docs/current/tutorial-transactions.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="Whatever the statements need.",
    effect=Effect.CHANGE,
    engines=frozenset({POSTGRESQL, SQLITE}),
    alone=True,
)
