"""Have a server parse every query of a page: PREPARE checks syntax, names and types, and executes nothing.

https://www.postgresql.org/docs/current/sql-prepare.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from checks.check import Query
from checks.errors import Mistake, QueryFailed
from checks.prepare import prepare, server_for
from checks.runbook.model import CheckEntry, Fence, Runbook

PATIENCE = 10.0
# The parameters that are queries of the page's own, by the kind that has them.
QUERIES = {"query": ("sql",), "smoke": ("write", "read", "cleanup"), "drill": ("marker",)}
FEW = 10  # rows; fixtures are loaded because a database without them is not what the page speaks of


@dataclass(frozen=True, slots=True)
class Statement:
    """One query of a page. `first_line` is the page's line its text begins at, or None inside a `yaml check`."""

    entry: CheckEntry
    sql: str
    first_line: int | None


def mistakes_of(runbook: Runbook, postgres_bin: str) -> list[Mistake]:
    """One mistake for each query the server refuses to prepare, on a disposable database with the page's migrations.

    Raises TargetFailed when no server can be had, CouldNotTell when the migrations cannot be applied.
    """
    statements = list(_statements(runbook))
    if not statements:
        return []
    with closing(server_for(runbook, postgres_bin)) as target:
        prepared = prepare(runbook, target, rows=FEW)
        if prepared.shortfall is not None:
            raise prepared.shortfall
        # Writable, because the queries of a smoke check write; PREPARE runs none of them.
        with closing(target.open(writable=True)) as session:
            queries = [Query(f"PREPARE statement_{number} AS\n{one.sql}") for number, one in enumerate(statements)]
            answers = session.ask(queries, patience=PATIENCE)
    return [
        _mistake(runbook, statement, answer.error)
        for statement, answer in zip(statements, answers, strict=True)
        if answer.error is not None
    ]


def _mistake(runbook: Runbook, statement: Statement, error: QueryFailed) -> Mistake:
    line, column = statement.entry.line, 1
    if error.place is not None and statement.first_line is not None:
        # The PREPARE before the query takes the first line of what the server saw.
        line, column = statement.first_line + error.place[0] - 2, error.place[1]
    sentence = error.sentence.partition(" (line ")[0]
    return Mistake(str(runbook.path), line, column, f"check `{statement.entry.name}`: {sentence}", error.hint)


def _statements(runbook: Runbook) -> Iterator[Statement]:
    fences = [part for section in runbook.sections for part in section.parts if isinstance(part, Fence)]
    for fence in fences:
        first_line = fence.line + 1 if fence.language == "sql" else None
        for entry in fence.checks:
            yield from (Statement(entry, sql, first_line) for sql in _queries(entry))


def _queries(entry: CheckEntry) -> Iterator[str]:
    for name in QUERIES.get(entry.kind, ()):
        value = getattr(entry.params, name) or ()
        yield from [value] if isinstance(value, str) else value
    yield from (one.sql for one in getattr(entry.params, "queries", {}).values())
