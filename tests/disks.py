"""A disk of a few megabytes, for what happens when it is full: the kernel says so, and no stand-in does."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLAST = "ballast"


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A folder on a disk of its own, such as `8m`, which everybody may enter. Only root can mount one."""
    folder = Path(tempfile.mkdtemp(prefix="small-", dir="/tmp"))
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder], check=True)
        try:
            yield folder
        finally:
            # Lazily: a server that was killed a moment ago may still have a file open.
            subprocess.run(["umount", "--lazy", folder], check=True)
    finally:
        folder.rmdir()


def fill(folder: Path, *, leave: int = 0) -> None:
    """Use up the disk, but for so many bytes of it."""
    about = os.statvfs(folder)
    with (folder / BALLAST).open("wb") as file:
        file.write(bytes(max(0, about.f_bavail * about.f_frsize - leave)))
