"""Where a report comes from: which page, which commit, which program, who ran it and where.

An auditor must be able to repeat the run. The commit is read from `.git` itself, which takes a fraction of a
millisecond and works where git is not installed or refuses a checkout of another owner; whether files have changed
since is git's to say, and is asked in the background while the run waits for its server.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checks import __version__
from checks.runbook.model import Runbook
from checks.secrets import MASK, mask

PATIENCE = 2.0  # seconds a slow `git status` is waited for once the run is over

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*):\S*@")
_STATUS = ("--no-optional-locks", "-c", "core.fsmonitor=false", "status", "--porcelain", "--untracked-files=normal")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the run was made of. `path` is relative to the checkout where there is one.

    `commit` is empty outside a git checkout; `dirty` says whether files differed from it, null where nobody could say.
    """

    tool: str
    path: str
    sha256: str
    commit: str
    dirty: bool | None
    command: str
    host: str
    user: str


class Checkout:
    """The git checkout around a folder, if any, while git is being asked whether it is clean."""

    def __init__(self, folder: Path) -> None:
        self.root = _root(folder.absolute())
        self.commit = head_commit(self.root) if self.root else ""
        self._dirty: bool | None = None
        # A daemon: a git that hangs must not keep the process from ending.
        self._asking = threading.Thread(target=self._ask, name="git status", daemon=True)
        if self.commit:
            self._asking.start()

    @property
    def dirty(self) -> bool | None:
        """Whether anything differs from the commit; None where git is absent, refuses or takes too long."""
        if self.commit:
            self._asking.join(PATIENCE)
        return self._dirty

    def _ask(self) -> None:
        command = ["git", "-C", str(self.root), *_STATUS]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        except OSError:  # no git here
            return
        self._dirty = bool(done.stdout) if done.returncode == 0 else None

    def path_of(self, file: Path) -> str:
        """`file` relative to the checkout's root, else to the working folder, else as it is; always with slashes."""
        workspace = os.environ.get("GITHUB_WORKSPACE")  # what GitHub takes annotations' paths to be relative to
        for folder in (self.root, Path(workspace) if workspace else None, Path.cwd()):
            if folder is not None and file.absolute().is_relative_to(folder):
                return file.absolute().relative_to(folder).as_posix()
        return file.as_posix()


def provenance_of(runbook: Runbook, checkout: Checkout, *, command: Sequence[str]) -> Provenance:
    """The provenance of one runbook's run by the command line `command` (argv)."""
    return Provenance(
        tool=f"pgrunbook {__version__} on Python {'.'.join(map(str, sys.version_info[:3]))}",
        path=checkout.path_of(runbook.path),
        sha256=runbook.sha256,
        commit=checkout.commit,
        dirty=checkout.dirty,
        command=_shown(command),
        host=socket.gethostname(),
        user=_user(),
    )


def _shown(command: Sequence[str]) -> str:
    """The command line as a shell would take it. Masked before it is quoted: a quoted secret is not known as one."""
    program, *arguments = [mask(word) for word in command] or [""]
    return _PASSWORD_IN_URL.sub(rf"\1:{MASK}@", shlex.join([Path(program).name, *arguments]))


def head_commit(root: Path) -> str:
    """The commit checked out at `root`, or nothing where there is none yet or it is stored in a way unknown here.

    https://git-scm.com/docs/gitrepository-layout
    """
    folder = _git_folder(root)
    try:
        head = (folder / "HEAD").read_text().strip()
        name = head.removeprefix("ref: ")
        found = head if name == head else _resolve(folder, name)
    except (OSError, UnicodeDecodeError):
        return ""
    return found if _COMMIT.fullmatch(found) else ""


def _root(folder: Path) -> Path | None:
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


def _git_folder(root: Path) -> Path:
    """`.git`, or where the one-line `.git` file of a worktree or submodule points."""
    marker = root / ".git"
    if marker.is_dir():
        return marker
    return root / marker.read_text().removeprefix("gitdir:").strip()


def _resolve(folder: Path, name: str) -> str:
    """The commit a branch stands at. A worktree shares its branches with the main checkout, named by `commondir`."""
    common = folder / "commondir"
    places = [folder, folder / common.read_text().strip()] if common.exists() else [folder]
    for place in places:
        if (place / name).is_file():
            return (place / name).read_text().strip()
    packed = places[-1] / "packed-refs"
    lines = packed.read_text().splitlines() if packed.exists() else []
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {name}")), "")


def _user() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return os.environ.get("USERNAME", "")
