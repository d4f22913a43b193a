"""Where a backup is made before it may bear its name: a hidden folder beside the others, locked while its maker lives.

A backup is there, with its manifest, or it is not: both are complete and on the disk before they are given their names,
the manifest first. What a killed run leaves behind is told by its lock, which ends with its owner, and removed by the
next run, with the pg_dump that may still write into it.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from checks.backup import manifest
from checks.backup.manifest import Manifest
from checks.errors import CouldNotTell

PREFIX, SUFFIX = ".pgrunbook-", ".partial"
_LOCK = "owner.lock"
_FORMING = 60.0  # seconds a folder may be without its lock, or a manifest without its artifact
_made: set[Staging] = set()
_OWN_NAME = re.compile(r".+-\d{8}T\d{6}Z\.(?:dump|dir)")


class Staging:
    """One such folder. Make it with `staging`, which removes it whatever happens."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock
        _made.add(self)

    def publish(self, name: str, made: Manifest, folder: Path) -> Path:
        """Give the artifact `name` in this folder its place in `folder`, with its manifest. Raises OSError.

        Raises CouldNotTell where another one has that name: names are of a second, and two runs may share one.
        """
        source, target, side = self.path / name, folder / name, folder / f"{name}{manifest.SUFFIX}"
        for path in (source, *source.rglob("*")):
            _flush(path)
        _flush(self.path)
        with _alone_in(folder):
            if target.exists() or side.exists():
                raise taken_already(name, str(folder))
            try:
                manifest.write(made, side)
                source.rename(target)
            except BaseException:
                if not target.exists():
                    side.unlink(missing_ok=True)
                raise
            _flush(folder)
        return target

    def remove(self) -> None:
        """Delete the folder and let its lock go. Removing twice is harmless."""
        _made.discard(self)
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def taken_already(name: str, where: str) -> CouldNotTell:
    """Two backups of one second have one name, and neither is to be put in the other's place."""
    return CouldNotTell(
        f"{where} has a backup {name} already, which another run took in the same second; this one was removed.",
        code="dump.exists",
        hint="Use that one, or run it again. If a schedule runs twice at a time, let it run once.",
    )


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """While this lasts, no other run gives a name in `folder`. The lock ends with its owner."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Staging]:
    """A staging folder in `folder`, after what dead runs left there was removed. Raises OSError."""
    sweep(folder)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SUFFIX, dir=folder))
    try:
        lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    made = Staging(path, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield made
    finally:
        made.remove()


@atexit.register
def remove_all() -> None:
    """Remove what a thread that was left behind still holds."""
    for one in list(_made):
        one.remove()


def sweep(folder: Path) -> list[Path]:
    """Remove what runs of ours left in `folder` whose owner is gone; what was removed."""
    left = [path for path in sorted(folder.glob(f"{PREFIX}*{SUFFIX}")) if _is_ours(path) and _is_orphan(path)]
    for path in left:
        _stop_writers(path)
        shutil.rmtree(path, ignore_errors=True)
    lonely = [path for path in folder.glob(f"*{manifest.SUFFIX}") if _is_lonely(path)]
    for path in lonely:
        path.unlink(missing_ok=True)
    return [*left, *lonely]


def _is_ours(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink() and path.lstat().st_uid == os.geteuid()
    except OSError:
        return False  # its owner has removed it meanwhile


def _is_orphan(path: Path) -> bool:
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return _is_old(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _is_lonely(path: Path) -> bool:
    """Whether it is a manifest of ours whose maker was killed before the artifact had its name."""
    artifact = path.with_name(path.name.removesuffix(manifest.SUFFIX))
    return bool(_OWN_NAME.fullmatch(artifact.name)) and not artifact.exists() and _is_old(path)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _FORMING
    except OSError:
        return False


def _stop_writers(folder: Path) -> None:
    """End the pg_dump that was left to write into the folder, known by the folder's random name among its arguments.

    One that writes to a pipe ends by itself with its reader.
    """
    wanted = os.fsencode(folder.absolute())
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's and so not ours
            handle = os.pidfd_open(int(process.name))
            try:
                if process.stat().st_uid == os.geteuid() and wanted in (process / "cmdline").read_bytes():
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
