"""One page to one `Runbook`: the only place that knows all the stages of reading, and the order they come in.

Every stage adds to the same list of mistakes and goes on, so that a person repairs a page once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from hashlib import sha256
from pathlib import Path

from checks.check import Check
from checks.errors import RunbookError
from checks.runbook import passwords
from checks.runbook.entries import Catalog, Placed, check_pairs
from checks.runbook.fences import find_checks, language
from checks.runbook.fixes import check_stray_fixes, nameable, read_fixes
from checks.runbook.front_matter import environments, load_front, validate_front
from checks.runbook.markdown import Block, Heading, Page, parse
from checks.runbook.mistakes import Mistakes, Place
from checks.runbook.model import Fence, Runbook, Section
from checks.runbook.page_file import read_bytes
from checks.runbook.sections import assemble
from checks.runbook.sql_block import read_sql
from checks.runbook.yaml_block import read_yaml


def read(path: Path, kinds: Mapping[str, Check], codes: Collection[str]) -> Runbook:
    """The runbook in the file at `path`, which may ask for `kinds` of checks and say it fixes `codes`.

    Raises RunbookError with every mistake of the file, each at its line and column.
    """
    return interpret(path, read_bytes(path), kinds, codes)


def interpret(path: Path, content: bytes, kinds: Mapping[str, Check], codes: Collection[str]) -> Runbook:
    """The runbook that `content` is; `path` is only its name. Raises RunbookError with every mistake in it."""
    mistakes = Mistakes(str(path))
    page = parse(_decode(content, mistakes))
    _check_passwords(page, mistakes)
    document = load_front(page, mistakes)
    front = None if document is None else validate_front(document, mistakes)
    check_stray_fixes(page, codes, mistakes)
    sections = _sections(page, Catalog(kinds, environments(document)), codes, mistakes)
    if mistakes.found or front is None:
        raise RunbookError(list(mistakes.found))
    return Runbook(path, sha256(content).hexdigest(), front, sections)


def _decode(content: bytes, mistakes: Mistakes) -> str:
    """The text, without a byte order mark. Raises RunbookError where it is not UTF-8: nothing else can be said then."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", errors="replace")
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        mistakes.add(place, "this byte is not UTF-8, so the page cannot be read", "save the file as UTF-8")
        raise RunbookError(list(mistakes.found)) from error


def _check_passwords(page: Page, mistakes: Mistakes) -> None:
    for number, line in enumerate(page.lines, 1):
        for literal in passwords.literals(line):
            message = f"{literal.what}: a page is read by many, and kept for ever"
            mistakes.add(Place(number, literal.start + 1), message, passwords.HINT)


def _sections(page: Page, catalog: Catalog, codes: Collection[str], mistakes: Mistakes) -> tuple[Section, ...]:
    fences: dict[int, Fence] = {}
    every: list[Placed] = []
    before = len(mistakes.found)
    for title, block in _titled(page, find_checks(page, mistakes)):
        placed = _checks_of(page, block, title, catalog, mistakes)
        every += placed
        fences[block.span.start] = _fence(page, block, placed)
    unread = len(mistakes.found) > before
    check_pairs(every, mistakes)
    known = nameable(codes, None if unread else {placed.entry.name for placed in every})
    ties = {heading.span.start: read_fixes(page, heading, known, mistakes) for heading in page.headings()}
    return assemble(page, fences, ties)


def _titled(page: Page, checks: Set[Block]) -> Iterator[tuple[str, Block]]:
    """The checks in order, each with the name its heading gives it: a second `sql check` there has a number."""
    title, number = "", 0
    for item in page.items:
        if isinstance(item, Heading):
            title, number = item.title, 0
        elif isinstance(item, Block) and item in checks:
            number += language(item.info) == "sql"
            yield f"{title} {number}" if title and number > 1 else title, item


def _checks_of(page: Page, block: Block, title: str, catalog: Catalog, mistakes: Mistakes) -> list[Placed]:
    if language(block.info) == "sql":
        placed = read_sql(page, block, title, catalog, mistakes)
        return [placed] if placed else []
    return read_yaml(page, block, catalog, mistakes)


def _fence(page: Page, block: Block, placed: list[Placed]) -> Fence:
    checks = tuple(one.entry for one in placed)
    return Fence(language(block.info) or "yaml", block.content, block.span.start + 1, checks, page.text(block.span))
