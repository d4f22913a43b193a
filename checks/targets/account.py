"""The operating system's user a disposable server runs as, since PostgreSQL refuses to run as root.

https://www.postgresql.org/docs/current/postgres-user.html
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from checks.errors import TargetFailed

# `postgres` comes last: a real cluster on this machine belongs to it, and a disposable server must not reach its files.
CANDIDATES = ("nobody", "daemon", "postgres")
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs `initdb` and `postgres`. `steps_down` is set when we are root and it is somebody else."""

    uid: int
    gid: int
    name: str
    steps_down: bool

    def process_options(self, extra: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Arguments for `subprocess` that make the child this user, with no groups of ours and `extra` variables."""
        person = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.steps_down else {}
        return {**options(extra), **person}

    def own(self, path: Path) -> None:
        """Hand one file or folder to this user."""
        if self.steps_down:
            os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Whether this user may enter `path` and every folder above it, going by their modes."""
        path = path.resolve()
        return all(self._enters(folder) for folder in (path, *path.parents) if folder.is_dir())

    def _enters(self, folder: Path) -> bool:
        about = folder.stat()
        if about.st_uid == self.uid:
            return bool(about.st_mode & stat.S_IXUSR)
        if about.st_gid == self.gid:
            return bool(about.st_mode & stat.S_IXGRP)
        return bool(about.st_mode & stat.S_IXOTH)


@cache
def server_account() -> Account:
    """Ourselves, or for root the first unprivileged user there is. Raises TargetFailed where root has none."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), our_name(), steps_down=False)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, steps_down=True)
    raise TargetFailed(
        f"PostgreSQL does not run as root, and this machine has no user {' or '.join(CANDIDATES)} to run it as.",
        hint="run as an ordinary user, or create one with `useradd --system nobody`",
    )


def our_name() -> str:
    """The name of the user we are, or the number where the user has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def options(extra: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Arguments for `subprocess`: no PG… variables, and a session of its own, so that Ctrl-C reaches us alone."""
    return {"cwd": "/", "env": {**environment(), **(extra or {})}, "start_new_session": True, "umask": 0o077}


def environment() -> Mapping[str, str]:
    """What the server's programs inherit: nothing that differs between people, so that templates are alike.

    English messages because errors are quoted from the log; UTC because `initdb` writes the time zone it finds.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", **kept}
