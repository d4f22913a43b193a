"""Numbered SQL files, and the tables that several tools keep of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks.errors import CouldNotTell
from checks.migrations.compare import compare
from checks.migrations.history import VersionTable
from checks.migrations.sql import applied, read, version
from checks.runbook.model import Migrations
from tests.migrations.trees import sql_tree


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("001_users.sql", "001"),
        ("20240101120000_users.sql", "20240101120000"),
        ("001_users.up.sql", "001"),
        ("7.sql", "7"),
        ("1.2_users.sql", "1.2"),
        ("001_2024_report.sql", "001"),
        ("3-users.sql", "3"),
        ("V1__users.sql", "1"),
        ("V1_2__users.sql", "1.2"),
        ("V2.10__users.sql", "2.10"),
        ("baseline.sql", "baseline"),
        ("2fast.sql", "2fast"),
    ],
)
def test_the_version_is_the_number_a_name_starts_with(name: str, expected: str) -> None:
    """Names of dbmate, golang-migrate, Flyway and people are understood; others are their own version."""
    assert version(Path(name)) == expected


def test_numbers_sort_as_numbers(tmp_path: Path) -> None:
    """10 comes after 9, and 1.10 after 1.9; the way down belongs to the file of its name."""
    names = ["10_j.sql", "9_i.sql", "1_a.up.sql", "1_a.down.sql", "1.10_c.sql", "1.9_b.sql"]
    history = read(tmp_path, sql_tree(tmp_path, dict.fromkeys(names, "")))
    assert [one.revision for one in history.migrations] == ["1", "1.9", "1.10", "9", "10"]
    assert [one.down and one.down.name for one in history.migrations[:2]] == ["1_a.down.sql", None]
    assert history.heads == ("10",)


def test_files_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    """Two of one number, leading zeros aside, and a way down from nowhere."""
    history = read(tmp_path, sql_tree(tmp_path, dict.fromkeys(["001_a.sql", "1_b.sql", "002_c.down.sql"], "")))
    assert history.mistakes == (
        "Version 1 is taken twice, by 001_a.sql and 1_b.sql.",
        "002_c.down.sql takes back a migration that is not there.",
    )


def test_an_empty_folder_is_no_verdict(tmp_path: Path) -> None:
    """Nothing to compare with is a mistake of the page."""
    with pytest.raises(CouldNotTell) as raised:
        read(tmp_path, Migrations("sql", "."))
    assert raised.value.code == "migrations.unreadable"


def test_flyways_other_kinds_are_left_out_and_told(tmp_path: Path) -> None:
    """An undo migration must not be applied as one more step forward."""
    history = read(tmp_path, sql_tree(tmp_path, dict.fromkeys(["V1__a.sql", "U1__a.sql", "R__views.sql"], "")))
    assert [one.revision for one in history.migrations] == ["1"]
    assert [mistake.split()[0] for mistake in history.mistakes] == ["R__views.sql", "U1__a.sql"]


def test_a_table_of_another_kind_is_no_verdict(tmp_path: Path) -> None:
    """Rows without a `version` are not taken for a history."""
    history = read(tmp_path, sql_tree(tmp_path, {"001_a.sql": ""}))
    with pytest.raises(CouldNotTell, match="no column `version`; it has id, is_applied"):
        applied([{"id": 1, "is_applied": True}], history)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"version": "001"}, {"version": "002"}, {"version": "003"}], ["at_head"]),
        ([{"version": 1}, {"version": 2}, {"version": 3}], ["at_head"]),
        ([{"version": "001_a"}, {"version": "002_b"}, {"version": "003_c"}], ["at_head"]),
        ([{"version": "001_a.sql"}, {"version": "002_b.sql"}, {"version": "003_c.sql"}], ["at_head"]),
        ([{"version": "001", "checksum": None}], ["behind"]),
        ([{"version": "001", "checksum": "0" * 64}, {"version": "002"}, {"version": "003"}], ["edited"]),
        ([{"version": "001"}, {"version": "002"}, {"version": "003"}, {"version": "004"}], ["ahead"]),
        ([{"version": "000"}, {"version": "001"}, {"version": "002"}, {"version": "003"}], ["missing"]),
        ([{"version": 3, "dirty": False}], ["at_head"]),
        ([{"version": 2, "dirty": False}], ["behind"]),
        ([{"version": 3, "dirty": True}], ["failed"]),
        ([{"version": 2, "dirty": True}], ["failed", "behind"]),
        ([{"version": 4, "dirty": False}], ["ahead"]),
        ([], ["empty_version_table"]),
    ],
)
def test_tables_of_other_tools_are_read_as_they_mean_them(
    tmp_path: Path, rows: list[dict[str, Any]], expected: list[str]
) -> None:
    """A bare `version` is enough; golang-migrate's one row stands for all below it, and its `dirty` for a failure."""
    history = read(tmp_path, sql_tree(tmp_path, {"001_a.sql": "1", "002_b.sql": "2", "003_c.sql": "3"}))
    found = compare(history, applied(rows, history), VersionTable("schema_migrations"))
    assert [finding.code.removeprefix("migrations.") for finding in found] == expected
