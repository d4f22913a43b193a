"""Archived WAL as files in a folder: which are there, which are missing between them, and a copy the server can read.

https://www.postgresql.org/docs/current/continuous-archiving.html
"""

from __future__ import annotations

import gzip
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from checks.errors import CouldNotTell, UsageError

_SEGMENT = re.compile(r"([0-9A-F]{24})(\.gz)?")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history(\.gz)?")
_COMPRESSED = re.compile(r"[0-9A-F]{24}\.(zst|lz4|bz2|xz|zip)")


@dataclass(frozen=True, slots=True)
class Archive:
    """The files of an archive by the names recovery asks for. `segment_bytes` is the size of one, in the source."""

    folder: Path
    files: dict[str, Path]

    @property
    def bytes(self) -> int:
        """What they take, as they lie there."""
        return sum(file.stat().st_size for file in self.files.values())

    def since(self, first: str) -> Archive:
        """Without what was archived before the segment `first`, which recovery never asks for."""
        files = {name: file for name, file in self.files.items() if len(name) != len(first) or name[8:] >= first[8:]}
        return Archive(self.folder, files)

    def missing(self, first: str, *, segment_bytes: int, kept: frozenset[str] = frozenset()) -> list[str]:
        """Segments that are not there, from `first` up to the newest that is; `kept` are those of the backup itself.

        A segment counts as there on whatever timeline it is. Names are those of the timeline of `first`.
        """
        a_log = 2**32 // segment_bytes
        there = {_number(name, a_log) for name in (*self.files, *kept) if _SEGMENT.fullmatch(name)}
        begin = _number(first, a_log)
        wanted = range(begin, max([*there, begin]) + 1)
        return [f"{first[:8]}{number // a_log:08X}{number % a_log:08X}" for number in wanted if number not in there]

    def copy_to(self, folder: Path) -> None:
        """Lay them out under the names recovery asks for, unpacked. Raises OSError."""
        folder.mkdir(mode=0o700)
        for name, file in self.files.items():
            if file.suffix == ".gz":
                with gzip.open(file) as packed, (folder / name).open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
            else:
                shutil.copyfile(file, folder / name)


def read(folder: Path) -> Archive:
    """The archive in `folder`, which may have folders in it. Raises UsageError, or CouldNotTell for other packers."""
    try:
        names = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    except OSError as failure:
        raise UsageError(f"--wal {folder}: it cannot be read: {failure.strerror}.") from None
    ours = [path for path in names if _SEGMENT.fullmatch(path.name) or _HISTORY.fullmatch(path.name)]
    foreign = next((path for path in names if _COMPRESSED.fullmatch(path.name)), None)
    if foreign is not None:
        raise CouldNotTell(
            f"{foreign}: WAL packed as {foreign.suffix} cannot be unpacked here.",
            code="run.could_not_tell",
            hint="unpack the archive to a folder, and name that by --wal; gzip is read as it is",
        )
    if not folder.is_dir() or not ours:
        raise UsageError(
            f"--wal {folder}: no WAL file lies there.",
            hint="name the folder that `archive_command` copies to; its files are called as 000000010000000000000002",
        )
    return Archive(folder, {path.name.removesuffix(".gz"): path for path in ours})


def _number(name: str, a_log: int) -> int:
    return int(name[8:16], 16) * a_log + int(name[16:24], 16)
