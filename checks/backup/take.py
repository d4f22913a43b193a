"""Take one backup: a dump and its manifest from one snapshot, made out of sight and published whole."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from checks.backup.artifact import Format
from checks.backup.contents import Contents
from checks.backup.digest import VARIANT
from checks.backup.dumping import Dump
from checks.backup.export import DEADLINE, Export, exporting
from checks.backup.found import BY_MANIFEST, found
from checks.backup.head import Head
from checks.backup.manifest import Manifest
from checks.backup.retention import Kept, is_own_name, name_of, to_remove
from checks.backup.sidefiles import sha256
from checks.backup.staging import Staging
from checks.backup.store import Store, unwritable
from checks.backup.written import SILENCE, raise_failure, written
from checks.errors import CouldNotTell
from checks.runbook.model import Keep
from checks.targets.session import Endpoint
from checks.units import show_bytes

SUFFIXES = {Format.CUSTOM: ".dump", Format.DIRECTORY: ".dir"}
JOBS = 2  # of pg_dump in directory format
WORTH_JOBS = 256 * 2**20  # bytes of a database below which a second connection costs more than it saves
_ROOM_BESIDE_EARLIER = 1.2
_ROOM_OF_DATABASE = 1 / 3  # a dump holds no index and is compressed


@dataclass(frozen=True, slots=True)
class Source:
    """What is backed up: a page's environment, where it is, and where its migrations are recorded."""

    runbook: str
    environment: str
    endpoint: Endpoint
    head: Head | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was published. `notes` are what a person should know of it."""

    name: str
    manifest: Manifest
    seconds: float
    notes: tuple[str, ...] = ()


def take(
    source: Source,
    store: Store,
    *,
    kind: Format = Format.CUSTOM,
    deadline: float = DEADLINE,
    explicit: Path | None = None,
) -> Taken:
    """Back up a database into a place. `deadline` is in seconds; `explicit` a folder of client programs.

    Raises CouldNotTell and ConnectionFailed; whatever ends it, nothing is left that looks like a backup.
    """
    began = time.monotonic()
    jobs = JOBS if kind is Format.DIRECTORY else 0
    with (
        store.workshop() as workshop,
        exporting(source.endpoint, deadline=deadline, explicit=explicit, sessions=1 + jobs) as export,
    ):
        name = name_of(source.runbook, source.environment, export.taken, SUFFIXES[kind])
        _insist_on_room(workshop.path, _expected_bytes(store, source, export))
        contents, files, size = _dumped(export, workshop, name, kind, source.head)
        made = Manifest(
            runbook=source.runbook,
            environment=source.environment,
            taken=export.taken.isoformat(timespec="milliseconds"),
            artifact=name,
            format=kind,
            compression=export.dumper.compression,
            bytes=size,
            files=files,
            dumper=export.dumper.version,
            digest=VARIANT,
            contents=contents,
        )
        note = export.note
        store.publish(workshop, name, made)
    return Taken(name, made, time.monotonic() - began, (note,) if note else ())


def tidy(store: Store, source: Source, keep: Keep | None) -> list[str]:
    """Remove those of this environment's backups that are no longer kept; their names. Raises CouldNotTell."""
    ours = [
        Kept(one.name, one.taken)
        for one in found(store, pattern=None, runbook=source.runbook)
        if is_own_name(one.name, source.runbook, source.environment) and one.dated == BY_MANIFEST
    ]
    removed = [one.name for one in to_remove(ours, keep, datetime.now(UTC))]
    for name in removed:
        store.delete(name)
    return removed


def _dumped(
    export: Export, workshop: Staging, name: str, kind: Format, head: Head | None
) -> tuple[Contents, dict[str, str], int]:
    """What is in the snapshot, and the artifact's hashes and size; both at once, and neither without the other."""
    path = workshop.path / name
    with ThreadPoolExecutor(1, thread_name_prefix="contents") as pool:
        waiting = pool.submit(export.contents, head=head)
        dump = None
        try:
            if kind is Format.DIRECTORY:
                jobs = JOBS if export.bytes >= WORTH_JOBS else 1
                dump = Dump(export, kind, to=path, jobs=jobs)
                _wait(dump, waiting)
                files = {part.relative_to(path).as_posix(): sha256(part) for part in sorted(path.iterdir())}
                size = sum(part.stat().st_size for part in path.iterdir())
            else:
                dump = Dump(export, kind)
                size, hashed = written(dump.stdout, path, waiting)
                files = {name: hashed}
                dump.ended()
            return waiting.result(), files, size
        except BaseException as failure:
            # Whichever failed, the other is not waited for; and what the session itself met explains the most.
            if dump is not None:
                dump.kill()
            if not waiting.done():
                export.abort()
            elif isinstance(failure, CouldNotTell):
                raise_failure(waiting)
            if isinstance(failure, OSError):
                raise unwritable(workshop.path.parent, failure) from None
            raise


def _wait(dump: Dump, beside: Future[Contents]) -> None:
    while not dump.wait(SILENCE):
        raise_failure(beside)
    dump.ended()


def _expected_bytes(store: Store, source: Source, export: Export) -> float:
    """How much room the artifact will need, by the last one there is, else by the database."""
    earlier = found(store, pattern=None, runbook=source.runbook)
    sizes: Sequence[int] = [
        one.bytes for one in earlier if is_own_name(one.name, source.runbook, source.environment) and one.has_manifest
    ]
    return sizes[0] * _ROOM_BESIDE_EARLIER if sizes else export.bytes * _ROOM_OF_DATABASE


def _insist_on_room(folder: Path, wanted: float) -> None:
    free = shutil.disk_usage(folder).free
    if free >= wanted:
        return
    raise CouldNotTell(
        f"There is no room for the backup: {show_bytes(free)} are free at {folder.parent}, and it needs about "
        f"{show_bytes(wanted)}.",
        code="dump.no_space",
        hint="Free some space there, keep fewer backups by `keep`, or name another place by --to.",
    )
