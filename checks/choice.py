"""What the command line chose, checked: which pages and checks, and where their reports go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from checks.errors import UsageError
from checks.suggest import did_you_mean

FORMATS = ("text", "json", "markdown", "junit")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pages, by name or path (none: all of them here), and which of their checks, by name or kind."""

    runbooks: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """What stdout gets, where reports are written, and whether warnings fail the run. Raises UsageError."""

    format: str = "text"
    folder: Path = Path("reports")
    strict: bool = False

    def __post_init__(self) -> None:
        known_format(self.format, FORMATS)


def require_writable(folder: Path) -> None:
    """Make `folder` if need be. Raises UsageError, before anything is run, where no report could be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as probe:
            probe.write(b"room")
    except OSError as failure:
        raise UsageError(
            f"--out {folder}: no report can be written there: {failure.strerror}.",
            hint="name a folder that can be written and has room",
        ) from None


def known_format(name: str, formats: tuple[str, ...]) -> None:
    """Raise UsageError, with the closest one, for a format that is none of `formats`."""
    if name not in formats:
        hint = did_you_mean(name, formats) or f"one of {', '.join(formats)}"
        raise UsageError(f"--format {name}: no such format.", hint=hint)
