"""Why no session could be opened, as a documented code and one sentence.

The SQLSTATE decides where the server gave one; where it could not, libpq's own wording does. `checks.targets.causes`
holds the tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.errors import ConnectionFailed
from checks.secrets import mask
from checks.targets.causes import BY_SQLSTATE, BY_WORDING, CAUSES
from checks.targets.session import Endpoint

ANOTHER_ADDRESS_MAY_DO = frozenset({f"connectivity.{why}" for why in ("refused", "timeout", "unreachable")})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One failed try to connect: libpq's words, the server's SQLSTATE where it gave one, and what was used."""

    message: str = ""
    sqlstate: str = ""
    timed_out: bool = False
    address: str = ""
    user: str = ""
    database: str = ""
    host: str = ""
    port: str = ""


def diagnose(attempt: Attempt, endpoint: Endpoint) -> ConnectionFailed:
    """The failure an attempt amounts to: where, as whom, what went wrong in the server's own words, and what to do."""
    cause = _cause(attempt)
    beginning, hint = CAUSES[cause]
    facts = {
        "where": _where(attempt, endpoint),
        "user": attempt.user or endpoint.user or "",
        "database": attempt.database or endpoint.database or "",
    }
    words = _last_line(attempt.message)
    sentence = beginning.format(**facts)
    said = f" The message was: {words}." if words else ""
    return ConnectionFailed(mask(f"{sentence}.{said}"), code=f"connectivity.{cause}", hint=hint)


def _cause(attempt: Attempt) -> str:
    if attempt.timed_out:
        return "timeout"
    by_wording = next((cause for wording, cause in BY_WORDING if re.search(wording, attempt.message, re.DOTALL)), "")
    by_sqlstate = BY_SQLSTATE.get(attempt.sqlstate, "")
    # 28000 is several things at once, which only the wording tells apart: no entry, no such role, TLS required.
    if attempt.sqlstate in {"", "28000", "57P03"}:
        return by_wording or by_sqlstate or "failed"
    return by_sqlstate or by_wording or "failed"


def _where(attempt: Attempt, endpoint: Endpoint) -> str:
    host, port = attempt.host or endpoint.host, attempt.port or endpoint.port or 5432
    if not host:
        return "the default address"
    if host.startswith("/"):
        return f"socket folder {host}, port {port}"
    address = f" ({attempt.address})" if attempt.address and attempt.address != host else ""
    return f"host {host}{address}, port {port}"


def _last_line(message: str) -> str:
    """libpq joins what each of several tries met; the last is the one that ended it."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("Is the server running", "HINT:", "DETAIL:"))]
    return re.sub(r"^connection to server .*? failed: (FATAL:\s+)?", "", said[-1]).rstrip(".") if said else ""
