"""A container gives the same verdicts as the embedded default, to every check of every shipped page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checks.targets.binaries import available
from tests.command import ROOT, pgrunbook
from tests.systems.tools import SYSTEMS

ROWS = "100"
PATIENCE = 150.0  # seconds for all five, on a machine that is busy with other tests


# Whether a machine is quick enough at that moment to tell that a pool is fair; nothing that a kind of server decides.
OF_THE_MOMENT = {"pool.fair", "pool.unproven"}


def told(reports: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[str, str, list[str]]]:
    """By page and check: its status, why there is no verdict, and the codes of all its findings."""
    return {
        (report["run"]["runbook"], check["name"]): (
            status_of(check),
            check["code"],
            sorted({finding["code"] for finding in check["findings"]} - OF_THE_MOMENT),
        )
        for report in reports
        for check in report["checks"]
    }


def status_of(check: dict[str, Any]) -> str:
    """The check's status, but for what the moment alone warned of."""
    broken = {finding["code"] for finding in check["findings"] if not finding["holds"]}
    return "passed" if broken and broken <= OF_THE_MOMENT else str(check["status"])


@pytest.mark.timeout(2 * PATIENCE)  # ten databases are made, and the pools of four exercised twice
def test_every_check_of_every_page_says_the_same(postgres_images: list[str], tmp_path: Path) -> None:
    """The same major on both sides, all five pages at once, as `verify` runs them."""
    here = {str(one.major) for one in available()}
    majors = {image.rpartition(":")[2].partition("-")[0]: image for image in postgres_images}
    common = sorted(here & majors.keys())
    if not common:
        pytest.skip(f"no major is both installed ({', '.join(here)}) and an image ({', '.join(majors)})")
    asked = ["--postgres", common[0], "--rows", ROWS, "--format", "json", "--out", str(tmp_path)]
    asked += [word for system in SYSTEMS for word in ("--runbook", system)]
    embedded = pgrunbook("verify", *asked, folder=ROOT, patience=PATIENCE)
    image = ["--on", "container", "--image", majors[common[0]]]
    contained = pgrunbook("verify", *image, *asked, folder=ROOT, patience=PATIENCE)
    assert (embedded.code, contained.code) == (0, 0), contained.out[-2000:]
    reports = json.loads(contained.out)
    assert {report["server"]["major"] for report in reports} == {int(common[0])}
    assert told(reports) == told(json.loads(embedded.out))
    assert {name for name, _ in told(reports)} == set(SYSTEMS)
