"""The folder one disposable server lives in, and the sweeping of those whose owner died.

The owner holds a lock on `owner.lock` for as long as it lives. The kernel lets go of it however the owner ends, so a
folder whose lock can be taken has no owner: the next run stops the server left in it and removes it. No process number
is trusted for this, since numbers are used again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from checks.errors import TargetFailed
from checks.targets.account import Account
from checks.targets.orphans import stop_servers_in

PREFIX = "pgrunbook-"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it is private and its name is random
ROOM = 512 * 2**20  # bytes free; Docker gives /dev/shm 64 MB, which one load of fixtures fills
LONGEST = 60  # bytes of a root: a socket's whole path has 103 on macOS and 107 on Linux
_FORMING = 60.0  # seconds a folder may be without its lock, between being made and being locked


class RunFolder:
    """A private folder, locked by this process until `remove()`. `data` is not made here: `initdb` or a copy does."""

    def __init__(self, path: Path, lock: int, account: Account) -> None:
        self.path = path
        self.data = path / "data"
        self.socket = path / "socket"
        self.tls = path / "tls"
        self.log = path / "log"
        self.upper = path / "upper"
        self.work = path / "work"
        self.lower: Path | None = None  # the template below an overlay, where there is one
        self._lock = lock
        self._account = account

    @property
    def written(self) -> Path:
        """Where we see what the server wrote: an overlay at `data` is seen by the server alone."""
        return self.upper if self.lower else self.data

    @classmethod
    def make(cls, account: Account, room: int = ROOM) -> RunFolder:
        """A new folder in memory where there is `room`, in bytes, else in $TMPDIR.

        Raises TargetFailed when neither can be used.
        """
        tried = []
        for root in roots(account, room):
            sweep(root)
            try:
                return cls._make_in(root, account)
            except OSError as error:
                tried.append(f"{root}: {error.strerror}")
        raise TargetFailed(
            f"No folder for a disposable server could be made ({'; '.join(tried) or 'no root is usable'}).",
            hint=f"set TMPDIR to a short path that {account.name} may enter and that has room",
        )

    @classmethod
    def _make_in(cls, root: Path, account: Account) -> RunFolder:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        lock = -1
        try:
            lock = os.open(path / "owner.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder = cls(path, lock, account)
            folder.tls.mkdir(mode=0o700)
            folder.socket.mkdir(mode=0o700)
            account.own(folder.socket)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            if lock >= 0:
                os.close(lock)
            raise
        return folder

    def let_in(self) -> None:
        """Let the server's user pass through to its own folders, and nobody else. Until then the folder is ours."""
        if self._account.steps_down:
            os.chown(self.path, os.geteuid(), self._account.gid)
            self.path.chmod(0o710)

    def remove(self) -> None:
        """Delete the folder and let the lock go. Removing twice is harmless."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def roots(account: Account, room: int = ROOM) -> Iterator[Path]:
    """Where run folders may be made, best first: memory with room enough, then the temporary folders.

    Of the temporary folders one without `room` is left out only where more is wanted than any server needs.
    """
    if sys.platform == "linux" and _has_room(SHARED_MEMORY, max(room, ROOM)):
        yield SHARED_MEMORY
    for name in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 - private within
        folder = Path(name)
        usable = folder.is_dir() and len(str(folder)) <= LONGEST and account.reaches(folder)
        if usable and (room <= ROOM or _has_room(folder, room)):
            yield folder


def _has_room(folder: Path, room: int) -> bool:
    try:
        return os.access(folder, os.W_OK | os.X_OK) and shutil.disk_usage(folder).free >= room
    except OSError:
        return False  # no such memory on this machine, so the temporary folder serves


def sweep(root: Path) -> list[Path]:
    """Stop the servers and remove the folders in `root` whose owner, a process of our own user, is gone."""
    return [path for path in sorted(root.glob(f"{PREFIX}*")) if _is_ours(path) and _sweep_one(path)]


def _is_ours(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink() and path.lstat().st_uid == os.geteuid()
    except OSError:
        return False  # its owner has removed it meanwhile


def _sweep_one(path: Path) -> bool:
    try:
        lock = os.open(path / "owner.lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return _sweep_unlocked(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        stop_servers_in(path)
        shutil.rmtree(path, ignore_errors=True)
        return True
    finally:
        os.close(lock)


def _sweep_unlocked(path: Path) -> bool:
    try:
        formed = time.time() - path.stat().st_mtime > _FORMING
    except FileNotFoundError:
        return False
    if formed:
        shutil.rmtree(path, ignore_errors=True)
    return formed
