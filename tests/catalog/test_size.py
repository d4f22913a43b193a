"""Size: limits on the database and its tables, and the largest of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.errors import CouldNotTell
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import check_fails, check_holds, findings_of, run_sql, sqlite_file

TWO_TABLES = """
    CREATE TABLE small (n integer);
    CREATE SCHEMA audit;
    CREATE TABLE audit.log (n integer);
    INSERT INTO small VALUES (1);
    INSERT INTO audit.log SELECT generate_series(1, 5000);
"""


def test_sizes_are_shown_without_any_limit(target: EmbeddedTarget) -> None:
    """The check of no limit holds, and shows the database and its largest tables first."""
    run_sql(target, TWO_TABLES)
    [finding] = check_holds("size", "{}", target)
    assert finding.sentence.endswith("the largest are audit.log, small.")
    assert [row["table"] for row in finding.evidence] == ["audit.log", "small"]
    assert int(finding.evidence[0]["bytes"] or 0) > 100_000


def test_sizes_within_their_limits_hold(target: EmbeddedTarget) -> None:
    """Limits that are kept hold; a table outside public is written with its schema."""
    run_sql(target, TWO_TABLES)
    [finding] = check_holds("size", "{database: {lt: 1GB}, tables: {audit.log: {lt: 1MB}, small: 8kB}}", target)
    assert finding.expected == "the database less than 1 GB, audit.log less than 1 MB, small 8 kB"


def test_a_database_over_its_limit_does_not_hold(target: EmbeddedTarget) -> None:
    """A database larger than its limit is named with both sizes."""
    finding = check_fails("size", "{database: {lt: 1MB}}", target, code="size.database")
    assert finding.expected == "less than 1 MB"
    assert finding.observed.endswith(" MB")


def test_a_table_over_its_limit_does_not_hold(target: EmbeddedTarget) -> None:
    """A table larger than its limit is named."""
    run_sql(target, TWO_TABLES)
    finding = check_fails("size", "{tables: {audit.log: {lt: 8kB}}}", target, code="size.table")
    assert "audit.log" in finding.sentence


def test_a_table_that_is_missing_does_not_hold(target: EmbeddedTarget) -> None:
    """A limit on a table that does not exist is not kept, and the right name is guessed."""
    run_sql(target, TWO_TABLES)
    finding = check_fails("size", "{tables: {audit.logs: {lt: 1GB}}}", target, code="size.table_missing")
    assert finding.sentence == "There is no table audit.logs; did you mean `audit.log`?"


def test_a_partitioned_table_counts_with_its_partitions(target: EmbeddedTarget) -> None:
    """The size of a partitioned table is that of its partitions, which are not listed themselves."""
    run_sql(
        target,
        """
        CREATE TABLE log (n integer) PARTITION BY RANGE (n);
        CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (1000);
        CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (1000) TO (9000);
        INSERT INTO log SELECT generate_series(1, 8000);
        """,
    )
    [finding] = check_holds("size", "{tables: {log: {ge: 256kB}}}", target)
    assert [row["table"] for row in finding.evidence] == ["log"]


def test_a_sqlite_file_has_a_size(tmp_path: Path) -> None:
    """The size of a SQLite file is that of its pages."""
    target = sqlite_file(tmp_path / "teller.db", "CREATE TABLE log (n integer)")
    check_holds("size", "{database: {eq: 8kB}}", target)
    check_fails("size", "{database: {lt: 8kB}}", target, code="size.database")
    check_fails("size", "{tables: {logs: {lt: 8kB}}}", target, code="size.table_missing")


def test_a_size_nobody_knows_has_no_verdict(tmp_path: Path) -> None:
    """SQLite keeps no size of a table, so that a limit on one can be neither kept nor broken."""
    with pytest.raises(CouldNotTell, match="SQLite") as reason:
        findings_of(
            "size", "{tables: {log: {lt: 1GB}}}", sqlite_file(tmp_path / "t.db", "CREATE TABLE log (n integer)")
        )
    assert reason.value.code == "run.could_not_tell"
