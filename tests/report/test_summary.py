"""GitHub's summary stays within its limit, and its annotations say what they were given."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.errors import UsageError
from checks.report.markdown import markdown
from checks.report.model import Report
from checks.report.summary import BUDGET, annotation_lines, append_summary, summary
from checks.runbook.model import Prose, Section
from tests.report.builders import broken, one_of_each, page, provenance, report, result
from tests.report.nasty import NASTY

LEFT_OUT = "\n*The rest does not fit into GitHub's summary. The report itself holds it.*\n"


def _long(length: int) -> Report:
    sections = [Section(2, f"Part {n}", n, (), (Prose("é" * (length // 20), n),)) for n in range(10, 20)]
    return report(runbook=page(one_of_each(), *sections))


def test_a_report_that_fits_is_shown_whole() -> None:
    """The summary is the report."""
    assert summary([report()]) == markdown(report())


def test_all_tables_come_before_all_details() -> None:
    """Five runbooks' verdicts are seen without scrolling past the first one's pages."""
    shown = summary([report(), report()])
    assert shown.rindex("# Gaia PostgreSQL: FAILED") < shown.index("## Verify")
    assert len(shown) == 2 * len(markdown(report())) + 1


@pytest.mark.parametrize("budget", [0, 50, 100, 500, 1_000, 5_000, 20_000, 100_000, BUDGET])
def test_a_summary_never_exceeds_its_bytes(budget: int) -> None:
    """GitHub drops one that is too long whole, and then there is none."""
    assert len(summary([_long(200_000), _long(2_000_000)], budget=budget).encode()) <= budget


def test_details_go_from_the_end_and_tables_stay() -> None:
    """What is cut first is what is read last; every runbook keeps its verdict and its table."""
    shown = summary([_long(200_000), _long(200_000)], budget=100_000)
    assert shown.count("| ➖ SKIPPED | is-skipped ") == 2  # noqa: RUF001 - as drawn
    assert "### Part 10" in shown
    assert "### Part 19" not in shown
    assert shown.endswith(LEFT_OUT)


def test_a_table_too_long_keeps_its_first_rows() -> None:
    """However many checks there are, there is a verdict."""
    many = report(*(result(f"check-{n}") for n in range(300)))
    shown = summary([many], budget=5_000)
    assert shown.startswith("# Gaia PostgreSQL: HELD\n\n**Held: all 300 checks passed.**")
    assert "| check-9 " in shown
    assert "| check-299 " not in shown


def test_what_others_wrote_counts(tmp_path: Path) -> None:
    """The limit is the step's, not the command's."""
    file = tmp_path / "summary.md"
    file.write_text("x" * 600)
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)}
    append_summary([report()], environ, budget=2_000)
    assert file.read_text().startswith("x" * 600 + "# Gaia PostgreSQL: FAILED")
    assert file.stat().st_size <= 2_000


def test_nothing_is_written_elsewhere(tmp_path: Path) -> None:
    """A variable left over on a laptop has no effect."""
    append_summary([report()], {"GITHUB_STEP_SUMMARY": str(tmp_path / "s")})
    assert list(tmp_path.iterdir()) == []


def test_a_summary_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """A variable that names no file of ours is the environment's mistake."""
    with pytest.raises(UsageError, match=r"GITHUB_STEP_SUMMARY names .*, which cannot be written: "):
        append_summary([report()], {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "s")})


def test_what_did_not_hold_is_annotated_at_its_line() -> None:
    """Failed and errored are errors, warned is a warning; nothing is said of the rest."""
    assert annotation_lines([report()]) == [
        "::error file=runbooks/gaia.md,line=5,title=gaia%3A fails failed::"
        "2 rows came back.%0AExpected: no rows%0AObserved: 2 rows",
        "::error file=runbooks/gaia.md,line=6,title=gaia%3A errs errored::no answer within its 10.0 s",
        "::warning file=runbooks/gaia.md,line=4,title=gaia%3A warns warned::"
        "2 rows came back.%0AExpected: no rows%0AObserved: 2 rows",
    ]


def test_the_eleventh_error_is_counted() -> None:
    """GitHub shows ten and is silent about the rest."""
    lines = annotation_lines([report(*(result(f"c{n}", broken(), line=n) for n in range(13)))])
    assert len(lines) == 11
    assert lines[10] == "::notice::3 more errors are in the summary and the report."


def test_properties_and_messages_are_escaped() -> None:
    """A comma in a name begins no new property, and a line end no new command."""
    made = report(
        result("a,b:c", broken("100%\n::error::owned", expected="", observed="")),
        origin=provenance(path="run,books/a:b.md"),
    )
    [line] = annotation_lines([made])
    assert line == ("::error file=run%2Cbooks/a%3Ab.md,line=1,title=gaia%3A a%2Cb%3Ac failed::100%25 ::error::owned")


@pytest.mark.parametrize("nasty", NASTY)
def test_an_annotation_is_one_line(nasty: str) -> None:
    """No text from a database starts a command of its own."""
    [line] = annotation_lines([report(result(f"n{nasty}", broken(nasty, expected=nasty, observed=nasty)))])
    assert line.startswith("::error file=")
    assert line.splitlines() == [line]
