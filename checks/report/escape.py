"""Markdown that says what it was given: data is escaped for where it stands, the page's own words are left alone.

GitHub's dialect: https://github.github.com/gfm/
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from checks.check import Cell
from checks.report.clean import one_line, shortened, visible

NOTHING = "–"  # noqa: RUF001 - an en dash: a bare hyphen at the start of a cell looks like a slip
LONGEST_CELL = 200
WIDEST_PADDING = 48  # a longer cell sticks out of its column rather than pushing every line over the edge

_SPECIAL = re.compile(r"[\\*\[\]~$`]|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_BACKTICKS = re.compile("`+")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")


def text(value: str) -> str:
    """`value` on one line, as running text. What it sets in single backticks stays set as code."""
    value = one_line(value)
    pieces = value.split("`")
    if len(pieces) % 2 == 0 or "``" in value:
        return _escape(value)
    return "".join(f"`{piece}`" if n % 2 else _escape(piece) for n, piece in enumerate(pieces))


def cell(value: Cell) -> str:
    """`value` as one cell of a table."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{round(value, 6)}"
    return text(shortened(one_line(str(value)), LONGEST_CELL)).replace("|", r"\|")


def code(value: str) -> str:
    """`value` on one line, as a code span."""
    value = one_line(value)
    fence = "`" * (_longest_run(value) + 1)
    pad = " " if value.startswith("`") or value.endswith("`") else ""
    return f"{fence}{pad}{value}{pad}{fence}" if value else ""


def block(value: str, info: str = "") -> str:
    """`value` as a fenced block that nothing inside can close."""
    fence = "`" * max(3, _longest_run(value) + 1)
    return f"{fence}{info}\n{verbatim(value)}\n{fence}"


def verbatim(value: str) -> str:
    """The page's own Markdown as it stands there, without empty lines around it."""
    return visible(value).strip("\n")


def html(value: str) -> str:
    """`value` on one line, between HTML tags."""
    return one_line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoted(markdown: str) -> str:
    """`markdown` as a block quote: the voice of the report, apart from the page's."""
    return "\n".join(f"> {line}".rstrip() for line in markdown.strip("\n").split("\n"))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """A table whose columns line up as plain text too. Cells are Markdown already; columns in `right` align there."""
    right = set(right)
    widths = [min(max(3, *(_width(row[n]) for row in [head, *rows])), WIDEST_PADDING) for n in range(len(head))]
    rule = ["-" * (width - 1) + (":" if n in right else "-") for n, width in enumerate(widths)]
    rule[-1] = rule[-1][-max(3, _width(head[-1])) :]  # the last column is not padded
    return "\n".join(_line(row, widths, right) for row in [head, rule, *rows])


def evidence_table(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Evidence rows as a table, with a column for every name any row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    numbers = {n for n, name in enumerate(names) if all(_is_number(row.get(name)) for row in rows)}
    body = [[cell(row[name]) if name in row else "" for name in names] for row in rows]
    return table([cell(name) for name in names], body, right=numbers)


def slugs(titles: Iterable[str]) -> list[str]:
    """The anchors GitHub gives to headings of these titles, in their order."""
    seen: dict[str, int] = {}
    found = []
    for title in titles:
        slug = _NOT_IN_SLUG.sub("", title.strip().lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.append(f"{slug}-{count}" if count else slug)
    return found


def _escape(value: str) -> str:
    value = _SPECIAL.sub(lambda match: f"\\{match[0]}", _ENTITY.sub("&amp;", value))
    return value.replace("<", "&lt;")


def _longest_run(value: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(value)), default=0)


def _is_number(value: Cell) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _line(row: Sequence[str], widths: Sequence[int], right: set[int]) -> str:
    padded = []
    for n, (content, width) in enumerate(zip(row, widths, strict=True)):
        space = " " * (width - _width(content))
        last = n == len(row) - 1
        padded.append(f"{space}{content}" if n in right else content if last else f"{content}{space}")
    return f"| {' | '.join(padded)} |"


def _width(content: str) -> int:
    """Columns on a terminal: wide characters and emoji take two."""
    if content.isascii():  # which most of a report is, and then nothing need be looked up
        return len(content)
    wide = sum(1 for character in content if unicodedata.east_asian_width(character) in "WF" or character == "\ufe0f")
    return len(content) + wide - content.count("\ufe0f")
