"""SQL text cut into statements, with everything taken out that only looks like SQL: comments and quoted text.

PostgreSQL's rules are followed as far as they decide where a statement ends; nothing is parsed beyond that.
https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<dollar>(?<![\w$])\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$)
    | (?P<escaped>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'?)
    | (?P<string>'(?:[^']|'')*'?)
    | (?P<quoted>"(?:[^"]|"")*"?)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its words with single spaces, strings emptied and comments gone. `line` is its first, from 1.

    `bodies` are its dollar-quoted texts and the lines they begin on: what a DO block runs, or a function is made of.
    """

    text: str
    line: int
    bodies: tuple[tuple[str, int], ...] = ()


def statements(sql: str, *, line: int = 1) -> Iterator[Statement]:
    """The statements of a script whose first line has the number `line`. Empty ones are left out."""
    words: list[str] = []
    bodies: list[tuple[str, int]] = []
    begun = at = 0
    for start, end, kind in _tokens(sql):
        plain = sql[at:start]
        if not "".join(words).strip():
            words, begun = [], at + len(plain) - len(plain.lstrip()) if plain.strip() else start
        words.append(plain)
        if kind == "quoted":
            words.append(sql[start:end])
        elif kind in {"string", "escaped"}:
            words.append("''")
        elif kind == "dollar":
            words.append("''")
            bodies.append((_inside(sql[start:end]), line + sql.count("\n", 0, start)))
        elif kind == "end":
            if text := " ".join("".join(words).split()):
                yield Statement(text, line + sql.count("\n", 0, begun), tuple(bodies))
            words, bodies = [], []
        else:
            words.append(" ")
        at = end


def _tokens(sql: str) -> Iterator[tuple[int, int, str]]:
    """Where each comment, quoted text and semicolon begins and ends, and one last semicolon for whoever forgot it."""
    at = 0
    while token := _TOKEN.search(sql, at):
        kind = token.lastgroup or ""
        at = token.end()
        if kind == "block":
            at = _block_end(sql, token.start())
        elif kind == "dollar":
            closing = sql.find(token[0], token.end())
            at = len(sql) if closing < 0 else closing + len(token[0])
        yield token.start(), at, kind
    yield len(sql), len(sql), "end"


def _block_end(sql: str, start: int) -> int:
    depth = 0
    for edge in _BLOCK_EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def _inside(quoted: str) -> str:
    tag = quoted[: quoted.index("$", 1) + 1]
    return quoted[len(tag) :].removesuffix(tag)
