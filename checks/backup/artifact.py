"""One backup as it lies somewhere: what kind of file it is, who wrote it, and of when it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class Format(StrEnum):
    """How a backup is written. https://www.postgresql.org/docs/current/app-pgdump.html"""

    PLAIN = "plain SQL"
    CUSTOM = "custom"
    DIRECTORY = "directory"
    TAR = "tar"
    PHYSICAL = "base backup"


@dataclass(frozen=True, slots=True)
class Header:
    """What an artifact says of itself, without a server. Empty or None is what it does not say.

    `compression` is of the file as a whole (`gzip`, `zstd`, …) for plain SQL, of its data for the other formats.
    `server` and `dumper` are versions as written (`15.19`); `archive` is the archive's own format version (`1.14`).
    `packed` is a compression around the whole of it, whatever the format: `pg_dump -Fc | gzip` has one of each.
    `began` without a time zone is in the dumping machine's local time, which pg_dump does not name.
    """

    format: Format
    compression: str = ""
    server: str = ""
    dumper: str = ""
    archive: str = ""
    database: str = ""
    began: datetime | None = None
    entries: int | None = None
    extensions: tuple[str, ...] = ()
    packed: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A backup that was found. `bytes` is its size, a directory's summed; `taken` is UTC, by what `dated` says."""

    path: Path
    bytes: int
    taken: datetime
    dated: str
    has_manifest: bool = False

    @property
    def name(self) -> str:
        return self.path.name
