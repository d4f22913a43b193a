"""Why no session could be opened, as a documented code and one sentence.

The SQLSTATE decides where the server gave one; where it could not, libpq's own wording does: see
`checks.targets.wordings`. `checks.targets.causes` holds the sentences, and `checks.targets.hints` what a person would
think of beside them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from checks.errors import ConnectionFailed
from checks.secrets import mask
from checks.targets.causes import CAUSES, code_of
from checks.targets.hints import hint_on
from checks.targets.session import Endpoint
from checks.targets.wordings import cause_of, deciding, file_in

ANOTHER_ADDRESS_MAY_DO = frozenset({f"connectivity.{why}" for why in ("refused", "timeout", "silent", "unreachable")})

# What psycopg and libpq put before the words themselves; of a peer that said nothing libpq writes that much alone.
_WHO_SPEAKS = re.compile(r"^(connection (failed|is bad): )?(connection to server .*? failed:( FATAL:)?(\s+|$))?")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One failed try to connect: libpq's words, the server's SQLSTATE where it gave one, and what was used.

    `cause` is what whoever tried knows without any words, such as `timeout`.
    """

    message: str = ""
    sqlstate: str = ""
    cause: str = ""
    address: str = ""
    user: str = ""
    database: str = ""
    host: str = ""
    port: str = ""


def diagnose(attempt: Attempt, endpoint: Endpoint) -> ConnectionFailed:
    """The failure an attempt amounts to: where, as whom, what went wrong in the server's own words, and what to do."""
    cause = attempt.cause or cause_of(attempt.message, attempt.sqlstate, tried_tls=tries_tls(endpoint))
    facts = {
        "at": f" at {_where(attempt, endpoint)}",
        "user": attempt.user or endpoint.user or "",
        "database": attempt.database or endpoint.database or "",
        "file": file_in(attempt.message),
    }
    words = _words(attempt.message, cause)
    said = f" The message was: {words}." if words else ""
    row = CAUSES[cause]
    return ConnectionFailed(
        mask(f"{sentence_of(cause, facts)}.{said}"),
        code=code_of(cause),
        hint=mask(hint_on(cause, endpoint)),
        expected=row.expected,
    )


def sentence_of(cause: str, facts: Mapping[str, str]) -> str:
    """How the sentence on a cause begins, without its full stop; `at`, `user`, `database` and `file` may be empty."""
    named = {key: f" `{facts[key]}`" if facts.get(key) else "" for key in ("user", "database", "file")}
    return CAUSES[cause].sentence.format(at=facts.get("at", ""), **named)


def tries_tls(endpoint: Endpoint) -> bool:
    """Whether a client of this endpoint asks for TLS before anything else, as `sslmode=prefer` does."""
    mode = endpoint.options.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer"
    return not endpoint.is_socket and mode not in {"disable", "allow"}


def _where(attempt: Attempt, endpoint: Endpoint) -> str:
    host, port = attempt.host or endpoint.host, attempt.port or endpoint.port or 5432
    if not host:
        return "the default address"
    if host.startswith("/"):
        return f"socket folder {host}, port {port}"
    address = f" ({attempt.address})" if attempt.address and attempt.address != host else ""
    return f"host {host}{address}, port {port}"


def _words(message: str, cause: str) -> str:
    """libpq joins what each of several tries met: what told the cause, else the last, which ended it."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("Is the server running", "HINT:", "DETAIL:"))]
    line = deciding(said, cause) or (said[-1] if said else "")
    return _WHO_SPEAKS.sub("", line).rstrip(".")
