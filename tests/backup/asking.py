"""Asks the `backup` check of a folder, as the runner would of a live environment; it has no query to send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.check import POSTGRESQL, Finding
from checks.runbook.model import Backups
from checks.targets.session import Endpoint
from tests.catalog.tools import params_of


def findings_of_backup(
    backups: Backups | None, params: Any = None, *, folder: Path = Path(), **known: Any
) -> list[Finding]:
    """What the check finds, all of it. `known` is more of what the run knows, such as `variables`."""
    circumstances = Circumstances(
        folder,
        POSTGRESQL,
        Endpoint(POSTGRESQL),
        **{"disposable": False, "runbook": "shop", "backups": backups, **known},
    )
    asking = CATALOG["backup"].ask(params_of("backup", params), circumstances)
    with pytest.raises(StopIteration) as stop:
        next(asking)
    findings: list[Finding] = stop.value.value
    assert {finding.code for finding in findings} <= set(CATALOG["backup"].codes)
    return findings


def broken(findings: list[Finding]) -> list[str]:
    """The codes of those that do not hold."""
    return [finding.code for finding in findings if not finding.holds]
