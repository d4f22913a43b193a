"""Half a backup never looks like one: it is made out of sight, and what a dead run left is removed."""

from __future__ import annotations

import fcntl
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from checks.backup import manifest
from checks.backup.staging import PREFIX, SUFFIX, staging, sweep
from checks.errors import CouldNotTell
from tests.backup.test_manifest import MADE
from tests.targets.embedding import is_alive

NAME = MADE.artifact


def left_by_a_dead_run(folder: Path, *, locked: bool = False) -> tuple[Path, int]:
    """A staging folder as SIGKILL leaves one, and a handle on its lock."""
    path = folder / f"{PREFIX}abc{SUFFIX}"
    path.mkdir()
    (path / NAME).write_bytes(b"PGDMP and half of the rest")
    handle = os.open(path / "owner.lock", os.O_CREAT | os.O_RDWR)
    if locked:
        fcntl.flock(handle, fcntl.LOCK_EX)
    return path, handle


def test_what_is_published_is_there_with_its_manifest(tmp_path: Path) -> None:
    """A file and a folder; nothing else stays."""
    for name, file in ((NAME, NAME), ("x-20261121T090000Z.dir", "x-20261121T090000Z.dir/toc.dat")):
        with staging(tmp_path) as workshop:
            (workshop.path / file).parent.mkdir(exist_ok=True)
            (workshop.path / file).write_bytes(b"rows")
            assert workshop.publish(name, replace(MADE, artifact=name), tmp_path) == tmp_path / name
        assert (tmp_path / file).read_bytes() == b"rows"
        assert manifest.read(tmp_path / f"{name}{manifest.SUFFIX}").artifact == name
    assert len(list(tmp_path.iterdir())) == 4


def test_what_is_not_published_is_gone(tmp_path: Path) -> None:
    """Whatever ended the work."""

    def interrupted() -> None:
        with staging(tmp_path) as workshop:
            (workshop.path / NAME).write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_no_backup_replaces_another(tmp_path: Path) -> None:
    """Two of one second have one name, and the first keeps it."""
    (tmp_path / NAME).write_bytes(b"first")
    with staging(tmp_path) as workshop:
        (workshop.path / NAME).write_bytes(b"second")
        with pytest.raises(CouldNotTell, match="already"):
            workshop.publish(NAME, MADE, tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"first"


def test_what_a_dead_run_left_is_swept(tmp_path: Path) -> None:
    """By the next one, with a manifest whose artifact never came; and nothing of anybody else's."""
    left, handle = left_by_a_dead_run(tmp_path)
    os.close(handle)
    lonely, others = (tmp_path / f"{name}{manifest.SUFFIX}" for name in (NAME, "notes"))
    others_folder = tmp_path / ".another-tool.partial"
    others_folder.mkdir()
    for path in (lonely, others):
        path.write_text("{}")
        os.utime(path, (0, 0))
    assert sweep(tmp_path) == [left, lonely]
    assert sorted(path.name for path in tmp_path.iterdir()) == [others_folder.name, others.name]


def test_a_running_backup_is_left_alone(tmp_path: Path) -> None:
    """Its lock is held, however old it is; and a manifest that was just written may be waiting for its artifact."""
    left, handle = left_by_a_dead_run(tmp_path, locked=True)
    young = tmp_path / f"{NAME}{manifest.SUFFIX}"
    young.write_text("{}")
    assert sweep(tmp_path) == []
    os.close(handle)
    assert sweep(tmp_path) == [left]


def test_a_pg_dump_that_was_left_alone_is_ended(tmp_path: Path) -> None:
    """It still writes into the folder that it was told of, and is known by that."""
    left, handle = left_by_a_dead_run(tmp_path)
    os.close(handle)
    command = ["sh", "-c", "while :; do sleep 0.1; done", f"--file={left / NAME}"]
    orphan, bystander = subprocess.Popen(command), subprocess.Popen([*command[:3], f"--file={tmp_path / NAME}"])
    try:
        sweep(tmp_path)
        assert orphan.wait(10) == -9
        assert is_alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()
        orphan.kill()
        orphan.wait()
