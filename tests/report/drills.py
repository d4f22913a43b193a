"""Drills made by hand: a good one, and what changes it into another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from checks.check import Code, Finding
from checks.drilled import Budgets, Drill, Earlier, Fidelity, Likeness, Phase, Rung, Step
from checks.report.compose import report_of
from checks.report.model import Report
from checks.result import Result, Status
from tests.report.builders import CODES, holding, provenance, result, results_of

OK = "drill.ok"
DRILL_CODES = {**CODES, "drill.row_lost": Code("Rows are missing.", "They are lost.", "Take the backup before it.")}


def step(rung: Rung, *findings: Finding, status: Status = Status.PASSED, **known: Any) -> Step:
    """One rung; without findings it holds."""
    usual = (Finding(OK, True, f"All {rung.value} are as they were."),) if status is Status.PASSED else ()
    return Step(rung, status, findings or usual, seconds=0.25, **known)


LADDER = tuple(step(rung) for rung in Rung if rung is not Rung.BOUNDARY)
HELD = Drill(
    origin="the folder /backups/relay",
    artifact="relay-20261121T010000Z.dump",
    format="custom",
    bytes=12_345_678,
    taken="2026-11-21T01:00:00Z",
    dated="by its manifest",
    source_server="PostgreSQL 15.18",
    copy_server="PostgreSQL 15.18",
    began="2026-11-21T09:12:00Z",
    phases=(
        Phase("acquire", 0.0, 0.4),
        Phase("restore", 0.4, 2.1),
        Phase("verify", 2.5, 1.5),
        Phase("checks", 2.6, 1.0),
    ),
    steps=LADDER,
    fidelity=(
        Fidelity("role relay_app", "LOGIN", "LOGIN", Likeness.MATCHED),
        Fidelity("collation", "en_US.UTF-8", "C.UTF-8", Likeness.SUBSTITUTED),
        Fidelity("extension pg_cron", "1.6", "", Likeness.NOT_VERIFIABLE),
    ),
    budgets=Budgets(rto=1800.0, rpo=86400.0, every=90 * 86400.0),
    rto_usable=2.5,
    rto_verified=4.0,
    rpo=29520.0,
    hashes={"artifact": "ab" * 32, "manifest": "cd" * 32, "runbook": "3f2a" * 16},
    versions={"pg_restore": "15.18", "pgrunbook": "0.1.0"},
    operator="sam",
    host="laptop",
    trend=(
        Earlier("2026-05-20T09:00:00Z", True, 3.5, proven=True),
        Earlier("2026-08-20T09:00:00Z", False, None),
        Earlier("2026-08-21T09:00:00Z", True, 3.7, proven=True),
    ),
)
LOST = Finding(
    "drill.row_lost",
    False,
    "1 row of audit_log is missing.",
    "1000 rows",
    "999 rows",
    ({"table": "audit_log", "before": 1000, "after": 999},),
)


def with_rung(drill: Drill, rung: Rung, *findings: Finding, status: Status, **known: Any) -> Drill:
    """The drill with another outcome of one rung."""
    steps = tuple(step(rung, *findings, status=status, **known) if one.rung is rung else one for one in drill.steps)
    return replace(drill, steps=steps)


UNPROVEN = with_rung(HELD, Rung.DIGESTS, status=Status.SKIPPED, reason="there is no manifest")
FAILED = replace(
    with_rung(
        with_rung(HELD, Rung.COUNTS, LOST, status=Status.FAILED),
        Rung.DIGESTS,
        status=Status.SKIPPED,
        reason="the artifact has no manifest",
    ),
    unproven=("Whether cells changed: the artifact has no manifest to hold them against.",),
    notes=("Read back from the copy: archive_mode off.",),
)


def drilled(drill: Drill = HELD, *results: Result, strict: bool = False, **options: Any) -> Report:
    """The report of a drill, whose copy gave these results."""
    whole = results_of(results or (result("connectivity", holding()),), **options)
    return report_of(whole, provenance=provenance(), codes=DRILL_CODES, strict=strict, drill=drill)
