"""Whether a backup goes on to its end: nothing of it is missing, as far as that shows without restoring it.

Damage within the data shows only to who decompresses and restores it: `verify_archive` has PostgreSQL's own pg_restore
read every block, and a drill restores them. https://www.postgresql.org/docs/current/app-pgrestore.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from checks.backup import archive
from checks.backup.artifact import Format, Header
from checks.backup.blocks import last_block, walk
from checks.backup.faults import BackupFault
from checks.backup.formats import read_toc
from checks.backup.packed import SUFFIXES, compression_of, opened
from checks.backup.tars import contents, cut_short, opened_tar
from checks.check import Finding, Severity
from checks.errors import CouldNotTell

TAIL = 4096  # bytes: pg_dump's last line, and what psql's restricted mode adds to it
PIECE = 2**20
_BLOCK = 512  # bytes of a tar's
_RESTRICTED = re.compile(rb"^\\restrict (\S+)", re.MULTILINE)
_CLUSTER = re.compile(rb"^-- PostgreSQL database cluster dump\s*$", re.MULTILINE)
_TABLE = re.compile(rb"^CREATE (UNLOGGED |FOREIGN )?TABLE ", re.MULTILINE)
_ROWS = re.compile(rb"^(COPY .* FROM stdin;|INSERT INTO )", re.MULTILINE)
_NAMED = {
    ".sql": (Format.PLAIN,),
    ".dump": (Format.CUSTOM, Format.DIRECTORY),
    ".custom": (Format.CUSTOM,),
    ".pgdump": (Format.CUSTOM, Format.DIRECTORY),
    ".backup": (Format.CUSTOM, Format.TAR, Format.DIRECTORY),
    ".tar": (Format.TAR, Format.PHYSICAL),
    ".tgz": (Format.TAR, Format.PHYSICAL, Format.DIRECTORY),
}
_BY = {
    Format.PLAIN: "psql",
    Format.CUSTOM: "pg_restore",
    Format.TAR: "pg_restore",
    Format.DIRECTORY: "pg_restore",
    Format.PHYSICAL: "no client program, but as a data folder",
}


def complete(path: Path, header: Header) -> list[Finding]:
    """What is wrong with the backup at `path` beyond its header: cut off, without a part, without tables or rows.

    Each finding does not hold; an empty list is a backup that goes on to its end. Compressed SQL is read whole, other
    files only as far as it takes. A name that says another format is a warning: it can be restored, and the page's
    own command would not do it.
    """
    findings = list(_misnamed(path, header))
    look = {
        Format.PLAIN: _plain,
        Format.CUSTOM: _custom,
        Format.DIRECTORY: _directory,
        Format.TAR: _tar,
        Format.PHYSICAL: _physical,
    }[header.format]
    try:
        findings += look(path, header)
    except BackupFault as fault:
        findings.append(fault.finding)
    except CouldNotTell as reason:
        findings.append(Finding(reason.code, False, str(reason.sentence), severity=Severity.WARN))
    return findings


def _misnamed(path: Path, header: Header) -> Iterator[Finding]:
    name = PurePath(path.name.lower())
    packed = SUFFIXES.get(name.suffix, "gzip" if name.suffix == ".tgz" else "")
    wanted = _NAMED.get(PurePath(name.stem).suffix if packed and name.suffix != ".tgz" else name.suffix, ())
    is_what = f"{header.packed} of " * bool(header.packed) + header.format
    if header.format is Format.PLAIN and header.packed:
        is_what = f"plain SQL compressed by {header.packed}"
    if (wanted and header.format not in wanted) or packed != header.packed:
        yield Finding(
            "backup.misnamed",
            False,
            f"{path.name} is {is_what}, which its name does not say; it is restored by {_BY[header.format]}.",
            " or ".join(wanted) or packed or "not compressed",
            is_what,
            severity=Severity.WARN,
        )


def _plain(path: Path, header: Header) -> Iterator[Finding]:
    tables = rows = False
    with opened(path, header.packed) as stream:
        piece = stream.read(PIECE)
        ends, tail = _end_of(piece[:TAIL]), b""
        while piece:
            seen = tail + piece
            tables, rows = tables or bool(_TABLE.search(seen)), rows or bool(_ROWS.search(seen))
            tail = seen[-TAIL:]
            if rows and not header.packed:  # nothing more is to be learnt before the end
                stream.seek(max(stream.tell(), path.stat().st_size - TAIL))
            piece = stream.read(PIECE)
    if all(end in tail for end in ends):
        yield from _content(path.name, tables=tables, data=rows)
    else:
        yield _without_end(path.name).finding


def _end_of(head: bytes) -> list[bytes]:
    """What a dump that begins like this ends with."""
    if _CLUSTER.search(head):
        return [b"-- PostgreSQL database cluster dump complete"]
    last = b"-- PostgreSQL database dump complete"
    restricted = _RESTRICTED.search(head)
    return [last, b"\\unrestrict " + restricted[1]] if restricted else [last]


def _without_end(name: str) -> BackupFault:
    return BackupFault(
        f"{name} does not end with the line that pg_dump writes last, `PostgreSQL database dump complete`.",
        code="backup.truncated",
        hint="Take another backup; see whether the disk was full, pg_dump failed, or the copy was cut off.",
        observed="no end",
    )


def _content(name: str, *, tables: bool, data: bool) -> Iterator[Finding]:
    """A backup of nothing, which every check of its form passes."""
    if not tables:
        sentence = f"{name} has no table: it is whole, and a backup of an empty database."
        yield Finding("backup.no_tables", False, sentence, "tables", "none")
    elif not data:
        sentence = f"{name} has tables and no rows: it was made with --schema-only."
        yield Finding("backup.no_data", False, sentence, "rows of tables", "definitions only")


def _of_entries(name: str, entries: tuple[archive.Entry, ...]) -> Iterator[Finding]:
    kinds = {entry.kind for entry in entries}
    tables = bool(kinds & {"TABLE", "FOREIGN TABLE"})
    yield from _content(name, tables=tables, data="TABLE DATA" in kinds or kinds >= {"FOREIGN TABLE"})


def _custom(path: Path, header: Header) -> Iterator[Finding]:
    size = None if header.packed else path.stat().st_size
    with opened(path, header.packed) as stream:
        found = archive.read(stream, path.name, size)
        start = None if size is None else last_block(found)
        if start is not None and size is not None:
            if start >= size:
                raise cut_short(path.name, size)
            stream.seek(start)
        seen = walk(stream, path.name, found, at=start or found.end, size=size)
    missing = [entry.tag for entry in found.entries if entry.has_data and entry.id not in seen]
    if missing and start is None:
        yield _parts_missing(path.name, missing).finding
    yield from _of_entries(path.name, found.entries)


def _directory(path: Path, _: Header) -> Iterator[Finding]:
    entries = read_toc(path / "toc.dat").entries
    files = [path / entry.file for entry in entries if entry.has_data and entry.file]
    lists = [file for file in files if file.name.startswith("blobs") and file.is_file()]
    files += [path / line.split()[-1] for one in lists for line in one.read_text("utf-8", "replace").splitlines()]
    missing = [file.name for file in files if not any(one.is_file() for one in _stored(file))]
    if missing:
        yield _parts_missing(path.name, missing).finding
    for file in files:
        stored = next((one for one in _stored(file) if one.is_file()), None)
        if stored is not None:
            yield from _drained(stored, file != stored)
    yield from _of_entries(path.name, entries)


def _stored(file: Path) -> list[Path]:
    """The names under which a directory may hold a data file, compressed or not."""
    return [file, *(file.with_name(file.name + suffix) for suffix in (".gz", ".lz4", ".zst"))]


def _drained(file: Path, is_compressed: bool) -> Iterator[Finding]:
    if not is_compressed:
        return
    with file.open("rb") as raw:
        compression = compression_of(raw.read(8))
    try:
        if not compression:
            raise cut_short(f"{file.parent.name}/{file.name}", file.stat().st_size)
        with opened(file, compression) as stream:
            while stream.read(PIECE):
                pass
    except BackupFault as fault:
        yield fault.finding
    except CouldNotTell as reason:
        yield Finding(reason.code, False, reason.sentence, severity=Severity.WARN)


def _tar(path: Path, header: Header) -> Iterator[Finding]:
    names: set[str] = set()
    entries: tuple[archive.Entry, ...] = ()
    with opened_tar(path, header.packed) as tar:
        for member in tar:
            names.add(member.name)
            if found := contents(tar, member, path.name):
                entries = found.entries
    if not _ends(path, header):
        raise cut_short(path.name, path.stat().st_size)
    missing = [entry.file for entry in entries if _is_in_tar(entry) and entry.file not in names]
    if missing:
        yield _parts_missing(path.name, missing).finding
    yield from _of_entries(path.name, entries)


def _is_in_tar(entry: archive.Entry) -> bool:
    """Whether its data is a member by that name; large objects have a list of their own, `blobs.toc`."""
    return entry.has_data and bool(entry.file) and entry.kind != "BLOBS"


def _ends(path: Path, header: Header) -> bool:
    """Whether the two empty blocks that end a tar are there; within a compression its own end says as much."""
    if header.packed:
        return True
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(-min(2 * _BLOCK, size), 2)
        return size % _BLOCK == 0 and not file.read().strip(b"\0")


def _physical(path: Path, _: Header) -> Iterator[Finding]:
    listed = path / "backup_manifest"
    if not path.is_dir():
        return
    if not listed.is_file():
        raise BackupFault(
            f"{path.name} has no backup_manifest, which pg_basebackup writes last: it may not be whole.",
            code="backup.truncated",
            hint="Take another with `pg_basebackup`; `--no-manifest` makes one that nobody can prove.",
            observed="no backup_manifest",
        )
    try:
        files = json.loads(listed.read_bytes())["Files"]
    except (ValueError, KeyError):
        raise cut_short(f"{path.name}/backup_manifest", listed.stat().st_size) from None
    if (path / "PG_VERSION").is_file():
        wrong = [one["Path"] for one in files if "Path" in one and not _has_size(path / one["Path"], one["Size"])]
        if wrong:
            yield _parts_missing(path.name, wrong).finding


def _has_size(file: Path, size: int) -> bool:
    return file.is_file() and file.stat().st_size == size


def _parts_missing(name: str, missing: list[str]) -> BackupFault:
    listed = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    return BackupFault(
        f"{name} lacks the data that its table of contents names: {listed}.",
        code="backup.part_missing",
        hint="Copy the whole of it again from where it was made, or use another backup.",
        observed=f"{len(missing)} missing",
    )
