"""What the server says when it refuses a query, as one sentence and a documented code."""

from __future__ import annotations

from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

from checks.errors import QueryFailed
from checks.secrets import mask
from checks.targets.grant_missing import grant_missing
from checks.targets.query_causes import NOT_PERMITTED, refusal_for, without_values


def query_failed(result: PGresult, sql: str, user: str) -> QueryFailed:
    """The server's error `result` to `sql`, run by role `user`, with the place in the text where there is one."""
    sqlstate = _field(result, DiagnosticField.SQLSTATE)
    message = without_values(sqlstate, _field(result, DiagnosticField.MESSAGE_PRIMARY))
    code, beginning, hint = refusal_for(sqlstate, message)
    place = _place(sql, _field(result, DiagnosticField.STATEMENT_POSITION))
    where = f" (line {place[0]}, column {place[1]} of the query)" if place else ""
    sentence = f"{beginning.format(user=f' `{user}`')}: {message}{where} (SQLSTATE {sqlstate})."
    hint = hint or _field(result, DiagnosticField.MESSAGE_HINT)
    if sqlstate == NOT_PERMITTED:
        hint = _permitting(message, _field(result, DiagnosticField.MESSAGE_DETAIL), sql, user) or hint
    return QueryFailed(mask(sentence), sqlstate=sqlstate, code=code, hint=mask(hint), place=place)


def sqlstate_of(result: PGresult | None) -> str | None:
    """The SQLSTATE of a refusal; None where there was none."""
    return None if result is None else _field(result, DiagnosticField.SQLSTATE)


def _permitting(message: str, detail: str, sql: str, user: str) -> str:
    grant = grant_missing(message, detail, sql, user)
    return f"{grant} `invoke grants` prints all that a page's checks need." if grant else ""


def _field(result: PGresult, field: DiagnosticField) -> str:
    return (result.error_field(field) or b"").decode("utf-8", "replace")


def _place(sql: str, position: str) -> tuple[int, int] | None:
    """The server counts characters from 1 over the whole text; people count lines and columns."""
    if not position:
        return None
    before = sql[: int(position) - 1]
    return before.count("\n") + 1, len(before) - before.rfind("\n")
