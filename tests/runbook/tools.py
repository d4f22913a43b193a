"""Two verbs for pages: one is read, the other refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.errors import Mistake, RunbookError
from checks.runbook.model import Runbook
from checks.runbook.reader import interpret, read
from tests.runbook.kinds import CODES, KINDS

SAMPLES = Path(__file__).parent / "samples"
FRONT = "---\nrunbook: sample\ntitle: A sample\n---\n"


def page_is_read(sample: str) -> Runbook:
    """The runbook in `samples/`, which must have no mistake."""
    return read(SAMPLES / f"{sample}.md", KINDS, CODES)


def page_is_refused(sample: str, *expected: str) -> list[Mistake]:
    """The page's mistakes must be exactly those expected, each written `line:column: words of it`, in their order."""
    with pytest.raises(RunbookError) as refusal:
        read(SAMPLES / f"{sample}.md", KINDS, CODES)
    return mistakes_are(refusal.value, *expected)


def text_is_refused(text: str | bytes, *expected: str) -> list[Mistake]:
    """As `page_is_refused`, for a page that is no file."""
    with pytest.raises(RunbookError) as refusal:
        interpret(Path("page.md"), text.encode() if isinstance(text, str) else text, KINDS, CODES)
    return mistakes_are(refusal.value, *expected)


def mistakes_are(refusal: RunbookError, *expected: str) -> list[Mistake]:
    """Compares place and words; more words than expected may stand around them."""
    found = [f"{mistake.line}:{mistake.column}: {mistake.message}" for mistake in refusal.mistakes]
    assert len(found) == len(expected), "\n".join(found)
    for one, wanted in zip(found, expected, strict=True):
        place, _, words = wanted.partition(": ")
        assert one.startswith(f"{place}: "), "\n".join(found)
        assert words in one
    return refusal.mistakes
