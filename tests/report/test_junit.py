"""JUnit XML as another program reads it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from checks.report.junit import junit
from checks.report.model import Report
from checks.result import Status
from tests.report.builders import broken, one_of_each, report, result
from tests.report.nasty import NASTY


def _cases(made: Report) -> dict[str, TestCase]:
    suites = JUnitXml.fromstring(junit([made]).encode())
    [suite] = list(suites)
    assert isinstance(suite, TestSuite)
    return {case.name: case for case in suite}


def test_every_status_has_its_element() -> None:
    """A failed check is a failure, one without a verdict an error; a warning passes and says so."""
    cases = _cases(report())
    assert {name: [type(one) for one in case.result] for name, case in cases.items()} == {
        "passes": [],
        "warns": [],
        "fails": [Failure],
        "errs": [Error],
        "is-skipped": [Skipped],
    }
    assert str(cases["warns"].system_out).startswith("WARNED: 2 rows came back. (query.rows)")


def test_strict_makes_a_warning_a_failure() -> None:
    """CI's report agrees with the exit code."""
    made = report(*one_of_each()[:2], strict=True)
    assert [type(one) for one in _cases(made)["warns"].result] == [Failure]
    assert 'failures="1"' in junit([made])


def test_the_counts_are_those_of_the_cases() -> None:
    """The suite says how many of each it holds."""
    [suite] = list(JUnitXml.fromstring(junit([report()]).encode()))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (5, 1, 1, 1)


def test_a_case_stands_at_its_line_of_the_page() -> None:
    """GitLab and others link to it."""
    root = ET.fromstring(junit([report()]))
    [case] = root.findall(".//testcase[@name='fails']")
    assert (case.get("file"), case.get("line"), case.get("classname")) == ("runbooks/gaia.md", "5", "gaia")


def test_a_failure_tells_the_whole_story() -> None:
    """Who sees only CI's report learns what is wrong, where, and what to do."""
    [failure] = _cases(report())["fails"].result
    assert (failure.message, failure.type) == ("2 rows came back.", "query.rows")
    assert failure.text == (
        "2 rows came back. (query.rows)\nExpected: no rows\nObserved: 2 rows\nAt runbooks/gaia.md:5\n\n"
        "Fix for query.rows:\nLook at the rows by hand."
    )


def test_several_runbooks_are_several_suites() -> None:
    """One file holds the outcome of one command."""
    assert len(list(JUnitXml.fromstring(junit([report(), report()]).encode()))) == 2


@pytest.mark.parametrize("nasty", NASTY)
def test_any_text_is_well_formed(nasty: str) -> None:
    """One control character in one message must not cost the whole file."""
    finding = broken(nasty, expected=nasty, observed=nasty, evidence=[{nasty: nasty}])
    errs = result("errs", status=Status.ERRORED, reason=nasty or "?", code="run.timeout", hint=nasty)
    assert len(_cases(report(result("a", finding), errs))) == 2


def test_a_control_character_is_spelt_out() -> None:
    """What the server sent can still be told."""
    [failure] = _cases(report(result("a", broken("\x1b[31mred"))))["a"].result
    assert failure.message == "#x1B[31mred"
