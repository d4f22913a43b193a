"""`<!-- fixes: CODE … "NAME OF A CHECK" … -->` on a heading ties the section to the findings it repairs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from checks.runbook.markdown import Heading, Page, Words
from checks.runbook.mistakes import Mistakes, Place
from checks.suggest import closest, did_you_mean, did_you_mean_code

_FIXES = re.compile(r"<!--\s*fixes:\s*(?P<named>.*?)\s*-->", re.DOTALL)
_WORD = re.compile(r'"(?P<check>[^"]*)"(?=[\s,]|\Z)|(?P<code>[^\s,"]+)(?=[\s,]|\Z)|[^\s,]')
_MEANT_TO_BE = re.compile(r"<!--\W*fix(es)?\b", re.IGNORECASE)
_ELSEWHERE = re.compile(r"<!--\W*fix(es)?\s*:", re.IGNORECASE)
_COMMENT = re.compile(r"<!--\W*(?P<word>[a-z]+)\s*[:=](?P<named>.*?)(-->|\Z)", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"\b[a-z]+\.[a-z_*]+")
_WORDS_OF_THEIR_OWN = {"fixme", "files", "fixture", "fixtures"}
_HINT = "write it on the heading's own line, such as `## Connection refused <!-- fixes: connectivity.refused -->`"
_QUOTES = "a check's name stands between two double quotes, and nothing but white space touches them"
_NAMES = "a check is called by its `name`, else by its kind, or the heading above a `sql check`"


class Ties(NamedTuple):
    """What a section is the fix for: finding codes, and checks of the page by name."""

    codes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nameable:
    """What a section may say it fixes. `checks` is None where a check of the page could not be read."""

    codes: Collection[str]
    checks: Collection[str] | None


def nameable(codes: Collection[str], checks: Collection[str] | None) -> Nameable:
    """Those codes and checks, and of each kind all its codes: `connectivity.*`."""
    return Nameable(set(codes) | {f"{code.partition('.')[0]}.*" for code in codes}, checks)


def read_fixes(page: Page, heading: Heading, known: Nameable, mistakes: Mistakes) -> Ties:
    """The codes and the checks that a heading says it fixes, those that exist."""
    source = page.text(heading.span)
    for match in _misspelt(source, known.codes):
        mistakes.add(_place(heading, source, match.start()), *_not_fixes(match))
    codes: dict[str, None] = {}
    checks: dict[str, None] = {}
    for word in _words(source, heading, mistakes):
        place = _place(heading, source, word.start())
        if word["check"] is not None and _is_check(word["check"], known, place, mistakes):
            checks[word["check"]] = None
        elif word["code"] is not None and _is_code(word["code"], known, place, mistakes):
            codes[word["code"]] = None
    return Ties(tuple(codes), tuple(checks))


def check_stray_fixes(page: Page, codes: Collection[str], mistakes: Mistakes) -> None:
    """A `fixes` comment anywhere but on a heading ties nothing to anything, nor does one that is misspelt."""
    for words in page.words():
        for match in _ELSEWHERE.finditer(words.content):
            place = _place_in(page, words, match.start())
            mistakes.add(place, "a `fixes` comment stands on no heading, so it fixes nothing", _HINT)
        for match in _misspelt(words.content, codes):
            mistakes.add(_place_in(page, words, match.start()), *_not_fixes(match))


def _misspelt(source: str, codes: Collection[str]) -> Iterator[re.Match[str]]:
    """Comments with almost the word `fixes` before codes of a kind there is: people comment pages in other words."""
    kinds = {code.partition(".")[0] for code in codes}
    for match in _COMMENT.finditer(source):
        word = match["word"].lower()
        near = word not in {"fix", "fixes", *_WORDS_OF_THEIR_OWN} and closest(word, ["fixes"])
        if near and any(code.partition(".")[0] in kinds for code in _CODE.findall(match["named"])):
            yield match


def _not_fixes(match: re.Match[str]) -> tuple[str, str]:
    return f"`{match['word']}` is not `fixes`, so this comment fixes nothing", _HINT


def _place_in(page: Page, words: Words, index: int) -> Place:
    line = words.span.start + words.content.count("\n", 0, index)
    return Place(line + 1, max(page.lines[line].find("<!--"), 0) + 1)


def _words(source: str, heading: Heading, mistakes: Mistakes) -> Iterator[re.Match[str]]:
    """Each code, and each name in quotes, of the comments on a heading."""
    for meant in _MEANT_TO_BE.finditer(source):
        match = _FIXES.match(source, meant.start())
        if match is None or not match["named"] or match[0] not in heading.comments:
            place = _place(heading, source, meant.start())
            mistakes.add(place, "this comment should name what the section fixes, and does not", _HINT)
            continue
        for word in _WORD.finditer(source, *match.span("named")):
            if word.lastgroup is None:
                place = _place(heading, source, word.start())
                mistakes.add(place, "a name in this comment is not between two quotation marks", _QUOTES)
                break  # which of the words after it are inside quotes is anybody's guess
            yield word


def _is_code(code: str, known: Nameable, place: Place, mistakes: Mistakes) -> bool:
    if code not in known.codes:
        hint = did_you_mean_code(code, known.codes) or f"docs/checks.md lists every code; {_QUOTES}"
        mistakes.add(place, f"`{code}` is not the code of any finding", hint)
    return code in known.codes


def _is_check(name: str, known: Nameable, place: Place, mistakes: Mistakes) -> bool:
    if known.checks is not None and name not in known.checks:
        hint = did_you_mean(name, known.checks) or _NAMES
        mistakes.add(place, f'"{name}" is not the name of any check on this page', hint)
    return known.checks is None or name in known.checks


def _place(heading: Heading, source: str, index: int) -> Place:
    before = source[:index]
    return Place(heading.span.start + 1 + before.count("\n"), index - before.rfind("\n"))
