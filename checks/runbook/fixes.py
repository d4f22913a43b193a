"""`<!-- fixes: CODE … -->` on a heading ties the section to the findings it repairs."""

from __future__ import annotations

import re
from collections.abc import Collection

from checks.runbook.markdown import Heading, Page
from checks.runbook.mistakes import Mistakes, Place
from checks.suggest import did_you_mean

_FIXES = re.compile(r"<!--\s*fixes:\s*(?P<codes>[^<>]*?)\s*-->")
_MEANT_TO_BE = re.compile(r"<!--\W*fix(es)?\b", re.IGNORECASE)
_HINT = "write it on the heading's own line, such as `## Connection refused <!-- fixes: connectivity.refused -->`"


def read_fixes(page: Page, heading: Heading, codes: Collection[str], mistakes: Mistakes) -> tuple[str, ...]:
    """The codes a heading says it fixes, those that exist."""
    found: list[str] = []
    source = page.text(heading.span)
    for start in (match.start() for match in _MEANT_TO_BE.finditer(source)):
        match = _FIXES.match(source, start)
        listed = re.findall(r"[^\s,]+", match["codes"]) if match and match[0] in heading.comments else []
        if not listed:
            mistakes.add(_place(heading, source, start), "this comment names no code that the section fixes", _HINT)
        assert match or not listed
        for code in listed:
            at = source.index(code, match.start("codes") if match else start)
            found += [code] if _exists(code, codes, _place(heading, source, at), mistakes) else []
    return tuple(dict.fromkeys(found))


def check_stray_fixes(page: Page, mistakes: Mistakes) -> None:
    """A `fixes` comment anywhere but on a heading ties nothing to anything."""
    for words in page.words():
        match = _MEANT_TO_BE.search(words.content)
        if match and re.match(r"[^\n]*fix(es)?\s*:", words.content[match.start() :], re.IGNORECASE):
            line = words.span.start + words.content.count("\n", 0, match.start())
            column = max(page.lines[line].find("<!--"), 0) + 1
            mistakes.add(Place(line + 1, column), "a `fixes` comment stands on no heading, so it fixes nothing", _HINT)


def _exists(code: str, codes: Collection[str], place: Place, mistakes: Mistakes) -> bool:
    known = set(codes) | {f"{known.partition('.')[0]}.*" for known in codes}
    if code not in known:
        hint = did_you_mean(code, known) or "`invoke explain` lists every code"
        mistakes.add(place, f"`{code}` is not the code of any finding", hint)
    return code in known


def _place(heading: Heading, source: str, index: int) -> Place:
    before = source[:index]
    return Place(heading.span.start + 1 + before.count("\n"), index - before.rfind("\n"))
