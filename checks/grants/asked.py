"""What the checks of a page really ask, written down while a disposable server answers them.

So nothing has to be kept in step by hand: a kind that asks for more tomorrow gets more in tomorrow's script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.catalog.circumstances import Circumstances
from checks.check import POSTGRESQL, Answer, Asking, Check, Effect, Query
from checks.errors import CouldNotTell, PgrunbookError
from checks.runbook.model import CheckEntry, Runbook
from checks.targets.session import Session

PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Question:
    """One statement a check sends, and the check's name. `own` is whether the page wrote it, and not the catalog."""

    check: str
    sql: str
    own: bool


def observing(runbook: Runbook, catalog: Mapping[str, Check]) -> list[CheckEntry]:
    """The checks of the page that a live PostgreSQL is asked, whichever environment they are confined to."""
    return [entry for entry in runbook.entries() if _is_observe(catalog[entry.kind])]


def questions(
    entries: Sequence[CheckEntry], catalog: Mapping[str, Check], circumstances: Circumstances, session: Session
) -> list[Question]:
    """Every statement these checks send. One with a thread of its own talks to something else than a database."""
    asked = []
    for entry in entries:
        check = catalog[entry.kind]
        if not check.alone:
            sent = _sent(check.ask(entry.params, circumstances), session)
            asked += [Question(entry.name, sql, own=sql == getattr(entry.params, "sql", None)) for sql in sent]
    return asked


def _is_observe(check: Check) -> bool:
    return check.effect is Effect.OBSERVE and POSTGRESQL in check.engines


def _sent(asking: Asking, session: Session) -> Iterator[str]:
    """The statements of every round, the answers to which only serve to come to the next one."""
    answers: Sequence[Answer] | None = None
    while True:
        queries = _next_round(asking, answers)
        if not queries:
            return
        yield from (query.sql for query in queries)
        answers = session.ask(queries, patience=PATIENCE)
        if len(answers) < len(queries):
            raise CouldNotTell("The disposable server did not answer every question of the page in time.")


def _next_round(asking: Asking, answers: Sequence[Answer] | None) -> Sequence[Query]:
    try:
        return next(asking) if answers is None else asking.send(answers)
    except (StopIteration, PgrunbookError):
        return ()
