"""Every secret this process has seen, so that no output can show one.

Masking is by value: whatever path a password takes to a message, a log or a report, it is gone when it gets there.
"""

from __future__ import annotations

from urllib.parse import quote, quote_plus, unquote

MASK = "****"
SHORTEST_SECRET = 3  # masking one or two letters would shred every sentence, and hide nothing

_known: set[str] = set()


def remember(secret: str | None) -> None:
    """Mask `secret` from now on, in the forms it takes in URLs too."""
    if secret and len(secret) >= SHORTEST_SECRET:
        _known.update({secret, quote(secret, safe=""), quote_plus(secret), unquote(secret)})


def mask(text: str) -> str:
    """`text` with every known secret replaced by `****`, longest first so that no tail is left."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
