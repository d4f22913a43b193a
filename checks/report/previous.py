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
from typing import Any

from checks.catalog.past import Drawn, Earlier
from checks.check import Bar, Chart
from checks.plan import Plan

MOST_DRAWN = 10  # reports a trend is made of
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


def trend(folder: Path, plan: Plan, code: str) -> tuple[Drawn, ...]:
    """The charts of findings with that code in the newest reports of the plan's page and target, oldest first."""
    found: list[Drawn] = []
    for path in islice(_reports(folder, plan), MOST_DRAWN):
        found += _charts(path, plan, code)
    return tuple(reversed(found))


def _charts(path: Path, plan: Plan, code: str) -> list[Drawn]:
    """Those of one report, last first, as the whole is turned round."""
    try:
        text = path.read_bytes()
        if f'"{code}"'.encode() not in text:
            return []
        report = json.loads(text)
        run = report["run"]
        if (run["runbook"], run["environment"]) != (plan.runbook.front.runbook, plan.environment):
            return []
        began = datetime.fromisoformat(run["started"])
        findings = [finding for check in report["checks"] for finding in check["findings"]]
        drawn = [one["chart"] for one in findings if one["code"] == code and one.get("chart")]
        return [Drawn(began, _chart(one)) for one in reversed(drawn)]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _chart(written: Any) -> Chart:
    bars = tuple(Bar(**{**bar, "earlier": tuple(bar.get("earlier", ()))}) for bar in written["bars"])
    return Chart(str(written["title"]), str(written["unit"]), bars)


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
