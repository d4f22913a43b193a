"""Brings binaries to where the server's user can run them, when they lie under a closed home.

A virtual environment in root's home is the usual case: root may read it, the user it steps down to may not. The
installation is copied once, and kept by version and age.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from checks import cachefolder
from checks.errors import TargetFailed
from checks.targets import cache
from checks.targets.account import Account
from checks.targets.binaries import Binaries
from checks.targets.files import copy_tree

PARTS = ("bin", "lib", "share")  # of an installation: the programs find the other two beside themselves
LARGEST = 2**30  # bytes; more than this is no PostgreSQL, but a whole prefix of other things


def within_reach(binaries: Binaries, account: Account) -> Binaries:
    """`binaries` themselves, or their copy where `account` cannot get at them. Raises TargetFailed."""
    if account.reaches(binaries.folder):
        return binaries
    kept = cache.folder(reached_by=account)
    if kept is None:
        raise TargetFailed(
            f"The user {account.name}, which runs the server in root's place, cannot reach {binaries.folder}, "
            "and there is no folder to copy the programs to.",
            hint=f"set {cachefolder.NAMED_BY} to a folder that {account.name} may enter, or use --postgres-bin",
        )
    prefix = binaries.folder.resolve().parent
    program = binaries.program("postgres").stat()
    name = hashlib.sha256(repr((str(prefix), program.st_mtime_ns, program.st_size)).encode()).hexdigest()[:16]
    copy = kept / "binaries" / f"{binaries.version}-{name}"
    try:
        _copy_once(prefix, copy)
    except OSError as error:
        raise TargetFailed(f"{prefix} could not be copied to where {account.name} can reach it: {error}.") from error
    return replace(binaries, folder=copy / "bin")


def _copy_once(prefix: Path, copy: Path) -> None:
    copy.parent.mkdir(mode=0o755, exist_ok=True)
    with copy.with_name(f"{copy.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if copy.exists():
            return
        if _bytes_in(prefix) > LARGEST:
            raise OSError(f"it holds more than {LARGEST >> 20} MB, and so is more than a PostgreSQL")
        making = Path(tempfile.mkdtemp(prefix=".making-", dir=copy.parent))
        try:
            for part in PARTS:
                if (prefix / part).is_dir():
                    copy_tree(prefix / part, making / part)
            _open_for_reading(making)
            making.rename(copy)
        finally:
            shutil.rmtree(making, ignore_errors=True)


def _bytes_in(prefix: Path) -> int:
    return sum(path.lstat().st_size for part in PARTS for path in (prefix / part).rglob("*") if not path.is_dir())


def _open_for_reading(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            os.chown(path, os.geteuid(), os.getegid())
            path.chmod(path.stat().st_mode & 0o755 | (0o755 if path.is_dir() else 0o444))
