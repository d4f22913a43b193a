"""Lets a server share its template instead of copying it, where we are root and the kernel allows it.

An overlay shows the template with the server's own writes on top. It is mounted in a mount namespace of the server's
own, so the kernel takes it down with the server's last process, whatever becomes of us: nothing is ever left mounted.
https://www.kernel.org/doc/html/latest/filesystems/overlayfs.html
"""

from __future__ import annotations

import shutil
import sys
from functools import cache
from pathlib import Path

from checks.targets.account import Account
from checks.targets.runfolder import RunFolder

TOOLS = ("unshare", "mount", "setpriv")
_CAP_SYS_ADMIN = 1 << 21
_AWKWARD = frozenset(":,\\\"'\n ")  # these mean something else in mount's options
_SCRIPT = 'mount -t overlay -o "$1" pgrunbook "$2" && cd "$2" && shift 2 && exec "$@"'


def possible(account: Account, template: Path) -> bool:
    """Whether mounting is worth a try. It may still fail, for reasons only the kernel knows; a copy serves then."""
    return account.steps_down and _may_mount() and not _AWKWARD & set(str(template))


@cache
def _may_mount() -> bool:
    if sys.platform != "linux" or not all(shutil.which(tool) for tool in TOOLS):
        return False
    status = Path("/proc/self/status").read_text()
    return bool(int(status.partition("CapEff:")[2].split()[0], 16) & _CAP_SYS_ADMIN)


def lay_over(template: Path, folder: RunFolder, account: Account) -> None:
    """Make the folders the mount needs. Raises OSError."""
    folder.lower = template
    for made in (folder.data, folder.upper, folder.work):
        made.mkdir(mode=0o700)
        account.own(made)


def within(command: list[str | Path], folder: RunFolder, account: Account) -> list[str | Path]:
    """`command` as root must start it, so that it runs as `account` and sees the overlay, in that very process."""
    options = f"lowerdir={folder.lower},upperdir={folder.upper},workdir={folder.work},index=off"
    person = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    mounted: list[str | Path]
    mounted = ["unshare", "--mount", "--propagation=private", "/bin/sh", "-c", _SCRIPT, "sh", options, folder.data]
    return [*mounted, "setpriv", *person, *command]
