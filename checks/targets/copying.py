"""Copies a folder as it is. `cp` takes half the time Python does, and every machine that runs PostgreSQL has it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def copy_tree(source: Path, copy: Path) -> None:
    """Copy `source` to `copy`, which is not there yet, with its owners, modes and times. Raises OSError."""
    done = subprocess.run(
        ["/bin/cp", "-a", source, copy], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise OSError(f"copying {source} failed: {said[0]}")
