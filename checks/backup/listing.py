"""A place where backups lie, as far as finding them needs: names, sizes, times, and the small files beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from checks.errors import CouldNotTell


@dataclass(frozen=True, slots=True)
class Item:
    """A file or a folder of a place. `name` is relative to it; a folder's `bytes` are summed, `modified` its newest."""

    name: str
    bytes: int
    modified: datetime
    is_folder: bool = False


class Listing(Protocol):
    """What is asked of a place. `where` names it in messages, and holds no secret."""

    @property
    def where(self) -> str: ...

    def items(self, pattern: str) -> Iterator[Item]:
        """What the glob matches, and the files beside it. Raises CouldNotTell where the place cannot be read."""
        ...

    def text(self, name: str) -> bytes:
        """A small file, whole."""
        ...

    def path(self, name: str) -> Path | None:
        """Where the file or folder is on this machine; None where it is elsewhere and would have to be fetched."""
        ...

    def fetch(self, name: str, into: Path) -> Path:
        """The file or folder on this machine: fetched into the folder `into`, unless it is here already."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine."""

    folder: Path

    @property
    def where(self) -> str:
        return str(self.folder)

    def items(self, pattern: str) -> Iterator[Item]:
        try:
            matching = {*self.folder.glob(pattern)}
            longer = self.folder.glob(pattern.rstrip("*") + "*")  # such as a manifest
            beside = {path for path in [*self.folder.iterdir(), *longer] if path.is_file()}
            yield from (self._item(path) for path in sorted(matching | beside) if not self._is_second_name(path))
        except OSError as reason:
            raise CouldNotTell(
                f"The folder of the backups, {self.folder}, cannot be read: {reason.strerror or reason}.",
                code="backup.no_location",
                hint="Create or mount it, or correct the page's `backups: {location: …}` or its variable.",
            ) from None

    def text(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def path(self, name: str) -> Path | None:
        return self.folder / name

    def fetch(self, name: str, into: Path) -> Path:  # noqa: ARG002 - it is here already
        return self.folder / name

    def _is_second_name(self, path: Path) -> bool:
        """Whether it is a link such as `latest.dump` to another of these, which would count as one backup more."""
        return path.is_symlink() and path.resolve().is_relative_to(self.folder.resolve())

    def _item(self, path: Path) -> Item:
        name = path.relative_to(self.folder).as_posix()
        if not path.is_dir():
            seen = path.stat() if path.exists() else path.lstat()
            return Item(name, seen.st_size, _time(seen.st_mtime))
        inside = [one.lstat() for one in path.rglob("*") if one.is_file()]
        newest = max((one.st_mtime for one in inside), default=path.stat().st_mtime)
        return Item(name, sum(one.st_size for one in inside), _time(newest), is_folder=True)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
