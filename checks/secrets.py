"""Every secret this process has seen, so that no output can show one.

Masking is by value: whatever path a password takes to a message, a log or a report, it is gone when it gets there.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from types import TracebackType
from urllib.parse import quote, quote_plus, unquote

MASK = "****"
SHORTEST_SECRET = 3  # masking one or two letters would shred every sentence, and hide nothing

_known: set[str] = set()


def remember(secret: str | None) -> None:
    """Mask `secret` from now on, in the forms it takes in URLs, tracebacks and libpq's own words too."""
    if secret and len(secret) >= SHORTEST_SECRET:
        _known.update(form for form in _forms(secret) if len(form) >= SHORTEST_SECRET)


def mask(text: str) -> str:
    """`text` with every known secret replaced by `****`, longest first so that no tail is left."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def mask_bugs() -> None:
    """Mask what Python itself writes to stderr: exceptions that nobody caught, in any thread, and libraries' logs."""
    import logging

    class Masked(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return mask(super().format(record))

    sys.excepthook = _write_masked
    threading.excepthook = lambda bug: _write_masked(bug.exc_type, bug.exc_value, bug.exc_traceback)
    sys.unraisablehook = lambda bug: _write_masked(bug.exc_type, bug.exc_value, bug.exc_traceback)
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Masked())


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="", errors="surrogatepass")
    yield quote_plus(secret, errors="surrogatepass")
    yield unquote(secret)
    yield repr(secret)[1:-1]
    yield repr(f"{secret}'\"")[1:-4]  # as in the repr of a longer text, where both quotation marks stand
    yield ascii(secret)[1:-1]
    yield repr(secret.encode(errors="surrogatepass"))[2:-1]
    yield secret.replace("\\", "\\\\").replace("'", "\\'")  # libpq's key words
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]


def _write_masked(kind: type[BaseException] | None, bug: BaseException | None, where: TracebackType | None) -> None:
    import traceback

    sys.stderr.write(mask("".join(traceback.format_exception(kind, bug, where))))
