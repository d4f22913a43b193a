"""Codes: whatever a check or the run can return is documented, and what is documented is returned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import checks
from checks.catalog import CATALOG
from checks.catalog.codes import CONNECTION_CODES, ENVIRONMENT_CODES, RUN_CODES, documented
from checks.targets.causes import CAUSES, code_of

PROJECT = Path(checks.__file__).parent.parent
CODE = re.compile(rf'"((?:run|environment|container|dump|store|{"|".join(CATALOG)})\.[a-z_]+)"')
WORD = re.compile(r'"([a-z_]+)"')
# Files, and keys of other things.
NO_CODES = {"run.py", "compose.yaml", "compose.yml", "migrations.path", "drill.artifact", "drill.origin"}


def quoted_in(folder: str, what: re.Pattern[str]) -> set[str]:
    """Everything of that form that stands between double quotes in the Python files of a folder."""
    files = (PROJECT / folder).rglob("*.py")
    return {found for path in files for found in what.findall(path.read_text(encoding="utf-8"))}


def test_every_code_in_the_source_is_documented() -> None:
    """No finding and no error carries a code that `invoke explain` does not know."""
    assert quoted_in("checks", CODE) - set(documented()) - NO_CODES == set()


def test_every_cause_of_a_failed_connection_is_documented() -> None:
    """Each row of the diagnosis has its code."""
    assert {code_of(cause) for cause in CAUSES} - set(CONNECTION_CODES) == set()


def test_every_code_belongs_to_its_check() -> None:
    """A code begins with the kind that returns it, so that a reader knows where to look."""
    for kind, check in CATALOG.items():
        assert [code for code in check.codes if not code.startswith(f"{kind}.")] == []
    assert [code for code in RUN_CODES if not code.startswith("run.")] == []
    assert [code for code in ENVIRONMENT_CODES if not code.startswith("environment.")] == []


@pytest.mark.parametrize("code", documented())
def test_every_code_says_what_why_and_how(code: str) -> None:
    """A code that is trouble says why it matters and what to do, in whole sentences."""
    words = documented()[code]
    assert words.meaning.endswith(".")
    assert bool(words.why) == bool(words.fix)
    assert all(part.endswith((".", "?")) for part in (words.why, words.fix) if part)


def test_only_good_news_needs_no_fix() -> None:
    """Codes without a fix are those of findings that hold."""
    assert sorted(code for code, words in documented().items() if not words.fix) == [
        "backup.measured",
        "benchmark.measured",
        "compose.healthy",
        "connections.measured",
        "connectivity.reachable",
        "drill.all_valid",
        "drill.artifact_whole",
        "drill.counts_match",
        "drill.digests_match",
        "drill.head_known",
        "drill.head_matches",
        "drill.indexes_whole",
        "drill.none_pending",
        "drill.objects_match",
        "drill.objects_of_files",
        "drill.pending_applied",
        "drill.pitr_boundary",
        "drill.pitr_intact",
        "drill.pitr_isolated",
        "drill.pitr_reached",
        "drill.recent",
        "drill.rehearsed",
        "drill.restore_harmless",
        "drill.restored",
        "drill.rpo_met",
        "drill.rto_met",
        "drill.sequences_ahead",
        "drill.views_readable",
        "http.answers",
        "indexes.as_expected",
        "migrations.at_head",
        "migrations.no_drift",
        "migrations.rehearsed",
        "pool.exhausted",
        "pool.fair",
        "pool.last_slot",
        "pool.leak_named",
        "pool.recovered",
        "pool.recycled",
        "pool.survives",
        "pool_budget.fits",
        "query.as_expected",
        "replication.in_step",
        "roles.as_declared",
        "schema.complete",
        "sequences.headroom",
        "settings.as_expected",
        "size.measured",
        "slow_queries.measured",
        "smoke.persisted",
        "storage.measured",
        "tls.in_use",
        "tls.not_in_use",
        "vacuum.keeps_up",
        "vacuum.tended",
        "variables.as_expected",
        "version.current",
        "version.newer_than_table",
    ]


def test_every_code_is_returned_in_some_test() -> None:
    """What is documented has been seen to happen, on a real server where it is about one."""
    seen = quoted_in("tests", CODE) | {f"connectivity.{cause}" for cause in quoted_in("tests/targets", WORD)}
    assert set(documented()) - seen == set()
