"""The bytes of a page, or one mistake that says why there are none."""

from __future__ import annotations

from pathlib import Path

from checks.errors import Mistake, RunbookError
from checks.suggest import did_you_mean

LARGEST = 1024 * 1024


def read_bytes(path: Path) -> bytes:
    """What the file at `path` holds. Raises RunbookError when it cannot be read, or is larger than 1 MiB."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _refusal(path, f"this page cannot be read: {reason}", _nearest(path)) from error
    if len(content) > LARGEST:
        raise _refusal(path, f"this page is longer than {LARGEST // 1024} KiB", "divide it: people read runbooks")
    return content


def _refusal(path: Path, message: str, hint: str) -> RunbookError:
    return RunbookError([Mistake(str(path), 1, 1, message, hint)])


def _nearest(path: Path) -> str:
    try:
        names = [found.name for found in path.parent.glob("*.md")]
    except (OSError, ValueError):
        return ""
    return "" if path.name in names else did_you_mean(path.name, names)
