"""Suspicious: what honest dumps hold is not refused, and an archive's entries are looked at like plain SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.backup.formats import identify
from checks.backup.suspicious import suspicious
from checks.check import Severity
from tests.backup.shop import Healthy


def codes_of(path: Path) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in suspicious(path, identify(path))}


@pytest.mark.parametrize(
    ("option", "name"), [("custom", "x.dump"), ("directory", "x.dir"), ("tar", "x.tar"), ("plain", "x.sql")]
)
def test_a_dump_of_any_format_is_looked_into(healthy: Healthy, tmp_path: Path, option: str, name: str) -> None:
    """A function in C and a foreign server are in the table of contents as they are in SQL."""
    made = """CREATE FUNCTION outside() RETURNS int LANGUAGE internal AS 'pg_backend_pid';
        CREATE EXTENSION dblink; CREATE SERVER elsewhere FOREIGN DATA WRAPPER dblink_fdw"""
    with healthy.shop.changed(made) as shop:
        shop.dump(f"--format={option}", f"--file={tmp_path / name}")
    assert codes_of(tmp_path / name) == {
        "backup.untrusted_code": Severity.FAIL,
        "backup.reaches_out": Severity.WARN,
    }


@pytest.mark.parametrize(
    "options", [("--inserts",), ("--column-inserts", "--rows-per-insert=10"), ("--clean", "--if-exists")]
)
def test_an_honest_dump_is_not_suspected(healthy: Healthy, tmp_path: Path, options: tuple[str, ...]) -> None:
    """With inserts, or with what drops the old objects first."""
    path = tmp_path / "shop.sql"
    path.write_bytes(healthy.shop.dump(*options))
    assert codes_of(path) == {}


def test_a_whole_cluster_says_that_it_connects_and_makes_roles(healthy: Healthy, tmp_path: Path) -> None:
    """pg_dumpall does so honestly, and it is told all the same: it is no dump of one database."""
    path = tmp_path / "all.sql"
    path.write_bytes(healthy.shop.dump("--no-role-passwords", program="pg_dumpall"))
    assert codes_of(path) == {
        "backup.connects_elsewhere": Severity.FAIL,
        "backup.makes_superuser": Severity.WARN,
    }


def test_a_name_of_two_lines_is_no_command_of_its_own(healthy: Healthy, tmp_path: Path) -> None:
    """A script made of such an archive would have psql obey the second line."""
    path = tmp_path / "shop.dump"
    with healthy.shop.changed('CREATE TABLE "two\n\\! touch lines" ()') as shop:
        shop.dump("--format=custom", f"--file={path}")
    assert codes_of(path) == {"backup.meta_command": Severity.FAIL}


def test_nothing_of_the_statement_is_shown_but_its_name(healthy: Healthy, tmp_path: Path) -> None:
    """A connection string holds a password, and evidence is counts and names."""
    path = tmp_path / "shop.sql"
    line = b"\nCREATE SUBSCRIPTION s CONNECTION 'host=x password=hunter2' PUBLICATION p;\n\\connect postgresql://u:hunter2@h/d\n"
    path.write_bytes(healthy.plain.read_bytes().replace(b"\nCREATE TABLE", line + b"CREATE TABLE", 1))
    found = suspicious(path, identify(path))
    assert [finding.code for finding in found] == ["backup.reaches_out", "backup.connects_elsewhere"]
    assert "hunter2" not in str(found)
