"""A `yaml check` block: each key is a kind of check, its value that check's parameters, or a list of several."""

from __future__ import annotations

from collections.abc import Iterator

from checks.runbook.entries import Catalog, Placed, read_entry
from checks.runbook.fences import block_place
from checks.runbook.markdown import Block, Page
from checks.runbook.mistakes import Mistakes
from checks.runbook.yaml_source import Document, Source, load


def read_yaml(page: Page, block: Block, catalog: Catalog, mistakes: Mistakes) -> list[Placed]:
    """The checks of the block that have no mistake in them."""
    place = block_place(page, block)
    if len(block.info.split()) > 2:
        mistakes.add(place, "words after `yaml check` mean nothing", "write them as keys inside the block")
    document = load(yaml_of(page, block), mistakes)
    if document is None:
        return []
    if not document.data:
        mistakes.add(place, "this check block is empty", "name a kind of check in it, such as `connectivity:`")
        return []
    if not isinstance(document.data, dict):
        hint = "write a kind, a colon and its parameters, such as `connectivity: {within: 2s}`"
        mistakes.add(document.top, "a check block is a mapping of kinds of check to their parameters", hint)
        return []
    return [placed for kind in document.data for placed in _of_kind(kind, document, catalog, mistakes)]


def yaml_of(page: Page, block: Block) -> Source:
    """The YAML inside a block, and how far each of its lines is indented in the page."""
    first = block.span.start + 1
    pairs = zip(page.lines[first : block.span.end], block.content.split("\n"), strict=False)
    return Source(block.content, first + 1, [len(raw) - len(line) for raw, line in pairs])


def _of_kind(kind: str, document: Document, catalog: Catalog, mistakes: Mistakes) -> Iterator[Placed]:
    listed = document.data[kind]
    if not isinstance(listed, list):
        placed = read_entry(kind, document, (kind,), catalog, mistakes)
        if placed:
            yield placed
        return
    if not listed:
        mistakes.add(document.place((kind,)), f"`{kind}` lists no checks", "leave out the brackets, or fill them")
    for index, data in enumerate(listed):
        placed = read_entry(kind, document, (kind, index), catalog, mistakes)
        if index and document.is_known((kind, index)) and not (isinstance(data, dict) and "name" in data):
            place = document.place((kind, index))
            mistakes.add(place, f"this further check of `{kind}` has no name", "only the first may go without")
        elif placed:
            yield placed
