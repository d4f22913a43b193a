"""What newer minor releases keep with each column for themselves, and a pg_dump older than the server writes out.

Such a dump restores by hand only on a server as new: all others refuse each table (`unrecognized parameter`).
Nobody set these options, no data hangs on them, and a server that wants them makes its own; so they are left out.
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-ATTRIBUTE
"""

from __future__ import annotations

import re

LEFT_OUT = (
    "Its pg_dump was older than its server, and wrote out what the server keeps with columns for itself (pg_attver). "
    "Other servers refuse that, so it was left out here. By hand it restores only on a server as new: update pg_dump."
)
_SETTING = re.compile(
    rb"^(ALTER TABLE [^\n]* ALTER COLUMN [^\n]* SET \()([^()\n]*\bpg_attver=[^()\n]*)\);(\r?)$", re.MULTILINE
)


def has_internal(sql: bytes) -> bool:
    """Whether some whole lines of a dump's SQL set such an option."""
    return b"pg_attver=" in sql and _SETTING.search(sql) is not None


def without_internal(sql: bytes) -> bytes:
    """The lines without it. What else the same statement sets stays; one that sets nothing else becomes empty."""
    if b"pg_attver=" not in sql:
        return sql

    def kept(match: re.Match[bytes]) -> bytes:
        options = [one.strip() for one in match[2].split(b",")]
        others = [one for one in options if not one.startswith(b"pg_attver=")]
        return match[1] + b", ".join(others) + b");" + match[3] if others else match[3]

    return _SETTING.sub(kept, sql)
