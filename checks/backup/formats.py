"""What kind of backup lies at a path, and what it says of itself, without a server and without reading it whole.

https://www.postgresql.org/docs/current/app-pgdump.html has the formats; the physical one is pg_basebackup's.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import BinaryIO

from checks.backup import archive
from checks.backup.aliens import alien, utf16
from checks.backup.artifact import Format, Header
from checks.backup.faults import BackupFault
from checks.backup.packed import compression_of, opened
from checks.backup.physical import identify_folder, identify_tar
from checks.backup.tars import contents, cut_short, opened_tar
from checks.errors import CouldNotTell

BEGINNING = 64 * 1024  # bytes: pg_dump writes versions and extensions before the first table
_PLAIN = re.compile(rb"^-- PostgreSQL database( cluster)? dump\s*$", re.MULTILINE)
_SAYS = re.compile(rb"^-- Dumped (from database|by pg_dump(?:all)?) version (\S+)", re.MULTILINE)
_EXTENSION = re.compile(rb'^CREATE EXTENSION IF NOT EXISTS ("(?:[^"]|"")+"|\S+) ', re.MULTILINE)
_BEGINNINGS = (archive.MAGIC, b"--\n-- PostgreSQL database dump\n", b"--\n-- PostgreSQL database cluster dump\n")
_FORMATS = {"custom": Format.CUSTOM, "tar": Format.TAR, "directory": Format.DIRECTORY}


def identify(path: Path) -> Header:
    """The header of the backup at `path`, a file or a folder.

    Raises BackupFault for what is no backup, is damaged or cut off so early that its header or table of contents is
    not whole, and CouldNotTell where it may not be read or a program is missing to decompress it.
    """
    try:
        if path.is_dir():
            return _folder(path)
        size = path.stat().st_size
        if size == 0:
            raise empty(path.name)
        return _file(path, size)
    except FileNotFoundError:
        raise BackupFault(
            f"{path.name} is not there.", code="backup.missing", hint=f"See what `ls -l {path.parent}` shows."
        ) from None
    except OSError as reason:
        raise CouldNotTell(
            f"{path.name} cannot be read: {reason.strerror or reason}.",
            code="backup.unreadable",
            hint="See who owns it and who may read it.",
        ) from None


def empty(name: str) -> BackupFault:
    """The fault of a backup with nothing in it."""
    return BackupFault(
        f"{name} is empty: whatever should have written it wrote nothing.",
        code="backup.empty",
        hint="Look at the exit code and the messages of the last backup; a script whose `pg_dump` failed leaves this.",
        observed="0 bytes",
    )


def _file(path: Path, size: int) -> Header:
    with path.open("rb") as file:
        outer = compression_of(file.read(8))
    if not outer:
        with path.open("rb") as stream:
            return _content(stream, path, size, "")
    with opened(path, outer) as stream:
        return _content(stream, path, None, outer)


def _content(stream: BinaryIO, path: Path, size: int | None, outer: str) -> Header:
    first = stream.read(BEGINNING)
    if not first:
        raise empty(path.name)
    if first.startswith(archive.MAGIC):
        whole = _Rest(first, stream)
        return header_of(archive.read(io.BufferedReader(whole, BEGINNING), path.name, size), outer)
    if first[257:262] == b"ustar":
        return _tar(path, outer)
    if _PLAIN.search(first[:8192]):
        return _plain(first, outer)
    raise _fault(path.name, first, outer)


def _fault(name: str, first: bytes, outer: str) -> BackupFault:
    inner = compression_of(first)
    if inner and outer:
        return BackupFault(
            f"{name} was compressed twice: within its {outer} data is {inner} data.",
            code="backup.compressed_twice",
            hint="Unpack it once by hand, and leave out one of the two in the script that makes it.",
            observed=f"{inner} within {outer}",
        )
    if first[:8] == b"toc.dat\0" or any(whole.startswith(first) for whole in _BEGINNINGS):
        return cut_short(name, len(first))
    return utf16(name, first) or alien(name, first)


def header_of(found: archive.Archive, packed: str = "", form: Format | None = None) -> Header:
    """An archive's header as any artifact has one; `packed` is a compression around the whole of it."""
    return Header(
        form or _FORMATS[found.kind],
        compression=found.compression,
        server=found.server.partition(" ")[0],
        dumper=found.dumper.partition(" ")[0],
        archive=".".join(map(str, found.version)),
        database=found.database,
        began=found.began,
        entries=len(found.entries),
        extensions=found.extensions,
        packed=packed,
    )


def _plain(first: bytes, outer: str) -> Header:
    said = {what: version.decode("ascii", "replace") for what, version in _SAYS.findall(first)}
    names = (name.decode("utf-8", "replace") for name in _EXTENSION.findall(first))
    return Header(
        Format.PLAIN,
        compression=outer,
        server=said.pop(b"from database", ""),
        dumper=next(iter(said.values()), ""),
        extensions=tuple(name.strip('"').replace('""', '"') for name in names),
        packed=outer,
    )


def _folder(path: Path) -> Header:
    toc = path / "toc.dat"
    if toc.is_file():
        return header_of(read_toc(toc), form=Format.DIRECTORY)
    if physical := identify_folder(path):
        return physical
    if tar := next(path.glob("base.tar*"), None):  # pg_basebackup --format=tar
        return _file(tar, tar.stat().st_size)
    if not any(path.iterdir()):
        raise empty(path.name)
    raise BackupFault(
        f"{path.name} is a folder without `toc.dat` or `backup_manifest`, so no backup, or one that was not finished.",
        code="backup.truncated" if any(path.glob("*.dat*")) else "backup.not_a_backup",
        hint="pg_dump writes `toc.dat` last: without it the folder cannot be restored. Take another backup.",
        observed="no toc.dat",
    )


def read_toc(toc: Path) -> archive.Archive:
    """The archive of a directory's `toc.dat`, which must end where its table of contents does. Raises BackupFault."""
    size = toc.stat().st_size
    if size == 0:
        raise empty(f"{toc.parent.name}/toc.dat")
    with toc.open("rb") as stream:
        found = archive.read(stream, f"{toc.parent.name}/toc.dat", size)
    if found.end != size:
        raise BackupFault(
            f"{toc.parent.name}/toc.dat goes on for {size - found.end} bytes after its table of contents.",
            code="backup.toc_damaged",
            hint="Fetch it again from where it was copied, or use another backup.",
        )
    return found


def _tar(path: Path, outer: str) -> Header:
    """A tar of pg_dump begins with its `toc.dat`; one of pg_basebackup with its `backup_label`."""
    with opened_tar(path, outer) as tar:
        for member in tar:
            if found := contents(tar, member, path.name):
                return header_of(found, outer, Format.TAR)
            if physical := identify_tar(tar, member):
                return physical
    raise BackupFault(
        f"{path.name} is a tar archive without `toc.dat`, so none of pg_dump's.",
        code="backup.not_a_backup",
        hint="See what it holds with `tar tf`; if it holds a backup, unpack it and name that.",
        observed="tar",
    )


class _Rest(io.RawIOBase):
    """What was read already, then the rest of the stream."""

    def __init__(self, first: bytes, stream: BinaryIO) -> None:
        self._first, self._stream = io.BytesIO(first), stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # narrower than typeshed's Buffer
        data = self._first.read(len(buffer)) or self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
