"""Finds literal passwords in text. A runbook is read by many and kept for ever; a password in it is no secret any more.

Placeholders are not passwords: a page may well show `postgresql://user:PASSWORD@host/db`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from checks.secrets import remember

HINT = "name an environment variable, such as ${DATABASE_URL}, or a placeholder such as PASSWORD"

_IN_URL = re.compile(r"://(?P<user>[^\s/?#:@]*):(?P<secret>[^\s/?#]*)@")
_QUOTED_OR_WORD = r"""(?:"(?P<a>[^"\n]*)"|'(?P<b>[^'\n]*)'|(?P<c>[^\s&;,"'`|)]+))"""
_ASSIGNED = re.compile(rf"(?:password|passwd|passphrase)=(?:{_QUOTED_OR_WORD})", re.IGNORECASE)
_IN_SQL = re.compile(r"\bpassword\s+'(?P<a>[^'\n]*)'", re.IGNORECASE)

_MARKS_OF_A_PLACEHOLDER = re.compile(r"[<>{}…\[\]]|\$[A-Za-z_({]|\A\$\d|\A%|\*\*|\.\.\.")
_WORDS_OF_A_PLACEHOLDER = re.compile(
    r"""((your|my|the|new|old|db|database|postgres|pg|user|admin|root|super|some|a|an|example|test)[-_ ]?)?
        (password|passwd|passphrase|pass|pw|pwd|secret|token|changeme|change[-_ ]?me|example|redacted|masked|hidden)
        ([-_ ]?(here|goes[-_ ]here|value))?(:\w+)?""",
    re.IGNORECASE | re.VERBOSE,
)
_FALLBACK = re.compile(r"\$\{\w+:?[-=](?P<literal>[^}${]*)\}")


class Literal(NamedTuple):
    """A literal password at `start` of the text searched; where it stands is said, what it is never."""

    start: int
    what: str


def literals(text: str) -> Iterator[Literal]:
    """Every literal password in `text`, each remembered as a secret before it is told of."""
    for match in _IN_URL.finditer(text):
        if _is_literal(match["secret"]):
            # A password that is the user's own name stands there for all to see; hiding it would shred every message.
            remember(match["secret"] if match["secret"] != match["user"] else None)
            yield Literal(match.start("secret"), "a URL with a literal password")
    for pattern, what in ((_ASSIGNED, "a literal password"), (_IN_SQL, "SQL with a literal password")):
        for match in pattern.finditer(text):
            group = str(match.lastgroup)
            if _is_literal(match[group]):
                remember(match[group])
                yield Literal(match.start(group), what)


def is_password_key(key: str) -> bool:
    """Whether a key of this name would hold a secret."""
    return re.fullmatch(r"(\w*[-_])?(password|passwd|passphrase|secret|token)", key, re.IGNORECASE) is not None


def _is_literal(secret: str) -> bool:
    fallback = _FALLBACK.fullmatch(secret)
    if fallback:
        return _is_literal(fallback["literal"])
    return not (
        not secret.strip("*xX.•-_")
        or _MARKS_OF_A_PLACEHOLDER.search(secret)
        or _WORDS_OF_A_PLACEHOLDER.fullmatch(secret)
        or re.fullmatch(r"[A-Z_]*(PASS|PWD|SECRET|TOKEN|YOUR|CHANGE)[A-Z_]*", secret)
    )
