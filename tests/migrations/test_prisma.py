"""Prisma's folders and rows."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from checks.errors import CouldNotTell
from checks.migrations.compare import compare
from checks.migrations.history import Applied, VersionTable
from checks.migrations.prisma import applied, checksum, checksums, read, version_table
from checks.runbook.model import Migrations
from tests.migrations.trees import prisma_tree

SCRIPT = b"CREATE TABLE a (n int);\nCREATE TABLE b (n int);\n"
CRLF = SCRIPT.replace(b"\n", b"\r\n")


def unpadded(text: str) -> str:
    """A checksum as old engines wrote it: a byte below 16 has one digit."""
    return "".join(str(text[at : at + 2]).removeprefix("0") for at in range(0, 64, 2))


@pytest.mark.parametrize("on_disk", [SCRIPT, CRLF], ids=["LF", "CRLF"])
@pytest.mark.parametrize("when_applied", [SCRIPT, CRLF], ids=["LF", "CRLF"])
def test_line_ends_changed_by_git_are_no_edit(on_disk: bytes, when_applied: bytes) -> None:
    """The checksum of either form of line ends is accepted for a script in either form."""
    assert sha256(when_applied).hexdigest() in checksums(on_disk)


def test_a_script_of_mixed_line_ends_is_known_as_it_is() -> None:
    """The bytes as they are on disk are one of the accepted forms."""
    mixed = b"a;\r\nb;\n"
    assert {sha256(form).hexdigest() for form in (mixed, b"a;\nb;\n", b"a;\r\nb;\r\n")} <= checksums(mixed)


def test_checksums_of_old_engines_without_zeros_are_accepted() -> None:
    """Short checksums are those of bytes written without a leading zero, and of no other script."""
    scripts = [f"SELECT {number};\n".encode() for number in range(20)]
    for script in scripts:
        old = unpadded(checksum(script))
        assert old in checksums(script)
        assert not any(old in checksums(other) for other in scripts if other != script)


def test_one_letter_changed_is_an_edit() -> None:
    """No accepted form hides a change of the text."""
    assert checksum(SCRIPT.replace(b"int", b"text")) not in checksums(SCRIPT)


def test_folders_are_migrations_in_the_order_of_their_names(tmp_path: Path) -> None:
    """`migration_lock.toml` is none; a folder without its script is told."""
    migrations = prisma_tree(tmp_path, {"20240202_b": "SELECT 2", "20240101_a": "SELECT 1"})
    (tmp_path / "prisma" / "migrations" / "20240303_c").mkdir()
    history = read(tmp_path, migrations)
    assert [one.name for one in history.migrations] == ["20240101_a", "20240202_b"]
    assert history.heads == ("20240202_b",)
    assert history.mistakes == ("20240303_c has no migration.sql.",)


@pytest.mark.parametrize("path", ["prisma/migrations", "prisma", "."])
def test_the_path_may_name_any_of_the_usual_folders(tmp_path: Path, path: str) -> None:
    """The migrations are found from the package, from prisma/ and from prisma/migrations/."""
    prisma_tree(tmp_path, {"20240101_a": "SELECT 1"})
    assert len(read(tmp_path, Migrations("prisma", path)).migrations) == 1


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_no_migration_at_all_is_no_verdict(tmp_path: Path, path: str) -> None:
    """A folder that is missing or holds nothing is a mistake of the page, not a database at its head."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(CouldNotTell) as raised:
        read(tmp_path, Migrations("prisma", path))
    assert raised.value.code == "migrations.unreadable"


def test_rows_mean_what_prisma_means_by_them(tmp_path: Path) -> None:
    """A retried migration has several rows, and `resolve --applied` leaves one that ran no step: both count."""
    history = read(tmp_path, prisma_tree(tmp_path, {"1_a": "SELECT 1", "2_b": "SELECT 2"}))
    found = applied(
        [
            {"migration_name": "1_a", "checksum": "x", "finished": False, "rolled_back": True},
            {"migration_name": "1_a", "checksum": checksum(b"SELECT 1"), "finished": True, "rolled_back": False},
            {"migration_name": "2_b", "checksum": checksum(b"SELECT 2"), "finished": True, "rolled_back": False},
        ],
        history,
    )
    assert found[0] == Applied("1_a", "x", finished=False, rolled_back=True)
    assert [one.code for one in compare(history, found, VersionTable("t"))] == ["migrations.at_head"]


def test_the_table_is_prismas_unless_the_page_says_otherwise() -> None:
    """The schema stands in a URL that is not read here, so the page tells it."""
    assert version_table(Path(), Migrations("prisma", ".")).quoted == '"_prisma_migrations"'
    assert version_table(Path(), Migrations("prisma", ".", table_schema="App")).quoted == '"App"."_prisma_migrations"'
