"""What the server says when it refuses a query, as one sentence and a documented code.

Codes follow SQLSTATE, which every language and version of the server shares:
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re

from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

from checks.errors import QueryFailed
from checks.secrets import mask

DEFAULT_CODE = "run.query_failed"

# SQLSTATE: (code, how the sentence begins, hint)
_BY_SQLSTATE = {
    "42501": (
        "run.not_permitted",
        "The role `{user}` is not permitted to run this query",
        "Grant the role what the check needs; `GRANT pg_monitor TO …` covers the statistics views.",
    ),
    "57014": (
        "run.timeout",
        "The server ended the query",
        "Give the check a longer `timeout`, or look for what it waits for in pg_stat_activity.",
    ),
    "55P03": (
        "run.lock_timeout",
        "Another session holds a lock the query needs",
        "Look in pg_locks for who holds it; pgrunbook never queues behind the application's locks for long.",
    ),
    "25006": (
        "run.read_only",
        "The query writes, and this session only reads",
        "Take the write out of the query: checks of a live database observe only.",
    ),
    "42P01": ("run.relation_missing", "The query names a table or view that is not there", ""),
    "3F000": ("run.relation_missing", "The query names a schema that is not there", ""),
    "42703": ("run.column_missing", "The query names a column that is not there", ""),
    "42883": ("run.function_missing", "The query calls a function or operator that is not there", ""),
    "42601": (
        "run.syntax",
        "The server cannot read the query",
        "A query is exactly one statement; try it with psql.",
    ),
}
_QUERY_REFUSED = "The server refused the query"

# Class 22 messages quote the value they choke on, which may be a cell of someone's table.
_QUOTED_VALUE = re.compile(r'"[^"]*"')


def query_failed(result: PGresult, sql: str, user: str) -> QueryFailed:
    """The server's error `result` to `sql`, run by role `user`, with the place in the text where there is one."""
    sqlstate = _field(result, DiagnosticField.SQLSTATE)
    code, beginning, hint = _BY_SQLSTATE.get(sqlstate, (DEFAULT_CODE, _QUERY_REFUSED, ""))
    message = _field(result, DiagnosticField.MESSAGE_PRIMARY)
    if sqlstate.startswith("22"):
        message = _QUOTED_VALUE.sub('"…"', message)
    place = _place(sql, _field(result, DiagnosticField.STATEMENT_POSITION))
    where = f" (line {place[0]}, column {place[1]} of the query)" if place else ""
    sentence = f"{beginning.format(user=user)}: {message}{where} (SQLSTATE {sqlstate})."
    hint = hint or _field(result, DiagnosticField.MESSAGE_HINT)
    return QueryFailed(mask(sentence), sqlstate=sqlstate, code=code, hint=mask(hint), place=place)


def _field(result: PGresult, field: DiagnosticField) -> str:
    return (result.error_field(field) or b"").decode("utf-8", "replace")


def _place(sql: str, position: str) -> tuple[int, int] | None:
    """The server counts characters from 1 over the whole text; people count lines and columns."""
    if not position:
        return None
    before = sql[: int(position) - 1]
    return before.count("\n") + 1, len(before) - before.rfind("\n")
