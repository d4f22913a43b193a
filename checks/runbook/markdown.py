"""Finds what stands where in a page: front matter, headings, fenced blocks and the text between them.

It knows Markdown and nothing else: what a block means, and whether it is a mistake, is for others to say. Lines are
numbered from 0 here and ranges are half-open, as markdown-it counts them; `Page.text` gives their words back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


class Span(NamedTuple):
    """Lines `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the page itself, not of a quotation. `comments` are the HTML comments on it."""

    span: Span
    level: int
    title: str
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `nested` ones stand in a list or a quotation; `marker` is the opening run of ` or ~."""

    span: Span
    info: str
    content: str
    marker: str
    nested: bool
    closed: bool


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph, a table cell or raw HTML: text that a reader sees as text."""

    span: Span
    content: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page taken apart. `front` spans the front matter with its two markers, and is None where there is none."""

    lines: tuple[str, ...]
    front: Span | None
    items: tuple[Heading | Block | Words, ...]

    def text(self, span: Span) -> str:
        """Those lines, word for word, each with its line end."""
        end = "" if span.end >= len(self.lines) else "\n"
        return "\n".join(self.lines[span.start : span.end]) + end if span.end > span.start else ""

    def headings(self) -> Iterator[Heading]:
        """The headings, in order."""
        return (item for item in self.items if isinstance(item, Heading))

    def blocks(self) -> Iterator[Block]:
        """The fenced blocks, in order."""
        return (item for item in self.items if isinstance(item, Block))

    def words(self) -> Iterator[Words]:
        """What is neither a heading nor a block, in order."""
        return (item for item in self.items if isinstance(item, Words))


def parse(text: str) -> Page:
    """The page that `text` is. Never raises: to Markdown, every text is a page."""
    text = _normal(text)
    lines = tuple(text.split("\n"))
    tokens = _parser().parse(text)
    return Page(lines, _front(lines, tokens), tuple(_items(lines, tokens)))


def _normal(text: str) -> str:
    """`text` as markdown-it sees it, so that its lines and ours are the same ones. U+2028 ends no line in Markdown."""
    return re.sub(r"\r\n?", "\n", text).replace("\0", "\ufffd")


@cache
def _parser() -> MarkdownIt:
    # Imported here and not above: a page that is in the cache is read without the parser.
    from markdown_it import MarkdownIt
    from mdit_py_plugins.front_matter import front_matter_plugin

    return MarkdownIt("commonmark").use(front_matter_plugin).enable("table")


def _front(lines: tuple[str, ...], tokens: list[Token]) -> Span | None:
    # The plugin also takes `---` at the start of a list item, or with words after it, for front matter.
    for token in tokens[:1]:
        if token.type == "front_matter" and token.map and lines[0].rstrip() == "---":
            return Span(token.map[0], token.map[1])
    return None


def _items(lines: tuple[str, ...], tokens: list[Token]) -> Iterator[Heading | Block | Words]:
    for index, token in enumerate(tokens):
        if token.map is None:
            continue
        span = Span(token.map[0], token.map[1])
        if token.type == "heading_open" and token.level == 0:
            yield _heading(span, int(token.tag[1:]), tokens[index + 1])
        elif token.type == "fence":
            yield _block(lines, span, token)
        elif token.type == "html_block" or (token.type == "inline" and not _in_heading(tokens, index)):
            yield Words(span, token.content)


def _in_heading(tokens: list[Token], index: int) -> bool:
    return tokens[index - 1].type == "heading_open" and tokens[index - 1].level == 0


def _heading(span: Span, level: int, inline: Token) -> Heading:
    children = inline.children or []
    words = "".join(" " if child.type in {"softbreak", "hardbreak"} else _visible(child) for child in children)
    comments = tuple(child.content for child in children if child.type == "html_inline" and child.content[:4] == "<!--")
    return Heading(span, level, " ".join(words.split()), comments)


def _visible(token: Token) -> str:
    return token.content if token.type in {"text", "code_inline", "image"} else ""


def _block(lines: tuple[str, ...], span: Span, token: Token) -> Block:
    nested = token.level > 0
    # An unclosed block in a list or quotation ends with it, and swallows nothing of the page.
    closed = nested or (span.end - span.start > 1 and _closes(lines[span.end - 1], token.markup))
    return Block(span, token.info.strip(), token.content, token.markup, nested, closed)


def _closes(line: str, marker: str) -> bool:
    return re.fullmatch(rf" {{0,3}}{re.escape(marker[0])}{{{len(marker)},}}[ \t]*", line) is not None
