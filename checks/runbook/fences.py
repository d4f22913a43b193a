"""Which fenced blocks are checks, and which were surely meant to be: a check that never runs must not look like one.

The words after the opening marker decide: `yaml check` and `sql check`, exactly, the latter with options.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from checks.runbook.markdown import Block, Page, Words
from checks.runbook.mistakes import Mistakes, Place
from checks.runbook.model import Language

_OPENING = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*(\S.*)")


def language(info: str) -> Language | None:
    """The language of a check block, or None for a block that is prose."""
    words = info.split(maxsplit=2)
    if words[1:2] == ["check"]:
        if words[0] == "yaml":
            return "yaml"
        if words[0] == "sql":
            return "sql"
    return None


def options(info: str) -> str:
    """What follows `sql check`."""
    return "".join(info.split(maxsplit=2)[2:])


def almost(info: str) -> bool:
    """Whether these words are not those of a check, but were meant to be."""
    if language(info):
        return False
    first, second = [*info.lower().split(maxsplit=2), "", ""][:2]
    if re.fullmatch(r"\W*(yaml|yml|sql|psql)?\W*checks?\W*", first):
        return True
    return "=" not in second and SequenceMatcher(None, "check", re.sub(r"\W", "", second)).ratio() > 0.7


def find_checks(page: Page, mistakes: Mistakes) -> set[Block]:
    """The blocks that are checks and can be read. Every block that is not what it seems is told of."""
    for words in page.words():
        _not_a_fence(words, mistakes)
    return {block for block in page.blocks() if _is_whole(page, block, mistakes) and language(block.info)}


def _is_whole(page: Page, block: Block, mistakes: Mistakes) -> bool:
    place, before = block_place(page, block), len(mistakes.found)
    if not block.closed:
        message = "the block opened here is never closed, so the rest of the page is part of it"
        mistakes.add(place, message, f"close it with a line of {block.marker}")
    elif almost(block.info):
        message = f"`{_short(block.info)}` is no check, though it looks like one"
        mistakes.add(place, message, "write `yaml check` or `sql check` after the marker; nothing else is run")
    elif block.nested and language(block.info):
        hint = "move the block to the left margin, where the report can put evidence under it"
        mistakes.add(place, "a check inside a list or a quotation is not run", hint)
    _swallowed(block, mistakes)
    return len(mistakes.found) == before


def block_place(page: Page, block: Block) -> Place:
    """Where the block's opening marker stands."""
    column = page.lines[block.span.start].find(block.marker)
    return Place(block.span.start + 1, max(column, 0) + 1)


def _swallowed(block: Block, mistakes: Mistakes) -> None:
    """A block with another's opening marker in it lacks its closing one. A longer marker outside is how to show one."""
    for number, line in enumerate(block.content.split("\n")):
        match = _OPENING.match(line)
        same_kind = match and match[1].startswith(block.marker)
        if match and same_kind and (language(block.info) or language(match[2]) or almost(match[2])):
            message = f"`{_short(match[2])}` opens a block inside the one of line {block.span.start + 1}"
            hint = "close that one first, or open it with a longer marker if it is there to show this one"
            mistakes.add(Place(block.span.start + 2 + number), message, hint)


def _not_a_fence(words: Words, mistakes: Mistakes) -> None:
    """What looks like an opening marker in text. In an HTML comment it was put out of action on purpose."""
    for number, line in enumerate(words.content.split("\n")):
        match = _OPENING.match(line)
        if match and (language(match[2]) or almost(match[2])) and "<!--" not in words.content:
            message = f"`{_short(match[2])}` opens no block here, so it is text and is not run"
            hint = "leave backticks out of the words after the marker, and an empty line above it"
            mistakes.add(Place(words.span.start + 1 + number), message, hint)


def _short(info: str) -> str:
    return info.replace("`", "'") if len(info) <= 40 else info[:40].replace("`", "'") + "…"
