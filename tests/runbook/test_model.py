"""A runbook as a value: what it can be asked, and that it keeps."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from tests.runbook.tools import page_is_read


def test_a_runbook_survives_pickling() -> None:
    """The cache gives back what was read."""
    runbook = page_is_read("sound")
    assert pickle.loads(pickle.dumps(runbook)) == runbook


def test_paths_are_relative_to_the_folder_above_runbooks() -> None:
    """A page in `runbooks/` speaks of the project; any other of its own folder."""
    runbook = page_is_read("sound")
    assert replace(runbook, path=Path("/project/runbooks/a.md")).folder == Path("/project")
    assert replace(runbook, path=Path("/project/a.md")).folder == Path("/project")


def test_the_fix_for_a_code_is_the_section_that_names_it() -> None:
    """Itself, or all of its kind; no section fixes what none names."""
    runbook = page_is_read("sound")
    for code in ("connectivity.refused", "tables.missing"):
        fix = runbook.fix_for(code)
        assert fix is not None
        assert fix.title == "Connection refused"
    assert runbook.fix_for("connectivity.timeout") is None


@pytest.mark.parametrize(
    ("code", "check", "title"),
    [
        ("query.rows", "Every session has a user", "A session without a user"),
        ("query.rows", "Every user has a role", "Some query or other"),
        ("query.rows", "", "Some query or other"),
        ("connectivity.refused", "connectivity", "Connection refused"),
        ("connectivity.refused", "Every session has a user", "Connection refused"),
        ("connectivity.timeout", "connectivity", "Any connection"),
        ("tables.missing", "tables", None),
    ],
)
def test_a_section_that_names_the_check_comes_before_one_that_names_its_code(
    code: str, check: str, title: str | None
) -> None:
    """The check, the code, the kind: the nearest wins, wherever it stands; and a server that is down is no check's."""
    fix = page_is_read("fixes-by-check-code-and-kind").fix_for(code, check)
    assert (fix.title if fix else None) == title
