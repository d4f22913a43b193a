"""`<!-- fixes: CODE … -->` on a heading ties the section to the findings it repairs."""

from __future__ import annotations

import re
from collections.abc import Collection

from checks.runbook.markdown import Heading, Page
from checks.runbook.mistakes import Mistakes, Place
from checks.suggest import did_you_mean

_FIXES = re.compile(r"<!--\s*fixes:\s*(?P<codes>[^<>]*?)\s*-->")
_MEANT_TO_BE = re.compile(r"<!--\W*fix(es)?\b", re.IGNORECASE)
_ELSEWHERE = re.compile(r"<!--\W*fix(es)?\s*:", re.IGNORECASE)
_HINT = "write it on the heading's own line, such as `## Connection refused <!-- fixes: connectivity.refused -->`"


def read_fixes(page: Page, heading: Heading, codes: Collection[str], mistakes: Mistakes) -> tuple[str, ...]:
    """The codes a heading says it fixes, those that exist. `connectivity.*` stands for all of its kind."""
    source = page.text(heading.span)
    known = set(codes) | {f"{code.partition('.')[0]}.*" for code in codes}
    found: dict[str, None] = {}
    for meant in _MEANT_TO_BE.finditer(source):
        match = _FIXES.match(source, meant.start())
        if match is None or not match["codes"] or match[0] not in heading.comments:
            place = _place(heading, source, meant.start())
            mistakes.add(place, "this comment should name the codes that the section fixes, and does not", _HINT)
            continue
        for word in re.finditer(r"[^\s,]+", match["codes"]):
            place = _place(heading, source, match.start("codes") + word.start())
            if _exists(word[0], known, place, mistakes):
                found[word[0]] = None
    return tuple(found)


def check_stray_fixes(page: Page, mistakes: Mistakes) -> None:
    """A `fixes` comment anywhere but on a heading ties nothing to anything."""
    for words in page.words():
        for match in _ELSEWHERE.finditer(words.content):
            line = words.span.start + words.content.count("\n", 0, match.start())
            place = Place(line + 1, max(page.lines[line].find("<!--"), 0) + 1)
            mistakes.add(place, "a `fixes` comment stands on no heading, so it fixes nothing", _HINT)


def _exists(code: str, known: Collection[str], place: Place, mistakes: Mistakes) -> bool:
    if code not in known:
        hint = did_you_mean(code, known) or "`invoke explain` lists every code"
        mistakes.add(place, f"`{code}` is not the code of any finding", hint)
    return code in known


def _place(heading: Heading, source: str, index: int) -> Place:
    before = source[:index]
    return Place(heading.span.start + 1 + before.count("\n"), index - before.rfind("\n"))
