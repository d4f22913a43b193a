"""How the cause of a failed connection is told: by SQLSTATE where there is one, else by the words of whoever spoke.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

BY_SQLSTATE = {
    "25P03": "lost",
    "25P04": "lost",
    "28000": "not_in_hba",
    "28P01": "password_rejected",
    "3D000": "database_missing",
    "42501": "not_permitted",
    "53300": "too_many_connections",
    "55000": "not_permitted",
    "57P01": "lost",
    "57P02": "lost",
    "57P03": "starting_up",
    "57P05": "lost",
}
CONNECTION_CLASS = "08"  # connection exceptions; poolers use 08P01 for everything they refuse

# One SQLSTATE for several causes, which only the words tell apart: 28000 is no entry, no such role and TLS required.
_SEVERAL = frozenset({"", "0A000", "28000", "53300", "57P03"})

# Looked through from the top. The first column is what a server in English, libpq, OpenSSL, a pooler, asyncpg or the
# system says. Those of one server's answer stand before those of the way to it.
BY_WORDING: tuple[tuple[str, str], ...] = (
    (r"QueuePool limit|couldn't get a connection after|pool .*exhausted", "pool_exhausted"),
    (r"no password supplied|empty password returned|password is required|no password was provided", "password_missing"),
    (r"password authentication failed|authentication failed for user", "password_rejected"),
    (r"role \".*\" (does not exist|is not permitted to log in)|no such user", "role_missing"),
    (r"host \"\[local\]\"[^\n]*, no encryption", "not_in_hba"),
    (r"pg_hba\.conf[^\n]*, SSL encryption", "not_in_hba"),
    (r"pg_hba\.conf[^\n]*, no encryption", "tls_required"),
    (r"no pg_hba\.conf entry|pg_hba\.conf rejects", "not_in_hba"),
    (r"connection is insecure|SSL connection is required|SSL/TLS required|\bSSL required", "tls_required"),
    (r"server does not support SSL|rejected SSL upgrade", "tls_not_offered"),
    (r"certificate has expired|certificate is not yet valid|certificate expired", "certificate_expired"),
    (
        r"server certificate for .* does not match host name|[Hh]ost ?name mismatch|IP address mismatch",
        "certificate_host",
    ),
    (r"certificate verify failed|self.signed certificate|unable to get (local )?issuer", "certificate_unknown"),
    (
        r"root certificate file .* (does not exist|could not)|could not read root certificate",
        "root_certificate_missing",
    ),
    (r"home directory to locate root certificate file", "root_certificate_missing"),
    (r"database \".*\" does not exist|no such database", "database_missing"),
    (r"remaining connection slots", "only_reserved_slots"),
    (r"too many (clients|connections)|no more connections allowed", "too_many_connections"),
    (r"shutting down", "shutting_down"),
    (r"starting up", "starting_up"),
    (r"not yet accepting connections|in recovery mode|system is not accepting connections", "in_recovery"),
    (r"permission denied for database|not currently accepting connections", "not_permitted"),
    (r"server only supports protocol|unsupported frontend protocol|older than the oldest major", "too_old"),
    (
        r"failed: (server|session) is (not )?(in hot standby mode|read-only)|target attribute requirement",
        "another_kind",
    ),
    (
        r"could not translate host name|failed to resolve host|could not look up|Name or service not known|getaddrinfo",
        "host_not_found",
    ),
    (r"Connection refused|Connect call failed|No such file or directory", "refused"),
    (r"timeout expired|timed out|Resource temporarily unavailable", "timeout"),
    (r"No route to host|[Nn]etwork is unreachable|Permission denied|Cannot assign requested address", "unreachable"),
    (r"invalid (sslmode|port|integer|connection option|value|[a-z_]+ value)|service file|must be", "misconfigured"),
    (r"invalid (\"[a-z_]+\" value|SSL protocol version range)|\"min_protocol_version\" is greater", "misconfigured"),
    (r"closed the connection|invalid response|[Cc]onnection (reset|(is|was) closed|lost)|unexpected(ly)?|EOF", "lost"),
    (r"[Cc]onsuming input failed|no connection to the server|[Bb]roken pipe|the connection is (closed|lost)", "lost"),
    (r"unsupported protocol|no protocols available|handshake failure|alert protocol version", "tls_failed"),
)


def is_of_connection(sqlstate: str, message: str = "") -> bool:
    """Whether an error of that SQLSTATE ends or forbids a session, and is not about one query."""
    if sqlstate in {"42501", "55000", "0A000"}:
        return _by_wording(message) in {"not_permitted", "too_old"}
    return sqlstate.startswith(CONNECTION_CLASS) or sqlstate in BY_SQLSTATE


def cause_of(message: str, sqlstate: str = "", *, tried_tls: bool = False) -> str:
    """The name of the cause, a key of `checks.targets.causes.CAUSES`; `failed` where nothing tells it.

    `tried_tls` says that the client asked for TLS first: a server that then speaks of `no encryption` offers none.
    """
    by_wording, by_sqlstate = _by_wording(message), BY_SQLSTATE.get(sqlstate, "")
    if by_wording == "tls_required" and tried_tls and "pg_hba.conf" in message:
        by_wording = "not_in_hba"
    if sqlstate.startswith(CONNECTION_CLASS):
        return by_wording or "lost"
    if sqlstate in _SEVERAL:
        return by_wording or by_sqlstate or "failed"
    return by_sqlstate or by_wording or "failed"


def file_in(message: str) -> str:
    """The file of certificates that the words name; empty where they name none."""
    found = re.search(r'root certificate file "([^"\n]+)"', message)
    return found[1] if found else ""


def deciding(lines: Sequence[str], cause: str) -> str:
    """The last line of those whose wording tells `cause`; empty where none does, as in another language.

    With `sslmode=prefer` libpq tries again without TLS what failed with it, and its last line is about that alone.
    """
    told_by = (wording for wording, of in BY_WORDING if of == cause)
    by_rank = ([line for line in lines if re.search(wording, line)] for wording in told_by)
    return next((telling[-1] for telling in by_rank if telling), "")


def _by_wording(message: str) -> str:
    # Compiled when first needed, since most runs need none of them.
    return next((cause for wording, cause in BY_WORDING if re.search(wording, message, re.DOTALL)), "")
