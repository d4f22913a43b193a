"""The line and the exit code of a monitoring plug-in, as the guidelines for plug-ins have them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checks.check import Severity
from checks.report.model import Report
from checks.report.nagios import CRITICAL, LONGEST_LINE, OK, UNKNOWN, WARNING, line, state, unknown
from checks.result import Status
from tests.command import CANNOT_TELL, FAILS, HOLDS, page, pgrunbook
from tests.report.builders import broken, holding, report, result, results_of
from tests.report.builders import page as page_of
from tests.report.nasty import NASTY

PASSES = result("passes", holding())
WARNS = result("warns", broken(severity=Severity.WARN))
FAILING = result("fails", broken())
ERRS = result("errs", status=Status.ERRORED, reason="no answer", code="run.timeout")
SKIPPED = result("left-out", status=Status.SKIPPED, reason="only for prod", code="run.skipped")

LABEL = r"(?:'[^'=]+'|[^\s'=]+)"
FIGURE = re.compile(rf"({LABEL})=(-?[\d.]+)(s|%|c|[KMGT]?B)?(;[\d.:~@-]*){{0,4}}")


def figures(text: str) -> dict[str, float]:
    """The performance data as a monitor reads it: every figure, or none at all where one is malformed."""
    _, bar, data = text.rstrip("\n").partition(" | ")
    assert bar
    found = [FIGURE.fullmatch(one) for one in data.split(" ")]
    assert all(found), data
    return {match[1]: float(match[2]) for match in found if match}


@pytest.mark.parametrize(
    ("made", "code", "begins"),
    [
        (report(PASSES, SKIPPED), OK, "PGRUNBOOK OK - gaia: 1 of 2 passed | "),
        (report(PASSES, WARNS), WARNING, "PGRUNBOOK WARNING - gaia: 1 of 2 warned (warns) | "),
        (report(PASSES, WARNS, strict=True), CRITICAL, "PGRUNBOOK CRITICAL - gaia: 1 of 2 warned (warns) | "),
        (report(FAILING, ERRS), CRITICAL, "PGRUNBOOK CRITICAL - gaia: 1 of 2 failed (fails), 1 errored (errs) | "),
        (report(PASSES, WARNS, ERRS), UNKNOWN, "PGRUNBOOK UNKNOWN - gaia: 1 of 3 errored (errs), 1 warned (warns) | "),
        (report(SKIPPED), UNKNOWN, "PGRUNBOOK UNKNOWN - gaia: 0 of 1 passed | "),
        (report(PASSES, interrupted=True), UNKNOWN, "PGRUNBOOK UNKNOWN - gaia: 1 of 1 passed | "),
    ],
)
def test_each_verdict_is_a_state(made: Report, code: int, begins: str) -> None:
    """Failed is critical, warned is a warning, and without a verdict it is unknown: never OK."""
    assert state([made]) == code
    assert line([made]).startswith(begins)


def test_the_figures_are_counts_and_seconds() -> None:
    """How many checks came to what, with the thresholds a monitor draws, and how long it took."""
    told = line([report(PASSES, WARNS, FAILING, ERRS, SKIPPED)])
    assert told.partition(" | ")[2] == (
        "passed=1;;;0;5 warned=1;0;;0;5 failed=1;;0;0;5 errored=1;;;0;5 skipped=1;;;0;5 time=3.210s\n"
    )
    assert figures(told)["time"] == 3.21


def test_several_runbooks_are_one_line() -> None:
    """Joined, each with figures of its own; the worst state counts, and unknown is worse than a warning."""
    gaia = report(PASSES, WARNS)
    relay = report(ERRS, runbook=page_of([ERRS], name="relay"))
    told = line([gaia, relay])
    assert told.startswith("PGRUNBOOK UNKNOWN - gaia: 1 of 2 warned (warns); relay: 1 of 1 errored (errs) | ")
    assert told.count("\n") == 1
    assert (figures(told)["gaia_warned"], figures(told)["relay_errored"]) == (1, 1)
    assert state([gaia, report(FAILING), relay]) == CRITICAL


def test_no_report_is_unknown() -> None:
    """Nothing was asked, so nothing is known."""
    assert state([]) == UNKNOWN
    assert unknown("No such page.\nAnd | more.") == "PGRUNBOOK UNKNOWN - No such page. And / more.\n"


@pytest.mark.parametrize("name", [*NASTY, "a | b=1", "x" * 5000])
def test_no_name_breaks_the_line(name: str) -> None:
    """Names hold bars, line ends and escape codes; the figures are still found, and the line is bounded."""
    odd = result(name, broken())
    told = line([report(odd)])
    assert told.count("\n") == 1
    assert figures(told)["failed"] == 1
    assert len(told) < LONGEST_LINE + 500
    assert results_of([odd]).results


def test_many_names_are_counted() -> None:
    """The first five are named."""
    told = line([report(*(result(f"check-{n}", broken()) for n in range(9)))])
    assert "9 of 9 failed (check-0, check-1, check-2, check-3, check-4 and 4 more)" in told


WARNED = "```yaml check\nquery: {sql: SELECT 1, severity: warn}\n```\n"


@pytest.mark.parametrize(
    ("body", "arguments", "code"),
    [
        (HOLDS, [], OK),
        (HOLDS + WARNED, [], WARNING),
        (HOLDS + FAILS, [], CRITICAL),
        (CANNOT_TELL, [], UNKNOWN),
        (HOLDS, ["--only", "Nothing like this"], UNKNOWN),
        ("```yaml check\nconectivity: {}\n```\n", [], UNKNOWN),
    ],
)
def test_the_command_ends_as_a_plug_in_does(tmp_path: Path, body: str, arguments: list[str], code: int) -> None:
    """One line on stdout, and the code a monitor goes by, also for a page that is wrong."""
    page(tmp_path, "small", body)
    ended = pgrunbook("verify", "--format", "nagios", *arguments, folder=tmp_path)
    assert (ended.code, ended.out.count("\n")) == (code, 1), ended
    assert ended.out.startswith("PGRUNBOOK ")
    if "| " in ended.out:
        assert pgrunbook("report", "--format", "nagios", folder=tmp_path).code == code


@pytest.mark.parametrize("asked", [["--format", "nagios"], ["--format=nagios"]])
@pytest.mark.parametrize("command", ["check", "verify"])
def test_a_command_line_that_is_wrong_is_unknown_and_not_critical(
    tmp_path: Path, command: str, asked: list[str]
) -> None:
    """Nobody looked at any server, and whoever is on call is not woken by a typing error."""
    ended = pgrunbook(command, *asked, "--bogus", folder=tmp_path)
    assert (ended.code, ended.out) == (UNKNOWN, "PGRUNBOOK UNKNOWN - No idea what '--bogus' is!\n")
    assert pgrunbook(command, "--bogus", *asked, folder=tmp_path).code == UNKNOWN


def test_a_command_line_that_is_wrong_is_just_that_without_monitoring(tmp_path: Path) -> None:
    """With another form the code stays ours, and stdout empty."""
    ended = pgrunbook("check", "--format", "json", "--bogus", folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
