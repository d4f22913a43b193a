"""The report for people. All of it is in tests/report/expected/gaia.md; here is what that one page cannot show."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from checks.check import Finding
from checks.report.layout import MARKS
from checks.report.markdown import markdown, parts, templates
from checks.report.model import Report
from checks.report.provenance import Provenance
from checks.result import Status
from checks.runbook.model import Fence, Prose, Section
from tests.report.builders import broken, holding, one_of_each, page, provenance, report, result
from tests.report.nasty import NASTY

PASSES, WARNS, FAILS, ERRS, IS_SKIPPED = one_of_each()


GITHUB = MarkdownIt("gfm-like", {"linkify": False})


def _headings(drawn: str) -> list[tuple[str, str]]:
    tokens = GITHUB.parse(drawn)
    return [(tokens[n].tag, tokens[n + 1].content) for n in range(len(tokens)) if tokens[n].type == "heading_open"]


def _tags(drawn: str) -> list[str]:
    """Every tag a browser would open."""
    opened: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
            opened.append(tag)

    Reader().feed(GITHUB.render(drawn))
    return opened


def test_the_verdict_comes_first() -> None:
    """Whoever opens a report learns in its first two lines how it went."""
    assert markdown(report(PASSES)).startswith("# Gaia PostgreSQL: HELD\n\n**Held: the one check passed.**\n")


def test_the_table_has_the_status_in_words() -> None:
    """Colour and signs help; a word is what can be searched for and read aloud."""
    head = parts(report())[0]
    assert [MARKS[status] in head for status in Status] == [True] * len(Status)


def test_the_report_has_one_title_and_the_pages_headings_below_it() -> None:
    """Headings of the page go one level down, as deep as Markdown has any."""
    sections = [Section(level, f"Level {level}", 20 + level, (), ()) for level in (2, 5, 6)]
    assert _headings(markdown(report(PASSES, runbook=page([PASSES], *sections)))) == [
        ("h1", "Gaia PostgreSQL: HELD"),
        ("h2", "Verify"),
        ("h3", "Level 2"),
        ("h6", "Level 5"),
        ("h6", "Level 6"),
        ("h2", "Provenance"),
    ]


def test_what_precedes_the_first_heading_is_shown() -> None:
    """A page may begin with prose."""
    drawn = markdown(_of_page(Section(0, "", 1, (), (Prose("Read me first.", 1),)), *page([PASSES]).sections))
    assert "\n\nRead me first.\n\n## Verify\n" in drawn


def test_a_fix_needed_twice_is_shown_once() -> None:
    """Nine checks that fail for one reason do not repeat one section nine times."""
    drawn = markdown(report(FAILS, result("fails-too", broken())))
    assert drawn.count("Look at the rows by hand.") == 1
    assert "> Fix: the same as for **fails**, above." in drawn


def test_a_reason_that_all_checks_share_is_told_once() -> None:
    """Where no server could be had, nineteen checks have no verdict for one reason, which stands in one place."""
    known = partial(
        result, status=Status.ERRORED, reason="No engine answers.", code="container.no_engine", hint="start it"
    )
    drawn = markdown(report(known("one"), known("two"), known("three")))
    assert drawn.count("No engine answers. (`container.no_engine`)") == 1
    assert drawn.count("Hint: start it") == 1
    assert drawn.count("> The reason is the same as for **one**, above.") == 2
    assert drawn.count("| the same as for one") == 2


def test_a_fix_nobody_needs_is_folded_and_the_needed_one_stands_under_its_failure() -> None:
    """A reader at night sees the section that helps, not all of them."""
    needed = Section(2, "Rows came back", 30, ("query.rows",), (Prose("Call Ada.", 31),))
    below = Section(3, "On a Sunday", 32, (), (Prose("Call Bob.", 33),))
    other = Section(2, "Refused", 40, ("connectivity.refused",), (Prose("Start it.", 41),))
    drawn = markdown(report(FAILS, runbook=page([FAILS], needed, below, other)))
    assert drawn.count("Call Ada.") == drawn.count("Call Bob.") == 1
    assert "> <summary>Fix: Rows came back (runbooks/gaia.md:30)</summary>" in drawn
    assert "\n*Rows came back* is the fix shown under **fails**.\n" in drawn
    assert "<summary>Refused</summary>\n\nStart it.\n" in drawn


def test_a_fix_that_names_only_checks_is_folded_too() -> None:
    """It is read where it is needed, not in its turn."""
    section = Section(2, "Nobody rules", 30, (), (Prose("Grant it.\n", 31),), fixes_checks=("fails",))
    assert "<summary>Nobody rules</summary>" in markdown(report(PASSES, runbook=page([PASSES], section)))
    drawn = markdown(report(FAILS, runbook=page([FAILS], section)))
    assert "*Nobody rules* is the fix shown under **fails**." in drawn
    assert drawn.count("Grant it.") == 1


def test_a_fix_that_asks_something_is_not_folded() -> None:
    """No result is hidden, wherever on the page its check stands."""
    asking = Section(2, "Rows came back", 30, ("query.rows",), (Fence("sql", "SELECT 1", 31, (PASSES.planned.entry,)),))
    assert "\n### Rows came back\n" in markdown(_of_page(asking))


def test_checks_not_selected_are_named_where_they_stand() -> None:
    """A fence without an answer says why."""
    drawn = markdown(report(PASSES, runbook=page([PASSES, FAILS])))
    assert "\n> Not selected for this run: fails.\n" in drawn


def test_a_failure_leads_to_its_place() -> None:
    """From the table one click shows the evidence."""
    assert "| [fails](#verify) " in markdown(report())


def test_a_long_or_many_lined_observation_gets_a_block() -> None:
    """A definition of an index is read as it was written."""
    drawn = markdown(report(result("a", broken(observed="CREATE INDEX\n  ON t (a)"))))
    assert "> - Observed:\n>\n>   ```text\n>   CREATE INDEX\n>     ON t (a)\n>   ```\n" in drawn


def test_what_is_as_expected_is_said_once() -> None:
    """A value that holds is not repeated."""
    finding = Finding("settings.as_expected", True, "It is.", "1.1", "1.1")
    assert "> - Expected and observed: 1.1\n" in markdown(report(result("a", finding)))


def test_an_empty_stretch_of_the_page_leaves_no_gap() -> None:
    """Where two fences follow each other, and before a first heading, there is nothing to show."""
    gap = Prose("\n\n", 2)
    fence = Fence("sql", "SELECT 1", 31, (PASSES.planned.entry,))
    drawn = markdown(_of_page(Section(0, "", 1, (), (gap,)), Section(2, "Here", 3, (), (gap, fence, gap))))
    assert "\n\n\n" not in drawn
    assert "|\n\n### Here\n\n```sql check\n" in drawn


def test_evidence_left_out_is_counted() -> None:
    """A shortened list says that it is one."""
    assert "> … and 3 more rows.\n" in markdown(report(result("a", broken(evidence=[{"n": n} for n in range(203)]))))


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (provenance(dirty=True), "`79538f8a79538f8a79538f8a79538f8a79538f8a`, with uncommitted changes"),
        (provenance(dirty=None), "; whether files changed since is not known"),
        (provenance(commit="", dirty=None), "| not a git checkout |"),
    ],
)
def test_provenance_says_how_sure_it_is_of_the_commit(origin: Provenance, said: str) -> None:
    """An auditor learns whether the commit is what ran."""
    assert said in markdown(report(PASSES, origin=origin))


def test_a_run_without_a_session_says_so() -> None:
    """No guards are claimed that nobody set."""
    assert "none: no session was opened" in markdown(report(ERRS, server=None))


@pytest.mark.parametrize("nasty", NASTY)
def test_no_data_changes_the_shape_of_a_report(nasty: str) -> None:
    """Names from a database neither open tags nor headings, nor break a table, nor reach a terminal as commands."""
    drawn = markdown(_with_everywhere(nasty))
    assert _headings(drawn) == _headings(markdown(_with_everywhere("harmless")))
    tags, harmless = _tags(drawn), _tags(markdown(_with_everywhere("harmless")))
    assert "script" not in tags
    assert tags.count("td") == harmless.count("td")
    assert "\x1b" not in drawn
    drawn.encode()


def test_nothing_but_layout_stands_between_two_parts() -> None:
    """A report has no more than one empty line in a row outside the page's own blocks."""
    assert "\n\n\n" not in markdown(report())


def test_the_templates_of_a_checkout_are_those_a_wheel_carries() -> None:
    """`pyproject.toml` puts this folder beside the module that looks for it."""
    carried = {"report.md.j2", "drill.md.j2", "index.md.j2", "chart.svg.j2"}
    assert {path.name for path in templates().iterdir()} == carried


def _with_everywhere(text: str) -> Report:
    """A report that has `text` wherever a database or a machine may put one."""
    evidence = [{"name": text, text: text}]
    finding = broken(f"Found {text}", expected=text, observed=text, evidence=evidence)
    errs = result("errs", status=Status.ERRORED, reason=f"because {text}", code="run.timeout", hint=f"try {text}")
    origin = provenance(command=f"invoke {text}", host=f"h {text}", user=f"u {text}")
    return report(result("a", finding), result("b", holding(f"All {text}")), errs, origin=origin)


def _of_page(*sections: Section) -> Report:
    """A run that passed, of a page of these sections."""
    return report(PASSES, runbook=replace(page([PASSES]), sections=sections))
