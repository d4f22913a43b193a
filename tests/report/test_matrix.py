"""The matrix: every page on every major, in each form it is shown in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs

from checks.report.files import write as write_report
from checks.report.index import newest, rewrite_index
from checks.report.jsonfile import from_json, to_json
from checks.report.junit import junit
from checks.report.matrix import Matrix, matrix_of, schema
from checks.report.matrix_table import is_matrix
from checks.report.model import Report
from checks.report.nagios import line
from checks.report.summary import append_summary
from checks.result import Result
from tests.report.builders import one_of_each, page, report

PASSES, _, FAILS, ERRS, _ = one_of_each()


def on(major: int | None, *results: Result, name: str = "gaia") -> Report:
    """A report of a run on one major."""
    made = report(*results, runbook=page(results, name=name))
    return replace(made, run=replace(made.run, asked_major=major))


def three() -> list[Report]:
    """Two pages on two majors: one verdict of each kind."""
    return [on(15, PASSES), on(16, FAILS), on(15, PASSES, name="relay"), on(16, ERRS, name="relay")]


def matrix(reports: list[Report], **written: Path) -> Matrix:
    """The matrix there must be."""
    found = matrix_of(reports, written)
    assert found is not None
    return found


def test_one_major_is_no_matrix() -> None:
    """A run on the page's own major, or on one that was asked for, says it all by itself."""
    assert matrix_of([on(None, PASSES), on(None, PASSES, name="relay")], {}) is None
    assert matrix_of([on(16, PASSES), on(16, PASSES, name="relay")], {}) is None


def test_the_terminal_shows_pages_down_and_majors_across() -> None:
    """A major that could not be had is there, and not green."""
    assert matrix(three()).as_lines() == [
        "       15    16",
        "gaia   held  failed",
        "relay  held  could not tell",
    ]


def test_every_verdict_leads_to_its_report(tmp_path: Path) -> None:
    """The files beside it are one click away; where there are none, as in GitHub's summary, nothing is linked."""
    reports = three()
    written = {one.run.label: write_report(one, tmp_path).best for one in reports}
    found = matrix_of(reports, written)
    assert found is not None
    drawn = found.as_markdown()
    assert drawn.startswith("# On PostgreSQL 15 and 16\n\n2026-11-20 21:35:29 UTC\n\n| Runbook | 15")
    assert "[❔ COULD NOT TELL](20261120T213529Z-relay-verify-on16.md)" in drawn
    assert "](" not in found.as_markdown(linked=False)
    linked = [cell["report"] for row in json.loads(found.as_json())["rows"] for cell in row["cells"]]
    assert all((tmp_path / name).is_file() for name in linked)


def test_the_json_says_what_the_table_says() -> None:
    """Other programs get verdicts, exit codes and the worst of them."""
    found = json.loads(matrix(three()).as_json())
    assert (found["format"], found["version"], found["exit_code"], found["majors"]) == (
        "pgrunbook matrix",
        1,
        1,
        [15, 16],
    )
    cells = [
        (row["runbook"], cell["major"], cell["verdict"], cell["exit_code"])
        for row in found["rows"]
        for cell in row["cells"]
    ]
    assert cells == [
        ("gaia", 15, "held", 0),
        ("gaia", 16, "failed", 1),
        ("relay", 15, "held", 0),
        ("relay", 16, "could not tell", 3),
    ]


def test_the_json_is_as_its_schema_says() -> None:
    """Other programs can rely on the published form."""
    Draft202012Validator(schema()).validate(json.loads(matrix(three()).as_json()))


def test_files_of_one_second_keep_apart(tmp_path: Path) -> None:
    """Two commands at once, and the same page on two majors, all have files of their own."""
    for one in three():
        write_report(one, tmp_path)
    matrix(three()).write(tmp_path)
    matrix(three()).write(tmp_path)
    names = sorted(path.name for path in tmp_path.glob("*.json"))
    assert names == [
        "20261120T213529Z-gaia-verify-on15.json",
        "20261120T213529Z-gaia-verify-on16.json",
        "20261120T213529Z-relay-verify-on15.json",
        "20261120T213529Z-relay-verify-on16.json",
        "20261120T213529Z.matrix-2.json",
        "20261120T213529Z.matrix.json",
    ]
    assert [name for name in names if is_matrix(name)] == names[4:]


def test_the_index_begins_with_the_newest_matrix(tmp_path: Path) -> None:
    """It is no report, and so neither listed as a run nor called broken."""
    for one in three():
        write_report(one, tmp_path)
    matrix(three()).write(tmp_path)
    (tmp_path / "20271120T213529Z.matrix.json").write_text("{broken")
    shown = rewrite_index(tmp_path).read_text(encoding="utf-8")
    assert "Each page on each major, as last asked for:\n\n| Runbook | 15" in shown
    assert "| gaia on 16 " in shown
    assert "not reports" not in shown
    assert len(newest(tmp_path)) == 2


def test_every_form_tells_the_majors_apart() -> None:
    """One page on two majors is two suites, two figures and two lines."""
    reports = [on(15, PASSES), on(16, FAILS)]
    assert 'name="gaia on 15"' in junit(reports)
    assert 'classname="gaia on 16"' in junit(reports)
    assert "gaia on 16: 1 of 1 failed" in line(reports)
    assert "gaia_on_15_passed=1" in line(reports)


def test_the_step_summary_begins_with_the_matrix(tmp_path: Path) -> None:
    """Whoever opens the run on GitHub sees the majors first, and its bytes count."""
    file = tmp_path / "summary"
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)}
    first = matrix(three()).as_markdown(linked=False)
    append_summary(three(), environ, first=first, budget=10_000)
    assert file.read_text(encoding="utf-8").startswith(first)
    assert file.stat().st_size <= 10_000


def test_a_report_written_before_there_were_majors_can_be_read() -> None:
    """An older file has no `asked_major`, and is a run on the page's own."""
    old = json.loads(to_json(on(None, PASSES)))
    del old["run"]["asked_major"]
    assert from_json(json.dumps(old), path=Path("old.json")).run.label == "gaia"
