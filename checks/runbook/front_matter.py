"""What a page says of its system before the first heading: found, read, and searched for passwords."""

from __future__ import annotations

from collections.abc import Collection

from checks.runbook import passwords
from checks.runbook.markdown import Page
from checks.runbook.mistakes import Mistakes, Place
from checks.runbook.model import FrontMatter
from checks.runbook.validation import validate
from checks.runbook.yaml_source import LARGEST, Document, Source, load


def load_front(page: Page, mistakes: Mistakes) -> Document | None:
    """The front matter as a mapping, not yet validated, as far as it can be read; None when nothing of it can."""
    if page.front is None:
        _missing(page, mistakes)
        return None
    text = "\n".join(page.lines[page.front.start + 1 : page.front.end - 1]) + "\n"
    if len(text.encode(errors="replace")) > LARGEST:
        message = f"the front matter is longer than {LARGEST // 1024} KiB"
        mistakes.add(Place(1), message, "what is not a setting belongs below it")
        return None
    document = load(Source(text, 2), mistakes)
    if document is not None and not isinstance(document.data, dict):
        mistakes.add(Place(2), "the front matter is not a mapping of keys to values", "begin it with `runbook: name`")
        return None
    return document


def validate_front(document: Document, mistakes: Mistakes) -> FrontMatter | None:
    """The front matter as the project's own values."""
    for loc, place in document.values.items():
        value = document.value(loc)
        if isinstance(value, str):
            _check_password(str(loc[-1]), value, place, mistakes)
    return validate(FrontMatter, document.data, mistakes, document=document, name="the front matter")


def environments(document: Document | None) -> Collection[str] | None:
    """The names a check may be limited to; None where the front matter could not say."""
    if document is None or ("environments",) in document.unread:
        return None
    listed = document.data.get("environments", {})
    return set(listed) if isinstance(listed, dict) else None


def _missing(page: Page, mistakes: Mistakes) -> None:
    first = next((number for number, line in enumerate(page.lines) if line.strip()), 0)
    if page.lines[first].rstrip() != "---":
        hint = "begin with a line of ---, then `runbook: name` and `title: …`, and end it with another ---"
        mistakes.add(Place(1), "this page has no front matter", hint)
    elif first == 0:
        mistakes.add(Place(1), "the front matter is never closed", "end it with a line of three hyphens: ---")
    else:
        mistakes.add(Place(first + 1), "front matter begins on the first line", "remove the empty lines above it")


def _check_password(key: str, value: str, place: Place, mistakes: Mistakes) -> None:
    """A password that only shows once the YAML is read: under a key of that name, or folded over two lines."""
    told = any(mistake.line == place.line for mistake in mistakes.found)
    text = f"password='{value}'" if passwords.is_password_key(key) else value
    if list(passwords.literals(text)) and not told:
        mistakes.add(place, "a literal password in the front matter", passwords.HINT)
