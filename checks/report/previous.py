"""What the report before this one said, so that a check can tell growth from size.

A run that compares nothing reads nothing, and one that does parses one file: that of the newest report which has the
finding. No library is needed for it.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from itertools import islice
from pathlib import Path

from checks.catalog.circumstances import Earlier
from checks.plan import Plan

MOST_LOOKED_AT = 50  # reports; a page that is asked every minute without the check must not cost a second


def earlier(folder: Path, plan: Plan, code: str) -> Earlier | None:
    """The finding with that code in the newest report of the plan's page and environment in `folder`.

    None where there is none among the newest; files that are broken, gone or not ours are passed over.
    """
    for path in islice(_reports(folder, plan), MOST_LOOKED_AT):
        found = _finding(path, plan, code)
        if found is not None:
            return found
    return None


def _reports(folder: Path, plan: Plan) -> list[Path]:
    """The page's reports by name, newest first: `20261120T213529Z-gaia-prod.json`."""
    about = re.escape(f"{plan.runbook.front.runbook}-{plan.environment or plan.mode}")
    ours = re.compile(rf"\d{{8}}T\d{{6}}Z-{about}(-\d+)?\.json")
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if ours.fullmatch(entry.name)]
    except OSError:  # the first run of all: no folder yet
        return []
    return [folder / name for name in sorted(names, reverse=True)]


def _finding(path: Path, plan: Plan, code: str) -> Earlier | None:
    try:
        text = path.read_bytes()
        if f'"{code}"'.encode() not in text:
            return None
        report = json.loads(text)
        run = report["run"]
        if (run["runbook"], run["environment"]) != (plan.runbook.front.runbook, plan.environment):
            return None
        findings = [finding for check in report["checks"] for finding in check["findings"]]
        evidence = next(finding["evidence"] for finding in findings if finding["code"] == code)
        return Earlier(datetime.fromisoformat(run["started"]), tuple(map(dict, evidence)))
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        return None
