"""Puts a page back together as sections, so that the report can repeat it word for word with the evidence between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from checks.runbook.markdown import Heading, Page, Span
from checks.runbook.model import Fence, Prose, Section


def assemble(page: Page, checks: Mapping[int, Fence], fixes: Mapping[int, tuple[str, ...]]) -> tuple[Section, ...]:
    """The page as sections, whose texts joined are the page without its front matter.

    `checks` are the check blocks, and `fixes` the codes a heading fixes, by the line of the block or the heading,
    counted from 0.
    """
    start = page.front.end if page.front else 0
    headings = list(page.headings())
    bounds = [heading.span.start for heading in headings] + [len(page.lines)]
    sections = [_section(page, None, Span(start, bounds[0]), checks, ())]
    for heading, (_, end) in zip(headings, pairwise(bounds), strict=True):
        span = Span(heading.span.end, end)
        sections.append(_section(page, heading, span, checks, fixes.get(heading.span.start, ())))
    return tuple(section for section in sections if section.level or section.parts)


def _section(
    page: Page, heading: Heading | None, span: Span, checks: Mapping[int, Fence], fixes: tuple[str, ...]
) -> Section:
    parts = tuple(_parts(page, span, checks))
    if heading is None:
        return Section(0, "", span.start + 1, parts=parts)
    return Section(heading.level, heading.title, heading.span.start + 1, fixes, parts, page.text(heading.span))


def _parts(page: Page, span: Span, checks: Mapping[int, Fence]) -> Iterator[Prose | Fence]:
    start = span.start
    for block in page.blocks():
        fence = checks.get(block.span.start)
        if fence is None or not span.start <= block.span.start < span.end:
            continue
        yield from _prose(page, Span(start, block.span.start))
        yield fence
        start = block.span.end
    yield from _prose(page, Span(start, span.end))


def _prose(page: Page, span: Span) -> Iterator[Prose]:
    text = page.text(span)
    if text:
        yield Prose(text, span.start + 1)
