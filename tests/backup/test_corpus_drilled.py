"""The corpus, drilled: what restores without a word and is not what it was is caught by the rung that looks for it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from checks.drill.drill import drill
from checks.drill.request import Request
from checks.drilled import Drill
from checks.result import Result
from checks.runbook.reader import read
from tests.backup.corpus_drill import MANY_CELLS, OF_THE_DRILL
from tests.backup.faults import Fault
from tests.backup.shop import Healthy

PAGE = "---\nrunbook: shop\ntitle: Shop\n---\n# Shop\n"


class Nobody:
    """Watches, and says nothing."""

    def stage(self, sentence: str) -> None: ...

    def delayed(self, sentence: str) -> None: ...

    def finished(self, result: Result) -> None: ...


def drilled(path: Path, folder: Path) -> Drill:
    """The drill of an artifact, with no check of a page."""
    page = folder / "shop.md"
    page.write_text(PAGE, encoding="utf-8")
    request = Request(runbook=read(page, {}, ()), origin=str(path), asks=False)
    return drill(request, Nobody(), threading.Event())[0]


def codes(found: Drill) -> set[str]:
    """The codes of what does not hold, and of what has no verdict."""
    broken = {finding.code for step in found.steps for finding in step.findings if not finding.holds}
    return broken | {step.code for step in found.steps if step.code not in {"", "run.skipped"}}


@pytest.mark.parametrize("fault", OF_THE_DRILL, ids=lambda fault: fault.name)
def test_a_drill_sees_what_no_file_shows(fault: Fault, healthy: Healthy, tmp_path: Path) -> None:
    """By the fault's own code."""
    found = codes(drilled(fault.make(healthy, tmp_path), tmp_path))
    assert found & fault.codes, found


@pytest.mark.parametrize(("fault", "tables"), MANY_CELLS, ids=["one half", "the other"])
def test_a_drill_sees_one_changed_cell_of_every_type(
    fault: Fault, tables: frozenset[str], healthy: Healthy, tmp_path: Path
) -> None:
    """In few drills for all of them, as each is in a table of its own and each table is named."""
    found = drilled(fault.make(healthy, tmp_path), tmp_path)
    assert codes(found) == {"drill.content"}
    [content] = [finding for step in found.steps for finding in step.findings if finding.code == "drill.content"]
    assert {row["table"] for row in content.evidence} == tables


def test_a_healthy_backup_is_none_of_these(healthy: Healthy, tmp_path: Path) -> None:
    """With its manifest every rung holds, and nothing warns."""
    assert codes(drilled(healthy.proven, tmp_path)) == set()
