"""The corpus: every backup that was broken on purpose is caught with its own code, and no healthy one is."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.backup.artifact import Format
from checks.backup.faults import BackupFault
from checks.backup.formats import identify
from checks.backup.suspicious import suspicious
from checks.backup.verify_archive import verify_archive
from checks.backup.whole import complete
from checks.catalog.codes import documented
from checks.check import Finding
from checks.runbook.model import Backups
from tests.backup.asking import broken, findings_of_backup
from tests.backup.corpus import FAULTS
from tests.backup.faults import Fault
from tests.backup.shop import Healthy

OF_ARTIFACTS = [fault for fault in FAULTS if fault.caught_by == "artifact"]
OF_THE_CHECK = [fault for fault in FAULTS if fault.caught_by == "check"]


def findings_of_artifact(path: Path, healthy: Healthy) -> list[Finding]:
    """All that is found of an artifact without restoring it, in the order a drill asks."""
    try:
        header = identify(path)
    except BackupFault as fault:
        return [fault.finding]
    found = complete(path, header)
    if any(finding.code != "backup.misnamed" for finding in found):
        return found
    if header.format not in {Format.PLAIN, Format.PHYSICAL}:
        found += verify_archive(path, healthy.shop.server.binaries)
    return [*found, *suspicious(path, header)]


def codes_of_check(path: Path) -> list[str]:
    """What the `backup` check finds in the folder of an artifact."""
    return broken(findings_of_backup(Backups(location=str(path.parent), pattern=path.name), {"manifest": "ignore"}))


@pytest.mark.parametrize("fault", OF_ARTIFACTS, ids=lambda fault: fault.name)
def test_a_broken_artifact_is_caught_without_a_server(fault: Fault, healthy: Healthy, tmp_path: Path) -> None:
    """Its first finding has the fault's own code, and says what to do in whole sentences."""
    found = findings_of_artifact(fault.make(healthy, tmp_path), healthy)
    assert found, "nothing was found"
    assert found[0].code in fault.codes, [str(finding) for finding in found]
    assert found[0].sentence.endswith((".", "?"))
    assert not found[0].holds


@pytest.mark.parametrize("fault", OF_THE_CHECK, ids=lambda fault: fault.name)
def test_what_shows_beside_the_artifact_is_caught_by_the_check(fault: Fault, healthy: Healthy, tmp_path: Path) -> None:
    """A checksum that is not that of the file, and a date that is too old or yet to come."""
    assert set(codes_of_check(fault.make(healthy, tmp_path))) == fault.codes


def test_a_healthy_artifact_is_none_of_these(healthy: Healthy) -> None:
    """Every way in which a fault is caught finds nothing at all in a healthy backup of any format."""
    for path in healthy.all:
        assert findings_of_artifact(path, healthy) == []
        assert codes_of_check(path) == []


def test_the_corpus_is_what_was_promised() -> None:
    """At least sixty faults, each format cut off at twenty offsets, each by its own name and with documented codes."""
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 60
    for form in ("custom", "plain", "tar", "gzip", "a directory's rows", "a directory's contents"):
        assert len([name for name in names if name.startswith(f"{form} cut off at")]) >= 20
    assert {code for fault in FAULTS for code in fault.codes} <= set(documented())
