"""The JSON is the report: what goes out comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import UsageError
from checks.report.jsonfile import from_json, to_json
from tests.report.builders import broken, gaia, report, result
from tests.report.nasty import NASTY

PATH = Path("reports/some.json")


def test_a_report_comes_back_whole() -> None:
    """An old report can be drawn again as it was."""
    assert from_json(to_json(gaia()), path=PATH) == gaia()
    assert from_json(to_json(report(server=None)), path=PATH) == report(server=None)


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.floats() | st.booleans() | st.none())))
def test_evidence_comes_back_with_its_types(rows: list[dict[str, str | int | float | bool | None]]) -> None:
    """1, 1.0, true and "1" are four different things to an auditor."""
    made = report(result("a", broken(evidence=rows)))
    back = from_json(to_json(made), path=PATH)
    assert repr(back.checks[0].findings[0].evidence) == repr(made.checks[0].findings[0].evidence)


@pytest.mark.parametrize("nasty", NASTY)
def test_any_text_comes_back(nasty: str) -> None:
    """Control characters are JSON's to escape."""
    made = report(result("a", broken(nasty, expected=nasty)))
    assert from_json(to_json(made).encode(), path=PATH) == made


def test_the_run_stands_before_everything_long() -> None:
    """An index of a thousand reports reads the first bytes of each."""
    assert list(json.loads(to_json(gaia())))[:3] == ["format", "version", "run"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "this is not JSON"),
        ("[]", "this is not a report of pgrunbook"),
        ('{"format": "other"}', "this is not a report of pgrunbook"),
        ('{"format": "pgrunbook report", "version": 2}', "this is a report of version 2; known is 1"),
        ('{"format": "pgrunbook report", "version": 1}', "`run` is wrong: Field required"),
        ("\udcff", "this is not JSON"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str, said: str) -> None:
    """The message names the file and what it is instead of a report."""
    with pytest.raises(UsageError) as refused:
        from_json(text.encode(errors="surrogateescape"), path=PATH)
    assert refused.value.sentence.startswith(f"{PATH}: ")
    assert said in refused.value.sentence
    assert refused.value.hint
