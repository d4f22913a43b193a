"""A `sql check` block: a query that returns no rows when all is well, named by its heading.

Options follow the words: ```sql check name="no orphans" severity=warn environments=dev,prod timeout=30s
"""

from __future__ import annotations

import re
import shlex

from checks.runbook.entries import COMMON, Catalog, Placed, read_entry
from checks.runbook.fences import block_place, options
from checks.runbook.markdown import Block, Page
from checks.runbook.mistakes import Mistakes, Place
from checks.runbook.yaml_source import Document
from checks.suggest import did_you_mean

KIND = "query"
_NO_STATEMENT = re.compile(r"(?:\s++|;|--[^\n]*+|(?>/\*.*?\*/))*+", re.DOTALL)


def read_sql(page: Page, block: Block, title: str, catalog: Catalog, mistakes: Mistakes) -> Placed | None:
    """The check of the block, or None when there is a mistake in it. `title` is its name unless an option gives one."""
    place = block_place(page, block)
    document = _options(page, block, mistakes)
    if document is None:
        return None
    if not title and "name" not in document.data:
        hint = 'put it under a heading, or give it one with name="…" after `sql check`'
        mistakes.add(place, "this check has no name, since there is no heading above it", hint)
        return None
    if _NO_STATEMENT.fullmatch(block.content):
        mistakes.add(place, "this check block is empty", "write a query that returns no rows when all is well")
        return None
    document.data.setdefault("name", title)
    document.data["sql"] = block.content.rstrip()
    return read_entry(KIND, document, (), catalog, mistakes)


def _options(page: Page, block: Block, mistakes: Mistakes) -> Document | None:
    """The words after `sql check`, as if they had been written in YAML."""
    place = block_place(page, block)
    document = Document(place, {})
    document.values[()] = place
    try:
        words = shlex.split(options(block.info))
    except ValueError:
        mistakes.add(place, "a quote after `sql check` is never closed", 'write name="two words"')
        return None
    for word in words:
        _option(word, page.lines[block.span.start], document, mistakes)
    return document if len(document.data) == len(words) else None


def _option(word: str, line: str, document: Document, mistakes: Mistakes) -> None:
    key, equals, value = word.partition("=")
    place = Place(document.top.line, max(line.find(key), 0) + 1)
    if not equals or key not in COMMON:
        hint = did_you_mean(key, COMMON) or f"it takes {', '.join(f'{known}=…' for known in sorted(COMMON))}"
        mistakes.add(place, f"`{key}` is not an option of a `sql check`", hint)
    elif key in document.data:
        mistakes.add(place, f"the option `{key}` is given twice")
    else:
        document.keys[key,] = document.values[key,] = place
        document.data[key] = value.split(",") if key == "environments" else value
