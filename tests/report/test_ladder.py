"""A drill in a report: rungs count as checks do, times are held against budgets, and against earlier drills."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from junitparser import JUnitXml

from checks.catalog.codes import documented
from checks.drill.doubt import doubt
from checks.drilled import Budgets, Earlier, Rung
from checks.report import files, nagios
from checks.report.compose import fix_of
from checks.report.index import rewrite_index
from checks.report.jsonfile import from_json, to_json
from checks.report.junit import junit
from checks.report.ladder import CLAIMS, slower_by, sparkline, trend_sentence
from checks.report.markdown import markdown, parts
from checks.report.model import Verdict
from checks.report.summary import annotation_lines
from checks.report.terminal import print_outcome
from checks.result import Result, Status
from tests.report.builders import holding, result
from tests.report.drills import FAILED, HELD, LOST, UNPROVEN, drilled, with_rung

DAMAGE = result("query", status=Status.ERRORED, reason="no answer", code="run.timeout", hint="Try again.")


def test_every_rung_says_what_it_proves() -> None:
    """An auditor need not know what a digest is for."""
    assert set(CLAIMS) == set(Rung)


def test_a_drill_holds_when_every_rung_and_every_check_does() -> None:
    """The verdict is of both."""
    run = drilled().run
    assert (run.verdict, run.exit_code) == (Verdict.HELD, 0)
    assert run.sentence == "Held: all 11 rungs passed; the one check passed."


def test_a_drill_that_proved_no_contents_says_so_at_first_glance(tmp_path: Path) -> None:
    """On the terminal, in Markdown, JSON, JUnit and the list of reports; it did not fail, and is not as good as one."""
    report = drilled(UNPROVEN)
    assert (report.run.verdict, report.run.exit_code) == (Verdict.HELD_UNPROVEN, 0)
    assert markdown(report).startswith(
        "# Gaia PostgreSQL, restore drill: HELD, CONTENTS NOT PROVEN\n\n**Held, contents not proven: of 11 rungs, "
    )
    stream = StringIO()
    print_outcome([report], {}, stream=stream, environ={"FORCE_COLOR": "1"})
    assert "\x1b[1m\x1b[33mHELD, CONTENTS NOT PROVEN\x1b[0m: of 11 rungs" in stream.getvalue()
    read = from_json(to_json(report), path=Path("x"))
    assert (read.run.verdict, read.drill and read.drill.contents_proven) == ("held, contents not proven", False)
    [suite] = JUnitXml.fromstring(junit([report]).encode())
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (12, 0, 0, 1)
    assert '<property name="verdict" value="held, contents not proven" />' in junit([report])
    assert '<property name="drill.contents" value="not proven" />' in junit([report])
    files.write(report, tmp_path)
    rewrite_index(tmp_path)
    assert "⚠️ HELD, CONTENTS NOT PROVEN" in (tmp_path / "index.md").read_text(encoding="utf-8")


def test_a_base_backup_is_proven_by_its_own_manifest() -> None:
    """Its files were held against that, and there are no digests to compare."""
    boundary = replace(UNPROVEN.steps[0], rung=Rung.BOUNDARY)
    physical = replace(UNPROVEN, steps=(*UNPROVEN.steps, boundary))
    assert drilled(physical).run.verdict is Verdict.HELD
    without = with_rung(physical, Rung.ARTIFACT, doubt("drill.pitr_files_unproven", "None."), status=Status.WARNED)
    assert drilled(without).run.verdict is Verdict.HELD_UNPROVEN


def test_a_failed_rung_fails_the_drill() -> None:
    """Whatever the page's checks say of a copy that lacks a row."""
    run = drilled(FAILED).run
    assert (run.verdict, run.exit_code) == (Verdict.FAILED, 1)
    assert (run.counts[Status.FAILED], run.counts[Status.SKIPPED]) == (1, 1)


def test_a_failed_check_of_the_copy_fails_the_drill() -> None:
    """All rows came back, and the page says that they are wrong."""
    assert drilled(HELD, result("rule", LOST)).run.exit_code == 1


def test_a_rung_without_a_verdict_is_none_of_the_drill() -> None:
    """A digest that could not be computed is no digest that matched."""
    drill = with_rung(HELD, Rung.DIGESTS, status=Status.ERRORED, reason="the copy went away", code="run.could_not_tell")
    run = drilled(drill).run
    assert (run.verdict, run.exit_code) == (Verdict.COULD_NOT_TELL, 3)


@pytest.mark.parametrize("checks", [(), (DAMAGE,)])
def test_a_rung_without_a_verdict_says_why_and_what_to_do(checks: tuple[Result, ...]) -> None:
    """Whether or not a check of the page, which stands below it, has none for the same reason."""
    why = {"reason": DAMAGE.reason, "code": DAMAGE.code, "hint": DAMAGE.hint}
    drill = with_rung(HELD, Rung.DIGESTS, status=Status.ERRORED, **why)
    told = markdown(drilled(drill, *checks)).partition("## Timeline")[0]
    assert "no answer (`run.timeout`)" in told
    assert "Try again." in told
    assert "The reason is the same" not in told


def test_an_interrupted_drill_is_interrupted() -> None:
    """However far it got."""
    assert drilled(interrupted=True).run.exit_code == 130


def test_times_are_held_against_budgets() -> None:
    """A time without a budget, and a budget without a time, are not judged."""
    drill = replace(HELD, budgets=Budgets(rto=3.0), rto_verified=4.0, rto_usable=2.5)
    report = drilled(drill)
    assert report.drill is not None
    assert [measure.within for measure in report.drill.measures] == [True, False, None]
    unreached = drilled(replace(HELD, rto_usable=None)).drill
    assert unreached is not None
    assert unreached.measures[0].within is None


def test_an_age_that_is_the_files_is_no_plain_success() -> None:
    """It keeps the budget by the word of a file."""
    drawn = markdown(drilled(replace(HELD, dated="time of the file")))
    assert "⚠️ within, by the time of its file" in drawn
    assert "by the time of its file" not in markdown(drilled())


def test_a_dump_made_for_the_drill_is_not_said_to_be_young_enough() -> None:
    """The rung claims what was measured."""
    drawn = markdown(drilled(replace(HELD, rpo=None)))
    assert "| It was restored in time. " in drawn
    assert "no more would be lost" not in drawn
    assert "no more would be lost" in markdown(drilled())


def test_a_time_that_was_not_measured_is_not_said_to_be_missed() -> None:
    """`RPO: not reached` would tell an auditor that it was not kept."""
    told, report = StringIO(), drilled(replace(HELD, rpo=None))
    print_outcome([report], {}, stream=told, environ={})
    assert "what would be lost: not measured (budget" in told.getvalue()
    row = next(line for line in markdown(report).splitlines() if line.startswith("| RPO"))
    assert "not measured" in row
    assert "not judged" in row


def test_a_rung_without_a_time_shows_none() -> None:
    """And the page says where its time is."""
    steps = tuple(replace(one, seconds=0.0) if one.rung is Rung.COUNTS else one for one in HELD.steps)
    drawn = markdown(drilled(replace(HELD, steps=steps)))
    row = next(line for line in drawn.splitlines() if "| counts " in line)
    assert row.split("|")[3].strip() == "–"  # noqa: RUF001 - the sign of a time there is none of
    assert "A rung without a time" in drawn
    assert "A rung without a time" not in markdown(drilled())


def test_the_first_screen_has_what_an_auditor_asks_first() -> None:
    """Verdict, date, RTO and RPO against their budgets, the artifact, and by whom."""
    head = parts(drilled())[0]
    assert head.startswith("# Gaia PostgreSQL, restore drill: HELD\n")
    for told in ("2026-11-21 09:12:00 UTC", "by sam on laptop", "relay-20261121T010000Z.dump", "30 min", "8 h 12 min"):
        assert told in head
    assert len(head.splitlines()) < 20


def test_the_report_shows_what_a_drill_is_made_of() -> None:
    """Ladder, timeline, fidelity, what is unproven, trend, hashes, and where to sign, then the checks of the copy."""
    drawn = markdown(drilled(FAILED))
    headings = [line for line in drawn.splitlines() if line.startswith("## ")]
    assert headings[:8] == [
        "## The ladder",
        "## Timeline",
        "## Fidelity of the copy",
        "## What could not be proven",
        "## Earlier drills",
        "## What was drilled, with what",
        "## Sign-off",
        "## The runbook's checks, asked of the copy",
    ]
    for told in ("Fix for drill.row_lost", "not verifiable", "Reviewer", "`▇·▇█`", "ab" * 32, "archive_mode off"):
        assert told in drawn


def test_a_link_of_the_table_leads_past_the_drills_headings() -> None:
    """A page may have a section called as one of ours."""
    from checks.runbook.model import Fence, Section
    from tests.report.builders import page

    broken = result("rule", LOST)
    runbook = page([broken])
    fence = Fence("yaml", "query: {sql: SELECT 1}\n", 9, (broken.planned.entry,))
    twin = replace(runbook, sections=(Section(1, "Timeline", 7, (), (fence,)),))
    assert "[rule](#timeline-1)" in markdown(drilled(HELD, broken, runbook=twin))


def test_junit_has_a_case_for_every_rung() -> None:
    """One that was not climbed is skipped or an error, and never passed."""
    drill = with_rung(FAILED, Rung.VIEWS, status=Status.ERRORED, reason="no session", code="run.timeout")
    [suite] = JUnitXml.fromstring(junit([drilled(drill)]).encode())
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (12, 1, 1, 1)
    outcomes = {case.name: [type(one).__name__ for one in case.result] for case in suite}
    assert outcomes["drill: counts"] == ["Failure"]
    assert outcomes["drill: digests"] == ["Skipped"]
    assert outcomes["drill: views"] == ["Error"]
    assert outcomes["drill: artifact"] == []


def test_monitoring_gets_the_times_with_their_budgets() -> None:
    """So that a graph shows the budget as a line."""
    line = nagios.line([drilled(FAILED)])
    assert line.startswith("PGRUNBOOK CRITICAL - gaia: 1 of 12 failed (drill: counts)")
    assert "rto_verified=4.000s;;1800;0 rpo=29520.000s;;86400;0" in line
    unjudged = nagios.line([drilled(replace(HELD, budgets=Budgets(), rpo=None))])
    assert "rto_usable=2.500s;;;0" in unjudged
    assert "rpo" not in unjudged


def test_the_terminal_ends_with_the_ladder_and_the_times() -> None:
    """What was restored, which rungs held, and each time beside its budget."""
    stream = StringIO()
    print_outcome([drilled(FAILED)], {}, stream=stream, environ={})
    for told in (
        "relay-20261121T010000Z.dump (custom, 12 MB) of 2026-11-21 01:00:00 UTC",
        "rungs failed: counts",
        "rungs skipped: digests",
        "RTO: until the copy is verified: 4.0 s (budget 30 min)",
        "not proven: 2, in the report",
    ):
        assert told in stream.getvalue()


def test_github_is_told_of_a_broken_rung() -> None:
    """At the line of the page's drill check."""
    [line] = annotation_lines([drilled(FAILED)])
    assert "drill%3A counts failed" in line


def test_a_drill_survives_its_json() -> None:
    """An old drill can be drawn again, signatures and all."""
    report = drilled(FAILED)
    again = from_json(to_json(report), path=Path("report.json"))
    assert markdown(again) == markdown(report)


def test_a_drills_report_is_not_taken_for_a_run_of_its_environment(tmp_path: Path) -> None:
    """Whoever compares with the last look at prod must not compare with a copy."""
    from checks.plan import Mode

    written = files.write(drilled(environment="prod", mode=Mode.DRILL), tmp_path)
    assert written.json.name == "20261120T213529Z-gaia-prod-drill.json"
    assert files.write(drilled(mode=Mode.DRILL), tmp_path).json.name.endswith("-gaia-drill.json")


def test_an_older_report_has_no_drill() -> None:
    """The field is new, and the version is the same."""
    from tests.report.builders import report

    text = to_json(report(result("connectivity", holding()))).replace(',\n  "drill": null', "")
    assert '"drill"' not in text
    assert from_json(text, path=Path("report.json")).drill is None


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(3.6, "in line with them"), (5.4, "half as slow again or worse"), (None, "2 held.")],
)
def test_a_drill_is_compared_with_the_good_ones_before(seconds: float | None, told: str) -> None:
    """The median of the good ones, so that one slow machine is no measure."""
    assert trend_sentence(HELD.trend, seconds).rstrip(".").endswith(told.rstrip("."))


def test_an_earlier_drill_without_a_verdict_did_not_fail() -> None:
    """Nor did it hold: whoever was interrupted learnt nothing of the backup."""
    undecided = replace(HELD.trend[1], undecided=True)
    drawn = markdown(drilled(replace(HELD, trend=(HELD.trend[0], undecided))))
    assert "Of 2 earlier drills, 1 held, and 1 came to no verdict." in drawn
    assert "came to no verdict |" in drawn
    assert "did not hold" not in drawn


def test_failed_drills_are_no_measure_of_time() -> None:
    """One that broke off early was quick."""
    assert slower_by([Earlier("2026-01-01T00:00:00Z", False, 0.1)], 3.0) is None
    assert slower_by([], 3.0) is None
    assert slower_by([Earlier("2026-01-01T00:00:00Z", True, 2.0)], 3.0) == 1.5


def test_the_sparkline_has_a_sign_for_every_drill() -> None:
    """A drill that was never proven is a dot."""
    assert sparkline([1.0, None, 4.0]) == "▃·█"
    assert sparkline([None, None]) == "··"
    assert sparkline([0.0]) == "▁"


def test_a_drill_that_had_no_backup_says_so() -> None:
    """It has no name, size or time to show, no day by which the next one would do, and no rung that shares its time."""
    nothing = tuple(replace(one, status=Status.SKIPPED, findings=(), seconds=0.0, reason="x") for one in HELD.steps[1:])
    first = replace(
        HELD.steps[0], status=Status.ERRORED, findings=(), seconds=0.0, reason="y", code="run.timeout", hint="z"
    )
    report = drilled(replace(HELD, artifact="", format="", bytes=0, taken="", origin="latest", steps=(first, *nothing)))
    drawn = markdown(report)
    assert "- Backup: none came to hand; it was to come from latest\n" in drawn
    assert "Next drill due" not in drawn
    assert "A rung without a time" not in drawn
    assert "Next drill due" in markdown(drilled())
    stream = StringIO()
    print_outcome([report], {}, stream=stream, environ={})
    assert "no backup came to hand; it was to come from latest" in stream.getvalue()


def test_what_was_not_proven_is_not_answered_by_the_fix_of_a_failure() -> None:
    """A section for every code of drills says what to do when one failed; for a doubt it has to name the code."""
    from checks.runbook.model import Prose, Section
    from tests.report.builders import page

    def fixed_by(*fixes: str) -> str:
        section = Section(2, "The drill failed", 7, fixes, (Prose("Count on nothing.", 8),))
        runbook = replace(page([]), sections=(section,))
        return fix_of(runbook, "drill.objects_unproven", documented()["drill.objects_unproven"]).source

    assert fixed_by("drill.*") == "catalog"
    assert fixed_by("drill.objects_unproven") == "page"
