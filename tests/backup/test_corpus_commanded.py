"""One fault of each class by the real command: the code it says, the exit status it ends with, and nothing left."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.backup.corpus import FAULTS
from tests.backup.shop import Healthy
from tests.command import BIN, page, run

# Whatever the command leaves running becomes a child of this program, whoever started it and however it was detached.
WATCHED = """
import ctypes, json, os, pathlib, subprocess, sys
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
left = []
for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
    try:
        name, _, rest = stat.read_text().rpartition(") ")
    except OSError:
        continue
    state, parent = rest.split()[:2]
    if int(parent) == os.getpid() and state != "Z":
        left.append(name)
print(json.dumps({"code": done.returncode, "said": done.stdout + done.stderr, "left": left}))
"""
HELD, FAILED, WRONG = 0, 1, 2
ENDINGS = {
    "custom cut off at 50.00%": (FAILED, "backup.truncated"),
    "a kind in the table of contents flipped": (FAILED, "backup.toc_damaged"),
    "data flipped in the middle": (FAILED, "drill.damaged"),
    "a dump of MySQL": (FAILED, "backup.other_database"),
    "an LFS pointer": (FAILED, "backup.lfs_pointer"),
    "an unknown future version": (FAILED, "backup.version"),
    "plain SQL named .dump": (HELD, "backup.misnamed"),
    "a directory without one of its files": (FAILED, "backup.part_missing"),
    "an empty database": (FAILED, "backup.no_tables"),
    "\\connect elsewhere": (FAILED, "backup.connects_elsewhere"),
    "a wrong checksum file": (FAILED, "backup.checksum"),
    "a statement that psql refuses": (FAILED, "drill.restore_error"),
    "one row lost": (FAILED, "drill.rows_lost"),
}


@dataclass(frozen=True)
class Drilled:
    """How a drill ended, and the names of what still runs."""

    code: int
    said: str
    left: tuple[str, ...]


def drilled(artifact: Path, folder: Path) -> Drilled:
    """`drill --from` the artifact, by a page that asks nothing more."""
    page(folder, "shop", "Nothing.")
    scratch = folder / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-c", WATCHED, str(BIN / "pgrunbook"), "drill", "--from", str(artifact)]
    seen = json.loads(run(command, folder, {"TMPDIR": str(scratch)}).out)
    assert list(scratch.iterdir()) == []
    return Drilled(seen["code"], seen["said"], tuple(seen["left"]))


@pytest.mark.parametrize("name", ENDINGS)
def test_each_class_of_fault_ends_the_command_with_its_code(name: str, healthy: Healthy, tmp_path: Path) -> None:
    """1 where the backup is not what it should be, 0 where only its name is not."""
    [fault] = [one for one in FAULTS if one.name == name]
    ended = drilled(fault.make(healthy, tmp_path), tmp_path)
    status, code = ENDINGS[name]
    assert (ended.code, ended.left, "Traceback" in ended.said) == (status, (), False), ended.said
    assert code in ended.said


def test_a_healthy_one_holds(healthy: Healthy, tmp_path: Path) -> None:
    """0, and no code of a fault."""
    ended = drilled(healthy.proven, tmp_path)
    assert (ended.code, ended.left, "Traceback" in ended.said) == (HELD, (), False), ended.said
    assert not [code for _, code in ENDINGS.values() if code in ended.said]


def test_a_path_that_is_not_there_is_a_wrong_command_line(tmp_path: Path) -> None:
    """2, and no server is started."""
    ended = drilled(tmp_path / "gone.dump", tmp_path)
    assert (ended.code, ended.left, "Traceback" in ended.said) == (WRONG, (), False), ended.said


def test_what_is_left_running_would_be_seen(tmp_path: Path) -> None:
    """Also where nobody waits for it and it has a session of its own."""
    leaving = [sys.executable, "-c", WATCHED, "sh", "-c", "setsid sleep 3 >/dev/null 2>&1 &"]
    assert "(sleep" in json.loads(run(leaving, tmp_path).out)["left"][0]
