"""Side files: a checksum is found however it was written, and vouches for exactly its own backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.backup.faults import BackupFault
from checks.backup.listing import Folder
from checks.backup.sidefiles import checksums_of, manifest_of, sha256, wrong_files


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.dump"
    path.write_bytes(b"shop")
    return path


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("shop.dump.sha256", "{hash}  shop.dump"),
        ("shop.dump.sha256", "{hash} *shop.dump"),
        ("shop.dump.sha256", "{hash}"),
        ("shop.dump.sha256", "{hash}  /var/backups/shop.dump"),
        ("shop.dump.sha256sum", "SHA256 (shop.dump) = {hash}"),
        ("shop.dump.sha256", "\\{hash}  elsewhere.dump"),
        ("SHA256SUMS", "{other}  gaia.dump\n{hash}  ./shop.dump"),
    ],
)
def test_a_checksum_is_read_as_programs_write_it(shop: Path, name: str, line: str) -> None:
    """By sha256sum in its two modes, by BSD's and OpenSSL's form, alone, or in a list of many."""
    (shop.parent / name).write_text(line.format(hash=sha256(shop).upper(), other="0" * 64))
    vouched = checksums_of(Folder(shop.parent), shop.name, [name])
    assert vouched is not None
    assert wrong_files(shop, vouched) == []
    shop.write_bytes(b"shoq")
    assert wrong_files(shop, vouched) == ["shop.dump"]


def test_a_checksum_file_without_a_hash_is_told(shop: Path) -> None:
    """An empty one beside the backup vouches for nothing, and is not taken for none."""
    (shop.parent / "shop.dump.sha256").write_text("")
    with pytest.raises(BackupFault) as fault:
        checksums_of(Folder(shop.parent), shop.name, ["shop.dump.sha256"])
    assert fault.value.code == "backup.checksum"
    (shop.parent / "SHA256SUMS").write_text(f"{'0' * 64}  gaia.dump")
    assert checksums_of(Folder(shop.parent), shop.name, ["SHA256SUMS"]) is None


def test_each_file_of_a_directory_is_vouched_for(tmp_path: Path) -> None:
    """One that is missing is as wrong as one that differs."""
    folder = tmp_path / "shop.dir"
    folder.mkdir()
    for name in ("toc.dat", "1.dat"):
        (folder / name).write_text(name)
    lines = [f"{sha256(folder / name)}  shop.dir/{name}" for name in ("toc.dat", "1.dat")]
    (tmp_path / "shop.dir.sha256").write_text("\n".join(lines))
    vouched = checksums_of(Folder(tmp_path), "shop.dir", ["shop.dir.sha256"])
    assert vouched is not None
    assert wrong_files(folder, vouched) == []
    (folder / "1.dat").unlink()
    assert wrong_files(folder, vouched) == ["1.dat"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "else", "version": 1}', '{"kind": "pgrunbook manifest"}'])
def test_a_manifest_that_cannot_be_read_is_told(shop: Path, text: str) -> None:
    """Cut off, of something else, or of another version: it is not taken for none."""
    (shop.parent / "shop.dump.manifest.json").write_text(text)
    with pytest.raises(BackupFault) as fault:
        manifest_of(Folder(shop.parent), "shop.dump", ["shop.dump.manifest.json"])
    assert fault.value.code == "backup.manifest"
    assert manifest_of(Folder(shop.parent), "shop.dump", []) is None
