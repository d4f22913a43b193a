"""The SQL stream: what psql would do with a dump, and nothing that only looks like it, wherever it is cut."""

from __future__ import annotations

import io

import pytest

from checks.backup import sql_stream
from checks.backup.sql_stream import pieces, pieces_of

TRICKS = r"""-- \! in a comment
SELECT 'a;b', E'\'; \\! x', "q;\! y" /* ; \! /* nested */ \! */ ; \! touch x
COPY t (a) FROM stdin;
\! in a row
it's
\.
CREATE FUNCTION f() RETURNS int LANGUAGE 'c' AS 'x';
CREATE FUNCTION g() RETURNS int AS $a$ COPY x TO PROGRAM 'x'; $b$ \! $a$ LANGUAGE sql;
INSERT INTO t VALUES (1, 'it''s; \! x', -2);
INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL);
SET standard_conforming_strings = off;
SELECT 'a\'; \! b'; SELECT 2;
\o | cat"""


def test_only_what_is_outside_of_text_is_done() -> None:
    """Comments, strings, names, bodies and rows are passed over, nested, escaped or doubled."""
    assert [(piece.line, piece.text) for piece in pieces_of(TRICKS)] == [
        (2, "SELECT '', '', \"q;\\! y\""),
        (2, "\\! touch x"),
        (3, "COPY t (a) FROM stdin"),
        (7, "CREATE FUNCTION f() RETURNS int LANGUAGE 'c' AS ''"),
        (8, "CREATE FUNCTION g() RETURNS int AS '' LANGUAGE sql"),
        (11, "SET standard_conforming_strings = off"),
        (12, "SELECT ''"),
        (12, "SELECT 2"),
        (13, "\\o | cat"),
    ]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 85, 1000])
def test_where_the_stream_is_cut_makes_no_difference(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dump is read in pieces, and everything may lie across the end of one."""
    without_inserts = "\n".join(line for line in TRICKS.splitlines() if not line.startswith("INSERT"))
    whole = list(pieces_of(without_inserts))
    monkeypatch.setattr(sql_stream, "PIECE", piece)
    assert list(pieces_of(without_inserts)) == whole


def test_a_dump_of_any_size_takes_no_memory() -> None:
    """Values are passed over and not gathered: fifty megabytes of them in one statement."""

    class Endless(io.RawIOBase):
        left = 50

        def read(self, _: int = -1) -> bytes:
            self.left -= 1
            if self.left == 49:
                return b"INSERT INTO t VALUES "
            return b"(1, 'x''y; \\! '),\n" * 60_000 if self.left > 0 else b""

    [piece] = pieces(Endless())  # type: ignore[arg-type]  # all that is called of it
    assert len(piece.text) <= 2 * sql_stream.LONGEST


@pytest.mark.parametrize(
    "text", ["SELECT 'open", "/* open", "$a$ open", 'SELECT "open', "E'\\", "COPY t FROM stdin;\nrow"]
)
def test_what_is_never_closed_ends_with_the_stream(text: str) -> None:
    """A dump that was cut off is read to where it ends, and not for ever."""
    assert len(list(pieces_of(text))) <= 1
