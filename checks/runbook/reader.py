"""One page to one `Runbook`: the only place that knows all the stages of reading, and the order they come in.

Every stage adds to the same list of mistakes and goes on, so that a person repairs a page once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from checks.check import Check
from checks.errors import Mistake, RunbookError
from checks.runbook import passwords
from checks.runbook.entries import Catalog, Placed, check_pairs, read_sql, read_yaml
from checks.runbook.fences import check_fences, language
from checks.runbook.fixes import check_stray_fixes, read_fixes
from checks.runbook.markdown import Block, Page, parse
from checks.runbook.mistakes import Mistakes, Place
from checks.runbook.model import Fence, FrontMatter, Runbook, Section
from checks.runbook.sections import assemble
from checks.runbook.validation import validate
from checks.runbook.yaml_source import LARGEST, Document, Source, load
from checks.suggest import did_you_mean

LARGEST_PAGE = 1024 * 1024


def read(path: Path, kinds: Mapping[str, Check], codes: Collection[str]) -> Runbook:
    """The runbook in the file at `path`, which may ask for `kinds` of checks and say it fixes `codes`.

    Raises RunbookError with every mistake of the file, each at its line and column.
    """
    return interpret(path, load_bytes(path), kinds, codes)


def load_bytes(path: Path) -> bytes:
    """The file's bytes. Raises RunbookError when it cannot be read, with the nearest name that could be meant."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RunbookError([Mistake(str(path), 1, 1, f"this file cannot be read: {reason}", _nearest(path))]) from error


def interpret(path: Path, content: bytes, kinds: Mapping[str, Check], codes: Collection[str]) -> Runbook:
    """The runbook that `content` is. Raises RunbookError with every mistake in it; `path` is only named there."""
    mistakes = Mistakes(str(path))
    text = _decode(content, mistakes)
    mistakes.refuse()
    page = parse(text)
    _check_passwords(page, mistakes)
    document = _front_matter(page, mistakes)
    front = None if document is None else _validated(document, mistakes)
    catalog = Catalog(kinds, _environments(document))
    check_fences(page, mistakes)
    check_stray_fixes(page, mistakes)
    sections = _sections(page, catalog, codes, mistakes)
    mistakes.refuse()
    assert front is not None, "a page without valid front matter has a mistake"
    return Runbook(path, sha256(content).hexdigest(), front, sections)


def _decode(content: bytes, mistakes: Mistakes) -> str:
    if len(content) > LARGEST_PAGE:
        mistakes.add(Place(1), f"this page is longer than {LARGEST_PAGE // 1024} KiB", "a runbook is read by people")
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `error.start` counts from after a byte order mark, and `error.object` may lack it too.
        before = bytes(error.object)[: error.start].decode("utf-8", errors="replace")
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        mistakes.add(place, "this byte is not UTF-8, so the page cannot be read", "save the file as UTF-8")
        return ""


def _check_passwords(page: Page, mistakes: Mistakes) -> None:
    for number, line in enumerate(page.lines, 1):
        for literal in passwords.literals(line):
            hint = "name an environment variable, such as ${DATABASE_URL}, or a placeholder such as PASSWORD"
            mistakes.add(Place(number, literal.start + 1), f"{literal.what} in a page that many people read", hint)


def _front_matter(page: Page, mistakes: Mistakes) -> Document | None:
    if page.front is None:
        if page.lines[0].rstrip() == "---":
            hint = "end it with a line of three hyphens: ---"
            mistakes.add(Place(1), "the front matter is never closed", hint)
        else:
            hint = "begin the first line with ---, then `runbook:` and `title:`, and end with ---"
            mistakes.add(Place(1), "this page has no front matter", hint)
        return None
    lines = page.lines[page.front.start + 1 : page.front.end - 1]
    text = "\n".join(lines) + "\n"
    if len(text.encode(errors="replace")) > LARGEST:
        hint = "the rest of a runbook belongs in its text"
        mistakes.add(Place(1), f"the front matter is longer than {LARGEST // 1024} KiB", hint)
        return None
    document = load(Source(text, 2), mistakes)
    if document is not None and not isinstance(document.data, dict):
        mistakes.add(Place(2), "the front matter is a mapping of keys to values", "write `runbook: name` first")
        return None
    return document


def _validated(document: Document, mistakes: Mistakes) -> FrontMatter | None:
    for loc, place in document.values.items():
        value = document.value(loc)
        if isinstance(value, str):
            _check_text(str(loc[-1]), value, place, mistakes)
    return validate(FrontMatter, document.data, mistakes, document=document, name="the front matter")


def _check_text(key: str, value: str, place: Place, mistakes: Mistakes) -> None:
    """A password that only shows once the YAML is read: under a key of that name, or folded over two lines."""
    told = any(mistake.line == place.line for mistake in mistakes.found)
    text = f"password='{value}'" if passwords.is_password_key(key) else value
    if any(passwords.literals(text)) and not told:
        hint = "name an environment variable instead, such as ${DATABASE_URL}"
        mistakes.add(place, "a literal password in the front matter", hint)


def _environments(document: Document | None) -> Collection[str] | None:
    listed: Any = {} if document is None else document.data.get("environments", {})
    return None if document is None or not isinstance(listed, dict) else set(listed)


def _sections(page: Page, catalog: Catalog, codes: Collection[str], mistakes: Mistakes) -> tuple[Section, ...]:
    checks: dict[int, Fence] = {}
    placed: list[Placed] = []
    for title, block in _check_blocks(page):
        found = _of_block(page, block, title, catalog, mistakes)
        placed += found
        checks[block.span.start] = _fence(page, block, found)
    check_pairs(placed, mistakes)
    fixes = {heading.span.start: read_fixes(page, heading, codes, mistakes) for heading in page.headings()}
    return assemble(page, checks, fixes)


def _check_blocks(page: Page) -> list[tuple[str, Block]]:
    """The blocks that are checks, each with the name its heading gives it: a second `sql check` there has a number."""
    found: list[tuple[str, Block]] = []
    title, number = "", 0
    for item in page.items:
        if not isinstance(item, Block):
            title, number = (item.title, 0) if hasattr(item, "title") else (title, number)
        elif language(item.info) and item.closed and not item.nested:
            number += language(item.info) == "sql"
            found.append((f"{title} {number}" if number > 1 and title else title, item))
    return found


def _of_block(page: Page, block: Block, title: str, catalog: Catalog, mistakes: Mistakes) -> list[Placed]:
    if language(block.info) == "sql":
        return read_sql(page, block, title, catalog, mistakes)
    return read_yaml(page, block, catalog, mistakes)


def _fence(page: Page, block: Block, found: list[Placed]) -> Fence:
    language_ = language(block.info)
    assert language_ is not None
    entries = tuple(placed.entry for placed in found)
    return Fence(language_, block.content, block.span.start + 1, entries, page.text(block.span))


def _nearest(path: Path) -> str:
    try:
        names = [found.name for found in path.parent.glob("*.md")]
    except OSError:
        return ""
    return did_you_mean(path.name, names) if path.name not in names else ""
