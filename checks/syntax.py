"""Have a server parse every query of a page: PREPARE checks syntax, names and types, and executes nothing.

https://www.postgresql.org/docs/current/sql-prepare.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from checks.check import Query
from checks.errors import Mistake
from checks.prepare import prepare, server_for
from checks.runbook.model import CheckEntry, Runbook

PATIENCE = 10.0
FEW = 10  # fixtures are loaded only because a migrated database without them is not what the page speaks of


def mistakes_of(runbook: Runbook, postgres_bin: str) -> list[Mistake]:
    """One mistake for each query the server refuses to prepare, on a disposable database with the page's migrations.

    Raises TargetFailed when no server can be had, CouldNotTell when the migrations cannot be applied.
    """
    statements = [(entry, sql) for entry in runbook.entries() for sql in _statements(entry)]
    if not statements:
        return []
    with closing(server_for(runbook, postgres_bin)) as target:
        prepared = prepare(runbook, target, rows=FEW)
        if prepared.shortfall is not None:
            raise prepared.shortfall
        with closing(target.open()) as session:
            queries = [Query(f"PREPARE statement_{number} AS {sql}") for number, (_, sql) in enumerate(statements)]
            answers = session.ask(queries, patience=PATIENCE)
    return [
        Mistake(str(runbook.path), entry.line, 1, f"check `{entry.name}`: {answer.error.sentence}", answer.error.hint)
        for (entry, _), answer in zip(statements, answers, strict=True)
        if answer.error is not None
    ]


def _statements(entry: CheckEntry) -> Iterator[str]:
    for name in ("sql", "write", "read", "cleanup"):
        value = getattr(entry.params, name, ())
        yield from [value] if isinstance(value, str) else value
