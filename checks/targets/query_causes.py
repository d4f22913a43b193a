"""What a refused query is called, by SQLSTATE, which every language and version of the server shares.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Refusal(NamedTuple):
    """A documented code, how the sentence begins (`{user}`: a name after a space, or nothing), and what to do."""

    code: str
    beginning: str
    hint: str


UNKNOWN = Refusal("run.query_failed", "The server refused the query", "")

_IN_RECOVERY = Refusal(
    "run.in_recovery",
    "The server is a standby, which cannot do this",
    "Ask the primary; for a query that replay cancelled, look at `max_standby_streaming_delay` and "
    "`hot_standby_feedback`.",
)

NOT_PERMITTED = "42501"

BY_SQLSTATE = {
    NOT_PERMITTED: Refusal(
        "run.not_permitted",
        "The role{user} is not permitted to run this query",
        "Grant the role what the check needs; `GRANT pg_monitor TO …` covers the statistics views.",
    ),
    "57014": Refusal(
        "run.timeout",
        "The server ended the query",
        "Give the check a longer `timeout`, or look for what it waits for in pg_stat_activity.",
    ),
    "55P03": Refusal(
        "run.lock_timeout",
        "Another session holds a lock the query needs",
        "Look in pg_locks for who holds it; pgrunbook never queues behind the application's locks for long.",
    ),
    "25006": Refusal(
        "run.read_only",
        "The query writes, and this session only reads",
        "Take the write out of the query: checks of a live database observe only.",
    ),
    "42P01": Refusal("run.relation_missing", "The query names a table or view that is not there", ""),
    "3F000": Refusal("run.relation_missing", "The query names a schema that is not there", ""),
    "42703": Refusal("run.column_missing", "The query names a column that is not there", ""),
    "42883": Refusal("run.function_missing", "The query calls a function or operator that is not there", ""),
    "42601": Refusal(
        "run.syntax",
        "The server cannot read the query",
        "A query is exactly one statement; try it with psql.",
    ),
}

# Where one SQLSTATE stands for several things, an English server's words tell those apart that are not the usual one.
BY_WORDING = (
    (
        "57014",
        r"user request",
        Refusal(
            "run.canceled",
            "Somebody ended the query",
            "Look in the server's log for who called pg_cancel_backend, or ask whether a client gave up.",
        ),
    ),
    ("25006", r"during recovery", _IN_RECOVERY),
    ("40001", r"conflict with recovery", _IN_RECOVERY),
    ("55000", r"recovery is in progress|during recovery", _IN_RECOVERY),
)


def refusal_for(sqlstate: str, message: str) -> Refusal:
    """What to say of a query the server refused so."""
    special = (refusal for state, words, refusal in BY_WORDING if state == sqlstate and re.search(words, message))
    return next(special, None) or BY_SQLSTATE.get(sqlstate, UNKNOWN)


# Class 22 messages quote the value they choke on, which may be a cell of someone's table.
_QUOTED_VALUE = r'"[^"]*"'


def without_values(sqlstate: str, message: str) -> str:
    """The server's message with no value in it that may be a cell of a table."""
    return re.sub(_QUOTED_VALUE, '"…"', message) if sqlstate.startswith("22") else message
