"""A runbook as a value: what it can be asked, and that it keeps."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

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
