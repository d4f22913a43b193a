"""Which pages are meant: by name, by path, or all that lie here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from checks.errors import NothingSelected, UsageError
from checks.suggest import did_you_mean


def pages(names: Sequence[str]) -> list[Path]:
    """The files of the named runbooks; with none named, all in `runbooks/`, or else all in this folder.

    Raises UsageError for a name that is neither a runbook here nor a file, NothingSelected when there is no page.
    """
    here = {path.stem: path for path in _here()}
    if names:
        return list(dict.fromkeys(_page(name, here) for name in names))
    if not here:
        raise NothingSelected(
            "There is no runbook in runbooks/ or in this folder.",
            hint="run this where runbooks/ lies, or name a page: --runbook path/to/page.md",
        )
    return list(here.values())


def _here() -> list[Path]:
    return _files(Path("runbooks")) or [path for path in _files(Path()) if _is_page(path)]


def _files(folder: Path) -> list[Path]:
    """Neither a pipe, which is never read to its end, nor a link that leads nowhere, as editors leave them behind."""
    return sorted(path for path in folder.glob("*.md") if _is_file(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, or a link into a closed folder
        return False


def _page(name: str, here: dict[str, Path]) -> Path:
    if name in here:
        return here[name]
    if _is_file(Path(name)):
        return Path(name)
    known = f"here are {', '.join(here)}" if here else "there is none in runbooks/ or in this folder"
    raise UsageError(f"--runbook {name}: no such runbook or file.", hint=did_you_mean(name, here) or known)


def _is_page(path: Path) -> bool:
    """Whether the file begins as a page does. In a folder of files of any sort, one we may not read is none of ours."""
    try:
        with path.open("rb") as file:
            return file.read(8).lstrip(b"\xef\xbb\xbf").startswith(b"---")
    except OSError:
        return False
