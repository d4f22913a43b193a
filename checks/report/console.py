"""Writing to a terminal or a log: colour where it is wanted, and nothing that the reader's machine would obey.

https://no-color.org, https://force-color.org. On GitHub a line that starts with `::`, or holds `##[`, is a command to
the runner, so text from a database must never get to say either.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TextIO

from checks.report.clean import one_line
from checks.result import Status
from checks.secrets import mask
from checks.streams import hush

_RESET = "\x1b[0m"
_BOLD, _DIM, _RED, _GREEN, _YELLOW, _MAGENTA = (f"\x1b[{code}m" for code in ("1", "2", "31", "32", "33", "35"))
_COLOURS = {
    Status.PASSED: _GREEN,
    Status.WARNED: _YELLOW,
    Status.FAILED: _RED,
    Status.ERRORED: _MAGENTA,
    Status.SKIPPED: _DIM,
}
WIDEST_WORD = max(len(status) for status in Status)


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """NO_COLOR beats FORCE_COLOR beats TERM=dumb beats whether `stream` is a terminal."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in {"", "0", "false"}:
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def plain(text: str) -> str:
    """`text` on one line, masked, every character visible."""
    return one_line(mask(text))


def _harmless(line: str) -> str:
    start = line.lstrip()
    if start.startswith("::"):
        line = line.replace("::", ": :", 1)
    return line.replace("##[", "## [")


class Console:
    """One stream, written a line at a time from any thread."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self._colour = wants_colour(stream, environ)
        self._lock = threading.Lock()

    def line(self, text: str = "") -> None:
        """Write one line at once. What the stream's encoding cannot say is spelt out."""
        encoding = self._stream.encoding or "utf-8"
        sayable = _harmless(text).encode(encoding, "backslashreplace").decode(encoding)
        with self._lock:
            try:
                self._stream.write(f"{sayable.rstrip()}\n")
                self._stream.flush()
            except BrokenPipeError:
                # The reader went away (`| head`); the run goes on, for its report and its exit code.
                hush(self._stream)

    def status(self, status: Status) -> str:
        """The status word, as wide as the widest."""
        return self._painted(f"{status.upper():<{WIDEST_WORD}}", _COLOURS[status])

    def good(self, text: str) -> str:
        return self._painted(text, _BOLD + _GREEN)

    def doubtful(self, text: str) -> str:
        return self._painted(text, _BOLD + _YELLOW)

    def bad(self, text: str) -> str:
        return self._painted(text, _BOLD + _RED)

    def faint(self, text: str) -> str:
        return self._painted(text, _DIM)

    def _painted(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colour and text else text
