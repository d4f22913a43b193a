"""Which statements a session will send at all, told by their first word.

A read-only transaction still lets a superuser run `COPY … TO PROGRAM`, `DO`, `VACUUM` or `COMMIT`; and a COPY to the
client breaks the flight it is part of. So a read-only session sends only what asks.
https://www.postgresql.org/docs/current/sql-set-transaction.html
"""

from __future__ import annotations

import re

from checks.errors import QueryFailed
from checks.targets.side_effects import side_effect

ASKING_WORDS = ("EXPLAIN", "SELECT", "SHOW", "TABLE", "VALUES", "WITH")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_WORD = re.compile(r"[A-Za-z]+")


def refused_unsent(sql: str, *, writable: bool) -> QueryFailed | None:
    """Why `sql` is not sent, or None when it is."""
    word = first_word(sql)
    if not word:
        return QueryFailed(
            "The query is empty: it holds nothing but comments and white space.", sqlstate="42601", code="run.syntax"
        )
    if word == "COPY":
        return QueryFailed(
            "The query is a COPY, which is no question.",
            sqlstate="0A000",
            code="run.not_a_query",
            hint="Write a SELECT, or INSERT the rows of a fixture.",
        )
    if writable:
        return None
    called = side_effect(sql)
    if called:
        return QueryFailed(
            f"The query calls {called}, which does more than read, and this session only asks.",
            sqlstate="25006",
            code="run.read_only",
            hint="Take the call out of the check; in the page's prose, as something for a person to run, it may stand.",
        )
    if word in ASKING_WORDS:
        return None
    return QueryFailed(
        f"The query begins with {word}, and this session only asks.",
        sqlstate="25006",
        code="run.read_only",
        hint=f"Begin it with {', '.join(ASKING_WORDS[:-1])} or {ASKING_WORDS[-1]}.",
    )


def first_word(sql: str) -> str:
    """The first word after white space, comments and opening brackets, in capitals; empty when there is none."""
    start = 0
    while start < len(sql):
        if sql[start].isspace() or sql[start] in "(;":
            start += 1
        elif sql.startswith("--", start):
            start = _after(sql.find("\n", start), 1, sql)
        elif sql.startswith("/*", start):
            start = _after_comment(sql, start)
        else:
            break
    word = _WORD.match(sql, start)
    return word[0].upper() if word else sql[start : start + 1]


def _after(found: int, length: int, sql: str) -> int:
    return len(sql) if found < 0 else found + length


def _after_comment(sql: str, start: int) -> int:
    """PostgreSQL's comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)
