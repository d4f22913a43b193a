"""Found: what other programs and pgrunbook leave in a folder, newest first, and nothing that is no backup."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.backup.dates import date_in
from checks.backup.found import found, name_in
from checks.backup.listing import Folder
from checks.errors import CouldNotTell

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def names(folder: Path, pattern: str | None = "*.dump", **more: str | tuple[str, ...]) -> list[str]:
    listing = Folder(folder)
    return [name_in(listing, one) for one in found(listing, pattern=pattern, runbook="relay", **more)]  # type: ignore[arg-type]  # as a test writes them


def write(path: Path, *, at: datetime = NOW, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def manifest(path: Path, taken: datetime, runbook: str = "relay") -> None:
    said = {
        "kind": "pgrunbook manifest",
        "version": 1,
        "runbook": runbook,
        "taken": taken.isoformat(),
        "bytes": path.stat().st_size,
        "files": {path.name: "0" * 64},
    }
    path.with_name(f"{path.name}.manifest.json").write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("gaia_backup_20240101_120000.sql.gz", "2024-01-01T12:00:00+00:00"),
        ("relay-20261121T090000Z.dump", "2026-11-21T09:00:00+00:00"),
        ("db_2026-01-02T03:04:05+02:00.sql", "2026-01-02T01:04:05+00:00"),
        ("db-2026.01.02-0304.tar", "2026-01-02T03:04:00+00:00"),
        ("20260102030405.dump", "2026-01-02T03:04:05+00:00"),
        ("shop-1767323045.dump", "2026-01-02T03:04:05+00:00"),
        ("shop-1767323045123.dump", "2026-01-02T03:04:05+00:00"),
        ("2025-12-31/shop_20260102T030405Z.dump", "2026-01-02T03:04:05+00:00"),
        ("backup_20251225.dump", "2025-12-25T00:00:00+00:00"),
        ("gaia-prod-2026-01-02.sql.gz", "2026-01-02T12:00:00+00:00"),
        ("backup_before_delete.dump", None),
        ("build-20261345.dump", None),
        ("v15.18.dump", None),
    ],
)
def test_a_date_in_a_name_is_read_as_scripts_write_it(
    name: str, taken: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With or without a zone and separators; a day alone leaves the hour to the file, where it is of that day."""
    monkeypatch.setenv("TZ", "UTC")
    found = date_in(name, NOW)
    assert (found.isoformat() if found else None) == taken


def test_the_newest_is_first_by_its_name_and_not_by_its_time(tmp_path: Path) -> None:
    """A copy has a new time and an old name."""
    write(tmp_path / "relay_20260101_000000.dump", at=NOW + timedelta(days=3))
    write(tmp_path / "relay_20260102_000000.dump", at=NOW)
    assert names(tmp_path) == ["relay_20260102_000000.dump", "relay_20260101_000000.dump"]
    assert names(tmp_path, dated="time") == ["relay_20260101_000000.dump", "relay_20260102_000000.dump"]


def test_a_manifest_says_when_a_backup_was_taken(tmp_path: Path) -> None:
    """It knows the snapshot's time; one that is damaged is told later, and the name is believed until then."""
    manifest(write(tmp_path / "relay_20260102_000000.dump"), NOW - timedelta(days=9))
    write(tmp_path / "relay_20260101_000000.dump")
    (tmp_path / "relay_20260101_000000.dump.manifest.json").write_text("{")
    [first, second] = found(Folder(tmp_path), pattern="*.dump", runbook="relay")
    assert (first.name, first.dated, first.has_manifest) == ("relay_20260101_000000.dump", "name", True)
    assert (second.dated, second.taken) == ("manifest", NOW - timedelta(days=9))


def test_what_is_no_backup_is_left_out(tmp_path: Path) -> None:
    """Partials, hidden files, checksums, manifests, logs, and a link to another of them."""
    newest = write(tmp_path / "a.dump")
    for other in (
        ".b.dump",
        "c.dump.partial",
        "d.dump.tmp",
        "a.dump.sha256",
        "a.dump.manifest.json",
        "a.dump.log",
        "e~",
    ):
        write(tmp_path / other)
    (tmp_path / "latest.dump").symlink_to(newest)
    assert names(tmp_path, "*") == ["a.dump"]


def test_a_directory_is_one_backup(tmp_path: Path) -> None:
    """It counts once, with the sum of its files, and the time of the newest."""
    write(tmp_path / "shop" / "toc.dat", content=b"12345", at=NOW - timedelta(days=1))
    write(tmp_path / "shop" / "1.dat", content=b"123")
    [one] = found(Folder(tmp_path), pattern="shop*", runbook="relay")
    assert (one.name, one.bytes, one.taken) == ("shop", 8, NOW)


def test_a_pattern_may_lead_into_folders(tmp_path: Path) -> None:
    """One folder a day is as usual as one file a day; the day is in the folder's name."""
    write(tmp_path / "2026-01-01" / "gaia.sql.gz", at=NOW - timedelta(days=1))
    write(tmp_path / "2026-01-02" / "gaia.sql.gz")
    assert names(tmp_path, "*/gaia.sql.gz") == ["2026-01-02/gaia.sql.gz", "2026-01-01/gaia.sql.gz"]


def test_without_a_pattern_those_of_the_runbook_are_found(tmp_path: Path) -> None:
    """Several systems may share a place, and several environments of one."""
    for name in (
        "relay-prod-20260102T000000Z.dump",
        "relay-dev-20260103T000000Z.dump",
        "gaia-prod-20260102T000000Z.dump",
    ):
        write(tmp_path / name)
    manifest(write(tmp_path / "relay-prod-20260104T000000Z.dump"), NOW, runbook="relay-prod")
    assert names(tmp_path, None) == ["relay-dev-20260103T000000Z.dump", "relay-prod-20260102T000000Z.dump"]
    assert names(tmp_path, None, environments=("prod",)) == ["relay-prod-20260102T000000Z.dump"]


def test_beside_those_of_a_pattern_our_own_are_found(tmp_path: Path) -> None:
    """A page whose scripts name them otherwise still has `invoke backup`; a name without a manifest is not enough."""
    write(tmp_path / "backup_20260101.dump")
    write(tmp_path / "relay-prod-20260103T000000Z.dump")
    manifest(write(tmp_path / "relay-prod-20260102T000000Z.dump"), NOW)
    manifest(write(tmp_path / "relay-dev-20260102T000000Z.dump"), NOW)
    assert names(tmp_path, "backup_*.dump", environments=("prod",)) == [
        "relay-prod-20260102T000000Z.dump",
        "backup_20260101.dump",
    ]


def test_a_folder_that_is_not_there_gives_no_verdict(tmp_path: Path) -> None:
    """No backups and no folder are not the same: it may only not be mounted."""
    with pytest.raises(CouldNotTell) as nothing:
        names(tmp_path / "unmounted")
    assert nothing.value.code == "backup.no_location"
