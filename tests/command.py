"""The `pgrunbook` command and `invoke` as a user runs them: another process, in another folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

# What a terminal, CI or a user's own settings would change in the output.
QUIET = {"NO_COLOR": "1", "COLUMNS": "120", "PYTHONWARNINGS": "default"}
PATIENCE = 55.0  # seconds, less than the limit of a test
NOT_INHERITED = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "CI", "FORCE_COLOR", "PGSERVICEFILE")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what CI adds, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return kept | QUIET | dict(more or {})


def heeds_interrupts() -> None:
    """A test run in the background (`&`) was told to ignore Ctrl-C, and its children would be too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def pgrunbook(
    *arguments: str, folder: Path, variables: Mapping[str, str] | None = None, patience: float = PATIENCE
) -> Ended:
    """Run the console script in `folder`, to its end."""
    return run([str(BIN / "pgrunbook"), *arguments], folder, variables, patience)


def run(
    command: list[str], folder: Path, variables: Mapping[str, str] | None = None, patience: float = PATIENCE
) -> Ended:
    """Run any command in `folder`, to its end, with nothing on stdin; `patience` seconds at most."""
    ended = subprocess.run(
        command, cwd=folder, env=environment(variables), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=patience, check=False,
    )  # fmt: skip
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def page(folder: Path, name: str, body: str, front: str = "") -> Path:
    """A runbook `runbooks/NAME.md` in `folder`."""
    path = folder / "runbooks" / f"{name}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"---\nrunbook: {name}\ntitle: {name.title()}\n{front}---\n\n# {name.title()}\n\n{body}\n")
    return path


def sql_check(name: str, sql: str) -> str:
    """A section with one `sql check`."""
    return f"## {name}\n\n```sql check\n{sql}\n```\n"


HOLDS = sql_check("Nothing is wrong", "SELECT 1 WHERE false")
FAILS = sql_check("Something is wrong", "SELECT 1")
CANNOT_TELL = sql_check("Nobody knows", "SELECT * FROM nowhere")
