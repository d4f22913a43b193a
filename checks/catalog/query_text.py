"""A statement's text as it may stand in a report: without a value in it, whoever wrote it there.

pg_stat_statements replaces the constants of queries by `$1`, but not always: statements that define things keep theirs
(`ALTER ROLE … PASSWORD 'secret'`), and so does a query whose entry was dropped while it ran. Comments stay, too. So
nothing is taken on trust: whatever is not a name, a keyword or a sign is taken out again.
https://www.postgresql.org/docs/current/pgstatstatements.html
"""

from __future__ import annotations

import re

from checks.migrations.statements import statements

LONGEST = 200  # characters
QUERIES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "TABLE"})
_WORDS = re.compile(r"[A-Za-z]+")
# A name, a parameter or a quoted name is passed over; what is left of digits is a number, with all its letters.
_VALUE = re.compile(r"""("(?:[^"]|"")*"?|\$\d+|[^\W\d][\w$]*)|\d[\w.]*(?:[eE][+-]?\d+)?|(?:[bBxXnN]|[uU]&)?''""")
_PREFIXED = re.compile(r"""\b(?:[bBxXnN]|[uU]&)(?='')""")


def is_query(text: str) -> bool:
    """Whether it reads or writes rows, rather than defining or maintaining something."""
    return _first_words(_bare(text), 1) in QUERIES


def shown(text: str) -> str:
    """A query with `?` for each value in it, shortened; the first two words of anything else.

    A text that cannot be told apart with certainty ends there, with an ellipsis.
    """
    bare = _bare(text)
    if _first_words(bare, 1) not in QUERIES:
        return f"{_first_words(bare, 2)} …".lstrip()
    without = _VALUE.sub(lambda found: found[1] or "?", _PREFIXED.sub("", bare))
    return without if len(without) <= LONGEST else f"{without[: LONGEST - 1].rstrip()}…"


def _bare(text: str) -> str:
    """The first statement without comments, its strings emptied, up to the first backslash before it."""
    # Whether a backslash hides the quote after it depends on a setting of the session that ran the statement.
    certain, backslash, _ = text.partition("\\")
    first = next(iter(statements(certain)), None)
    return "" if first is None else f"{first.text} …" if backslash else first.text


def _first_words(text: str, count: int) -> str:
    words = text.lstrip("( ").split()[:count]
    return " ".join(found[0].upper() for word in words if (found := _WORDS.match(word)))
