"""Puts a page back together as sections, so that the report can repeat it word for word with the evidence between."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise

from checks.runbook.fixes import Ties
from checks.runbook.markdown import Page, Span
from checks.runbook.model import Fence, Prose, Section


def assemble(page: Page, checks: Mapping[int, Fence], ties: Mapping[int, Ties]) -> tuple[Section, ...]:
    """The page as sections, whose texts joined are the page without its front matter.

    `checks` are the check blocks, and `ties` what a heading says it fixes, by the line of the block or the heading,
    counted from 0.
    """
    start = page.front.end if page.front else 0
    headings = list(page.headings())
    bounds = [start, *(heading.span.start for heading in headings), len(page.lines)]
    blocks = [block.span for block in page.blocks() if block.span.start in checks]
    spans = [blocks[bisect_left(blocks, (low,)) : bisect_left(blocks, (high,))] for low, high in pairwise(bounds)]
    first = Section(0, "", start + 1, parts=_parts(page, Span(start, bounds[1]), spans[0], checks))
    sections = [first] if first.parts else []
    for heading, end, inside in zip(headings, bounds[2:], spans[1:], strict=True):
        parts = _parts(page, Span(heading.span.end, end), inside, checks)
        codes, names = ties.get(heading.span.start, Ties())
        line, text = heading.span.start + 1, page.text(heading.span)
        sections.append(Section(heading.level, heading.title, line, codes, parts, text, names))
    return tuple(sections)


def _parts(page: Page, whole: Span, blocks: Sequence[Span], checks: Mapping[int, Fence]) -> tuple[Prose | Fence, ...]:
    parts: list[Prose | Fence] = []
    start = whole.start
    for block in blocks:
        parts += [*_prose(page, Span(start, block.start)), checks[block.start]]
        start = block.end
    return (*parts, *_prose(page, Span(start, whole.end)))


def _prose(page: Page, span: Span) -> list[Prose]:
    text = page.text(span)
    return [Prose(text, span.start + 1)] if text else []
