"""The head and table of contents of pg_dump's archives: custom files, and the `toc.dat` of directories and tars.

`pg_restore --list` shows the same. It is read here for what has to be known where no client program is, or one too
old for the archive: https://www.postgresql.org/docs/current/app-pgrestore.html. The layout is that of PostgreSQL's own
`src/bin/pg_dump/pg_backup_archiver.c`, versions 1.12 (PostgreSQL 9.0 to 10) to 1.16 (17 and 18).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from checks.backup.faults import BackupFault

MAGIC = b"PGDMP"
KNOWN = ((1, 12), (1, 16))
LONGEST = 2**30  # bytes: PostgreSQL's own limit of one text, which no definition exceeds
LIKELY = 2**20  # a length beyond the file's end and this is a damaged number, and no file that was cut off
_PLACES = (_PLACE_UNKNOWN, _PLACE_KNOWN, _NO_DATA) = (1, 2, 3)
CUSTOM = 1
_KINDS = {CUSTOM: "custom", 3: "tar", 5: "directory"}
_ALGORITHMS = {0: "", 1: "gzip", 2: "lz4", 3: "zstd"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table of contents. `file` is the name of its data in a directory or tar.

    `offset` is where its data begins in a custom file; None where the archive does not say. `copy` is the COPY
    statement that its data is restored by.
    """

    id: int
    kind: str
    tag: str
    schema: str
    definition: str
    owner: str
    has_data: bool
    file: str = ""
    offset: int | None = None
    copy: str = ""


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive's head and table of contents. `began` is in the dumping machine's local time, of no known zone.

    `end` is where the table of contents ends and a custom file's data begins; `int_size` and `offset_size` are the
    bytes of its numbers.
    """

    version: tuple[int, int]
    kind: str
    compression: str
    began: datetime | None
    database: str
    server: str
    dumper: str
    entries: tuple[Entry, ...]
    end: int
    int_size: int
    offset_size: int

    @property
    def extensions(self) -> tuple[str, ...]:
        return tuple(entry.tag for entry in self.entries if entry.kind == "EXTENSION")


class Reader:
    """Numbers and texts of an archive, one after the other. `size` is the file's, None where it is not known."""

    def __init__(self, stream: BinaryIO, name: str, size: int | None = None) -> None:
        self.stream, self.name, self.size = stream, name, size
        self.at = 0
        self.int_size, self.offset_size = 4, 8
        self.reached, self.damage = "its header", "backup.toc_damaged"

    def bytes(self, count: int) -> bytes:
        """So many bytes. Raises BackupFault where the file ends before."""
        if self.size is not None and count > LIKELY and self.at + count > self.size:
            raise self.damaged(f"a length of {count} bytes")
        data = self.stream.read(count)
        self.at += len(data)
        if len(data) < count:
            raise self.truncated()
        return data

    def byte(self) -> int:
        return self.bytes(1)[0]

    def number(self) -> int:
        """A sign, then the bytes of the number, least first. Raises BackupFault for what is no sign."""
        data = self.bytes(1 + self.int_size)
        if data[0] > 1:
            raise self.damaged(f"a sign of {data[0]}")
        value = int.from_bytes(data[1:], "little")
        return -value if data[0] else value

    def text(self) -> str | None:
        """A length, then so many bytes; None for the length -1."""
        length = self.number()
        if length < 0:
            return None
        if length > LONGEST:
            raise self.damaged(f"a text of {length} bytes")
        data = self.bytes(length)
        if b"\0" in data:
            raise self.damaged("a zero byte within a text")
        return data.decode("utf-8", "replace")

    def digits(self) -> int:
        """A number written as text, as object identifiers are."""
        text = self.text()
        if text is None or not text.isdigit():
            raise self.damaged("no number where one belongs")
        return int(text)

    def truncated(self) -> BackupFault:
        return BackupFault(
            f"{self.name} ends after {self.at} bytes, within {self.reached}: the rest is missing.",
            code="backup.truncated",
            hint="Take another backup; see whether the disk was full or the copy was cut off.",
            observed=f"{self.at} bytes",
        )

    def damaged(self, what: str) -> BackupFault:
        return BackupFault(
            f"{self.name} is damaged at byte {self.at}, within {self.reached}: {what}.",
            code=self.damage,
            hint="Fetch it again from where it was copied, or use another backup.",
            observed=f"byte {self.at}",
        )


def read(stream: BinaryIO, name: str, size: int | None = None) -> Archive:
    """The archive whose first byte `stream` gives next. Raises BackupFault where it is none, or not whole so far."""
    reader = Reader(stream, name, size)
    version = _version(reader)
    reader.int_size, reader.offset_size = reader.byte(), reader.byte()
    if reader.int_size not in {2, 4, 8} or reader.offset_size not in {4, 8}:
        raise reader.damaged(f"numbers of {reader.int_size} and offsets of {reader.offset_size} bytes")
    kind = reader.byte()
    if kind not in _KINDS:
        raise reader.damaged(f"an archive of kind {kind}")
    compression = _compression(reader, version)
    began = _time(reader)
    database, server, dumper = reader.text(), reader.text(), reader.text()
    count = reader.number()
    if not 0 <= count < 10**8:
        raise reader.damaged(f"{count} entries")
    contents = tuple(entries(reader, version, kind, count))
    return Archive(
        version,
        _KINDS[kind],
        compression,
        began,
        database or "",
        server or "",
        dumper or "",
        contents,
        reader.at,
        reader.int_size,
        reader.offset_size,
    )


def _version(reader: Reader) -> tuple[int, int]:
    if reader.bytes(len(MAGIC)) != MAGIC:
        raise reader.damaged("it does not begin with PGDMP")
    version = (reader.byte(), reader.byte())
    reader.byte()  # the revision, which changes nothing
    oldest, newest = KNOWN
    shown = ".".join(map(str, version))
    if oldest <= version <= newest:
        return version
    whose = "newer than PostgreSQL 18's" if version > newest else "older than PostgreSQL 9.0's"
    raise BackupFault(
        f"{reader.name} says that it is an archive of version {shown}, which is {whose} (1.16): it cannot be read.",
        code="backup.version",
        hint="Look at its first bytes with `pg_restore --list` of the PostgreSQL that wrote it; if that refuses it as "
        "well, it is damaged.",
        observed=shown,
    )


def _compression(reader: Reader, version: tuple[int, int]) -> str:
    if version < (1, 15):
        level = reader.number()
        if not -1 <= level <= 9:
            raise reader.damaged(f"a compression level of {level}")
        return "gzip" if level else ""
    algorithm = reader.byte()
    if algorithm not in _ALGORITHMS:
        raise reader.damaged(f"compression algorithm {algorithm}")
    return _ALGORITHMS[algorithm]


def _time(reader: Reader) -> datetime | None:
    second, minute, hour, day, month, year, _ = (reader.number() for _ in range(7))
    try:
        # Written as C's struct tm has it: months from 0, years from 1900, seconds up to 60, and no time zone.
        return datetime(year + 1900, month + 1, day, hour, minute, min(second, 59))  # noqa: DTZ001 - it says none
    except (ValueError, OverflowError):
        raise reader.damaged("a time that does not exist") from None


def entries(reader: Reader, version: tuple[int, int], kind: int, count: int) -> Iterator[Entry]:
    """So many entries of a table of contents. Raises BackupFault where one is not whole, or makes no sense."""
    for number in range(1, count + 1):
        reader.reached = f"entry {number} of the {count} of its table of contents"
        yield _entry(reader, version, kind)


def _entry(reader: Reader, version: tuple[int, int], kind: int) -> Entry:
    number, had_dumper = reader.number(), reader.number()
    if number <= 0 or had_dumper not in {0, 1}:
        raise reader.damaged(f"an entry numbered {number}, with data: {had_dumper}")
    reader.digits(), reader.digits()
    tag, description = reader.text() or "", reader.text() or ""
    if not description.isascii() or description != description.upper():
        raise reader.damaged("a kind of object that there is not")
    if not 1 <= reader.number() <= 4:
        raise reader.damaged("a section that there is not")
    definition, _drop, copy = reader.text() or "", reader.text(), reader.text() or ""
    schema, _tablespace = reader.text() or "", reader.text()
    if version >= (1, 14):
        reader.text()  # the table's access method
    if version >= (1, 16):
        reader.number()  # what kind of relation it is
    owner = reader.text() or ""
    if reader.text() not in {"true", "false"}:
        raise reader.damaged("neither true nor false where one belongs")
    while (needed := reader.text()) is not None:
        if not needed.isdigit():
            raise reader.damaged("a dependency that is no number")
    file, place, offset = _extra(reader, kind)
    has_data = bool(had_dumper) and place != _NO_DATA
    return Entry(
        number,
        description,
        tag,
        schema,
        definition,
        owner,
        has_data,
        file,
        offset if place == _PLACE_KNOWN else None,
        copy,
    )


def _extra(reader: Reader, kind: int) -> tuple[str, int, int]:
    """A data file's name; or, in a custom file, whether its data's place is known, and that place."""
    if kind != CUSTOM:
        return reader.text() or "", 0, 0
    place, offset = reader.byte(), int.from_bytes(reader.bytes(reader.offset_size), "little")
    if place not in _PLACES:
        raise reader.damaged(f"a place of data of kind {place}")
    return "", place, offset
