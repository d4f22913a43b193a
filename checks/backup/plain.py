"""A plain dump on its way into psql: what it mentions is made before it gets there, and its end is looked for.

psql takes the end of its input within a COPY for the end of the rows, and says nothing. And since PostgreSQL's minor
releases of August 2025 a dump puts psql into restricted mode itself, with a key of its own:
https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMAND-RESTRICT. We use our own key, which no dump
can know, so its lines are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO

from checks.backup.faults import BackupFault
from checks.backup.internal import without_internal
from checks.backup.mentions import Mentions, mentions

PIECE = 2**20
_COPY = re.compile(rb"^COPY [^\n]* FROM stdin\b[^\n]*;\r?$", re.MULTILINE | re.IGNORECASE)
_RESTRICT = re.compile(rb"^\\(un)?restrict (\S+)\r?\n", re.MULTILINE)
_END_OF_ROWS = re.compile(rb"^\\\.\r?\n", re.MULTILINE)
_HEAD = b"-- PostgreSQL database"
_COMPLETE = re.compile(rb"^-- PostgreSQL database (?:cluster )?dump complete", re.MULTILINE)
_TAIL = 4096


class PlainStream:
    """A plain dump, read to its end into a client. `provide` is called with what is mentioned before that goes on."""

    def __init__(self, source: BinaryIO, sink: BinaryIO, provide: Callable[[Mentions], None]) -> None:
        self._source, self._sink, self._provide = source, sink, provide
        self._in_rows = False
        self._key = b""
        self._tail = b""
        self._head = b""

    def pass_on(self, name: str) -> None:
        """Everything, to the end. Raises BackupFault where the dump ends too soon, and BrokenPipeError.

        What is raised leaves the client without the end of its input: it is for the caller to kill it.
        """
        waiting = b""
        while piece := self._source.read(PIECE):
            self._head = self._head or piece[:_TAIL]
            block = waiting + piece
            cut = block.rfind(b"\n") + 1
            if not cut and self._in_rows:
                self._sink.write(block)  # a row longer than any piece
                waiting = b""
                continue
            self._whole_lines(block[:cut])
            waiting = block[cut:]
        self._whole_lines(waiting)
        self._require_end(name)
        self._sink.flush()

    def _whole_lines(self, block: bytes) -> None:
        """Some whole lines, or the last of all."""
        at = 0
        while at < len(block):
            at = self._rows(block, at) if self._in_rows else self._statements(block, at)
        if block:
            self._tail = (self._tail + block[-_TAIL:])[-_TAIL:]

    def _rows(self, block: bytes, at: int) -> int:
        end = _END_OF_ROWS.match(block, at) or _END_OF_ROWS.search(block, at)
        stop = end.end() if end else len(block)
        self._in_rows = end is None
        self._sink.write(memoryview(block)[at:stop])
        return stop

    def _statements(self, block: bytes, at: int) -> int:
        copy = _COPY.search(block, at)
        stop = block.find(b"\n", copy.start()) + 1 or len(block) if copy else len(block)
        self._in_rows = copy is not None
        text = block[at:stop]
        self._provide(mentions(text))
        self._sink.write(without_internal(self._without_keys(text)))
        return stop

    def _without_keys(self, text: bytes) -> bytes:
        """The text without the dump's own lines of restricted mode: the first that begins it, and what ends that."""
        if b"restrict " not in text:
            return text

        def taken(match: re.Match[bytes]) -> bytes:
            if not match[1] and not self._key:
                self._key = match[2]
                return b"\n"
            return b"\n" if match[1] and match[2] == self._key else match[0]

        return _RESTRICT.sub(taken, text)

    def _require_end(self, name: str) -> None:
        """A dump of pg_dump ends with a line that says so; rows that never end are no end either."""
        if self._in_rows:
            raise _cut_off(name, "within the rows of a table")
        if _HEAD in self._head and not _COMPLETE.search(self._tail):
            raise _cut_off(name, "before the line with which pg_dump ends every dump")


def _cut_off(name: str, where: str) -> BackupFault:
    return BackupFault(
        f"{name} ends {where}: the rest is missing.",
        code="backup.truncated",
        hint="Take another backup; see whether the disk was full or the copy was cut off.",
    )
