"""Formats: what a backup is and who wrote it, told from its first bytes; every healthy one goes on to its end."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import DataObject, binary, data, integers, sampled_from

from checks.backup.artifact import Format
from checks.backup.faults import BackupFault
from checks.backup.formats import identify
from checks.backup.suspicious import suspicious
from checks.backup.verify_archive import verify_archive
from checks.backup.whole import complete
from checks.catalog import CATALOG
from checks.check import Severity
from checks.errors import CouldNotTell
from checks.targets.binaries import Binaries
from tests.backup.shop import Healthy, Shop
from tests.majors import one_of_each_major, start


def test_a_healthy_backup_of_every_format_and_major_is_what_it_is(healthy_of_every_major: Healthy) -> None:
    """Format, versions and extensions are those of the server; nothing is missing, and nothing suspicious."""
    binaries = healthy_of_every_major.shop.server.binaries
    formats = (Format.CUSTOM, Format.DIRECTORY, Format.TAR, Format.PLAIN)
    for path, expected in zip(healthy_of_every_major.all, formats, strict=True):
        header = identify(path)
        assert header.format is expected
        assert (header.server, header.dumper) == (binaries.version.split()[0],) * 2
        assert complete(path, header) == []
        assert suspicious(path, header) == []
        if expected is not Format.PLAIN:
            assert header.database == healthy_of_every_major.shop.database
            assert header.entries
            assert verify_archive(path, binaries) == []


def test_what_is_piped_is_a_backup_too(healthy_of_every_major: Healthy, tmp_path: Path) -> None:
    """pg_dump cannot go back in a pipe, and some majors write the table of contents a second time into a file."""
    piped, redirected = tmp_path / "piped.dump", tmp_path / "redirected.dump"
    piped.write_bytes(healthy_of_every_major.shop.dump("--format=custom"))
    content = healthy_of_every_major.shop.dump("--format=custom", "--compress=0")
    redirected.write_bytes(content)
    for path in (piped, redirected):
        assert complete(path, identify(path)) == []
    assert identify(redirected).compression == ""


@pytest.mark.parametrize(
    ("suffix", "compression", "compress"),
    [(".gz", "gzip", gzip.compress), (".bz2", "bzip2", bz2.compress), (".xz", "xz", lzma.compress)],
)
def test_a_compressed_backup_is_what_it_holds(
    healthy: Healthy, tmp_path: Path, suffix: str, compression: str, compress: Callable[[bytes], bytes]
) -> None:
    """Plain SQL, a custom archive and a tar are known through what they are compressed by."""
    for whole in (healthy.plain, healthy.custom, healthy.tar):
        path = tmp_path / f"{whole.name}{suffix}"
        path.write_bytes(compress(whole.read_bytes()))
        header = identify(path)
        assert (header.format, header.packed) == (identify(whole).format, compression)
        assert complete(path, header) == []


@pytest.mark.parametrize(("program", "suffix"), [("zstd", ".zst"), ("lz4", ".lz4")])
def test_zstd_and_lz4_are_read_through_their_programs(
    healthy: Healthy, tmp_path: Path, program: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dump by `pg_dump | zstd` is read; where the program is missing, nothing is said of it but that."""
    path = tmp_path / f"shop.sql{suffix}"
    subprocess.run([program, "-q", str(healthy.plain), "-o" if program == "zstd" else "-z", str(path)], check=True)
    header = identify(path)
    assert (header.format, header.packed) == (Format.PLAIN, program)
    assert complete(path, header) == []
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert [finding.code for finding in complete(path, header)] == ["backup.truncated"]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(CouldNotTell) as nothing:
        identify(path)
    assert nothing.value.code == "backup.no_program"


def test_a_cluster_of_databases_is_one_plain_backup(healthy: Healthy, tmp_path: Path) -> None:
    """pg_dumpall ends with a line of its own; without it, that of its last database does not do."""
    path = tmp_path / "all.sql"
    whole = healthy.shop.dump("--no-role-passwords", program="pg_dumpall")
    path.write_bytes(whole)
    assert complete(path, identify(path)) == []
    path.write_bytes(whole[: whole.rindex(b"--\n-- PostgreSQL database cluster dump complete")])
    assert [finding.code for finding in complete(path, identify(path))] == ["backup.truncated"]


@pytest.fixture(scope="module")
def base_backups(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a base backup of each of pg_basebackup's formats, by its name."""
    folder = tmp_path_factory.mktemp("base")
    server = start(binaries, {"wal_level": "replica", "max_wal_senders": 4})
    try:
        whole = Shop(server, "postgres")
        for form in ("plain", "tar"):
            options = (f"--pgdata={folder / form}", f"--format={form}", "--checkpoint=fast", "--no-sync")
            whole.dump(*options, program="pg_basebackup")
        yield folder
    finally:
        server.stop()


@pytest.mark.parametrize("form", ["plain", "tar"])
def test_a_base_backup_is_known(base_backups: Path, tmp_path: Path, form: str) -> None:
    """pg_basebackup's folder, and its folder of tars."""
    path = shutil.copytree(base_backups / form, tmp_path / "base")
    header = identify(path)
    assert header.format is Format.PHYSICAL
    assert header.began is not None
    assert complete(path, header) == []
    (path / "backup_manifest").unlink()
    assert [finding.code for finding in complete(path, header)] == ["backup.truncated"]


def test_a_base_backup_without_one_of_its_files_says_which(base_backups: Path, tmp_path: Path) -> None:
    """What backup_manifest names is there, in the size that it has there."""
    path = shutil.copytree(base_backups / "plain", tmp_path / "base")
    (path / "global" / "pg_filenode.map").write_bytes(b"short")
    [finding] = complete(path, identify(path))
    assert (finding.code, "global/pg_filenode.map" in finding.sentence) == ("backup.part_missing", True)


def test_extensions_are_known_before_anything_is_restored(healthy: Healthy) -> None:
    """A server is chosen by them, so an archive and plain SQL name the same."""
    assert identify(healthy.custom).extensions == identify(healthy.plain).extensions == ("citext",)


def test_a_name_that_says_another_format_is_a_warning(healthy: Healthy, tmp_path: Path) -> None:
    """It can be restored, so the backup is good; the command in the page would not do it, so it is told."""
    path = tmp_path / "shop.sql.gz"
    shutil.copy(healthy.custom, path)
    [finding] = complete(path, identify(path))
    assert (finding.code, finding.severity) == ("backup.misnamed", Severity.WARN)
    assert "pg_restore" in finding.sentence


def test_what_may_not_be_read_is_not_judged(tmp_path: Path) -> None:
    """A folder in place of a file's parent, or a file without the right to read it: no verdict, and the reason."""
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(CouldNotTell) as nothing:
        identify(tmp_path / "file" / "below.dump")
    assert nothing.value.code == "backup.unreadable"


def test_a_pg_restore_that_is_too_old_gives_no_verdict(healthy: Healthy) -> None:
    """The archive may be good: the program that could say so is not there."""
    oldest = one_of_each_major()[-1]
    with pytest.raises(CouldNotTell) as nothing:
        verify_archive(healthy.custom, oldest)
    assert nothing.value.code == "backup.no_program"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=data())
def test_no_damage_is_anything_but_a_fault(healthy: Healthy, tmp_path: Path, damage: DataObject) -> None:
    """Bytes changed, lost or added anywhere: a verdict or none, in a sentence, and never a traceback."""
    whole = damage.draw(sampled_from([healthy.custom, healthy.tar, healthy.plain]))
    content = bytearray(whole.read_bytes())
    at = damage.draw(integers(0, min(len(content), damage.draw(sampled_from([64, 4096, len(content)]))) - 1))
    lost, added = damage.draw(integers(0, 8)), damage.draw(binary(max_size=8))
    path = tmp_path / whole.name
    path.write_bytes(content[:at] + added + content[at + lost :])
    try:
        header = identify(path)
        found = [*complete(path, header), *suspicious(path, header)]
    except BackupFault as fault:
        found = [fault.finding]
    except CouldNotTell:
        return
    assert {finding.code for finding in found} <= set(CATALOG["backup"].codes)
