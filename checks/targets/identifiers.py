"""Names as SQL reads them back, for statements that people are to run.

https://www.postgresql.org/docs/current/sql-keywords-appendix.html
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
# Words that are read as something else where a name is expected.
_WORDS = (
    "all analyse analyze and any array as asc asymmetric authorization both case cast check collate collation column "
    "concurrently constraint create cross current_catalog current_date current_role current_schema current_time "
    "current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze "
    "from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like "
    "limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary "
    "references returning right select session_user similar some symmetric system_user table tablesample then to "
    "trailing true union unique user using variadic verbose when where window with"
)
_RESERVED = frozenset(_WORDS.split())


def quoted(name: str) -> str:
    """`name` as SQL reads it back: plain where it can stand so, else in double quotes."""
    return name if _PLAIN.fullmatch(name) and name not in _RESERVED else '"' + name.replace('"', '""') + '"'
