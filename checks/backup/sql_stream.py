"""A dump's SQL cut into what psql would do with it: statements and meta-commands, read as a stream of any length.

Rows of COPY, comments and quoted text are passed over, as only what stands outside of them is done. The rules are those
of psql's own scanner: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

PIECE = 2**20
LONGEST = 2**16  # bytes of a statement that are kept: what it is shows at its beginning
_MARGIN = 80  # bytes: nothing that is looked for is longer, a dollar quote's tag having 63
_OPENING = re.compile(
    rb"(?P<line>--)|(?P<block>/\*)|(?P<escaped>(?<![\w$])[eE]')|(?P<string>')|(?P<quoted>\")"
    rb"|(?P<dollar>(?<![\w$])\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$)|(?P<end>;)|(?P<meta>\\)"
)
_NEWLINE = re.compile(rb"\n")
_QUOTE = re.compile(rb"'")
_QUOTE_OR_ESCAPE = re.compile(rb"'|\\.", re.DOTALL)
_DOUBLE_QUOTE = re.compile(rb'"')
_BLOCK_EDGE = re.compile(rb"/\*|\*/")
_END_OF_ROWS = re.compile(rb"\n\\\.\r?(?:\n|\Z)")
# Rows as `pg_dump --inserts` writes them, as many as there are: constants only, and so nothing that is done.
_CONSTANTS = rb"(?:[^'\"\\;$()/-]|-(?!-)|/(?!\*)|(?<![eE])'[^']*+')*+"
_VALUES = rb"(?:\s*+\(" + _CONSTANTS + rb"\),?)++"
_INSERTS = re.compile(
    rb"(?:\s*+INSERT INTO (?:[\w.]|\"[^\"\\]*+\")++ (?:\([^'();\\$/-]*+\) )?+(?:OVERRIDING SYSTEM VALUE )?+VALUES"
    + _VALUES
    + rb";)++"
)
_MORE_VALUES = re.compile(rb"(?:" + _CONSTANTS + rb"\),?)?+" + _VALUES)  # from within a row, or between two
_FROM_STDIN = re.compile(rb"\s*COPY\b.*\bFROM\s+STDIN\b", re.IGNORECASE | re.DOTALL)
_STRINGS = re.compile(rb"\s*SET\s+(?:SESSION\s+)?standard_conforming_strings\s*(?:=|TO)\s*(\S+)", re.IGNORECASE)
_LANGUAGE = re.compile(rb"\bLANGUAGE\s+\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement, or a meta-command (which begins with a backslash): its text without comments, and its line, from 1.

    Quoted text is emptied, but for a language's name. `body` is its last dollar-quoted text: what a DO block does.
    """

    text: str
    line: int
    body: str = ""


def pieces(stream: BinaryIO) -> Iterator[Piece]:
    """What psql would do with the stream, in its order."""
    return _Scanner(stream).pieces()


def pieces_of(sql: str) -> Iterator[Piece]:
    """The same of a text in memory."""
    return pieces(io.BytesIO(sql.encode("utf-8", "replace")))


class _Scanner:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer, self._at, self._is_last = b"", 0, False
        self._line = self._begun = 1
        self._text, self._body, self._has_text = bytearray(), b"", False
        self._escapes = False

    def pieces(self) -> Iterator[Piece]:
        while True:
            self._pass_over_inserts()
            line = self._line
            before, opening = self._until(_OPENING, kept=LONGEST)
            self._add(before, line)
            kind = opening.lastgroup if opening else "end"
            if opening and kind not in {"end", "meta"}:
                self._pass_over(kind or "", opening[0])
                continue
            if kind == "meta":
                line = self._line
                yield Piece("\\" + _shown(self._until(_NEWLINE, kept=LONGEST)[0]), line)
                continue
            yield from self._statement()
            if opening is None:
                return

    def _statement(self) -> Iterator[Piece]:
        """What was gathered, and on to what follows the rows that it may announce."""
        text = bytes(self._text)
        if self._has_text:
            yield Piece(_shown(text), self._begun, self._body.decode("utf-8", "replace"))
        self._text, self._body, self._has_text = bytearray(), b"", False
        if setting := _STRINGS.match(text):
            # Quoted text was emptied: only an unquoted `on` is known to be one, and pg_dump writes it unquoted.
            self._escapes = setting[1].lower() not in {b"on", b"default"}
        if _FROM_STDIN.match(text):
            self._until(_END_OF_ROWS)

    def _pass_over(self, kind: str, opening: bytes) -> None:
        line = self._line
        if kind == "line":
            self._until(_NEWLINE)
            self._add(b"\n", line)
        elif kind == "block":
            self._block()
            self._add(b" ", line)
        elif kind == "dollar":
            self._body, _ = self._until(re.compile(re.escape(opening)), kept=LONGEST)
            self._add(b"''", line)
        elif kind == "quoted":
            name, _ = self._until(_DOUBLE_QUOTE, kept=LONGEST)
            self._add(b'"' + name + b'"', line)
        else:
            named = bool(_LANGUAGE.search(self._text[-12:]))
            inside = self._string(_QUOTE_OR_ESCAPE if kind == "escaped" or self._escapes else _QUOTE)
            self._add(b"'" + (inside if named else b"") + b"'", line)

    def _pass_over_inserts(self) -> None:
        if self._escapes:
            return
        if not self._has_text:
            found = _INSERTS.match(self._buffer, self._at)
        else:
            found = _MORE_VALUES.match(self._buffer, self._at) if self._text.startswith(b"INSERT INTO ") else None
        if found:
            self._move(found.end())

    def _string(self, edges: re.Pattern[bytes]) -> bytes:
        """To the closing quote. A doubled one closes and opens at once, which comes to the same."""
        inside, edge = self._until(edges, kept=_MARGIN)
        while edge is not None and edge[0] != b"'":
            _, edge = self._until(edges)
        return inside

    def _block(self) -> None:
        depth = 1
        while depth:
            _, edge = self._until(_BLOCK_EDGE)
            if edge is None:
                return
            depth += 1 if edge[0] == b"/*" else -1

    def _add(self, text: bytes, line: int) -> None:
        if not self._has_text:
            first = text.lstrip()
            self._begun, self._has_text = line + text[: len(text) - len(first)].count(b"\n"), bool(first)
            text = first
        if len(self._text) < LONGEST:
            self._text += text

    def _until(self, wanted: re.Pattern[bytes], *, kept: int = 0) -> tuple[bytes, re.Match[bytes] | None]:
        """Pass over all up to the next match, or the end. The first `kept` bytes before it, and the match or None."""
        before = b""
        while True:
            found = wanted.search(self._buffer, self._at)
            if found is not None and (self._is_last or found.end() <= len(self._buffer) - _MARGIN):
                before += self._buffer[self._at : min(found.start(), self._at + kept - len(before))]
                self._move(found.end())
                return before, found
            # What looks like the next match may go on in the next piece of the stream, or begin at the margin.
            safe = found.start() if found else len(self._buffer) - (0 if self._is_last else _MARGIN)
            safe = max(safe, self._at)
            before += self._buffer[self._at : min(safe, self._at + kept - len(before))]
            self._move(safe)
            if self._is_last:
                return before, None
            self._more()

    def _move(self, to: int) -> None:
        self._line += self._buffer.count(b"\n", self._at, to)
        self._at = to

    def _more(self) -> None:
        piece = self._stream.read(PIECE)
        behind = min(self._at, 2)  # what a look back needs
        self._buffer = self._buffer[self._at - behind :] + piece
        self._at, self._is_last = behind, not piece


def _shown(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())
