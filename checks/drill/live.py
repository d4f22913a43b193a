"""Acquire from the live database: one snapshot, dumped into a file and into the copy at once, and described meanwhile.

Nothing is read twice. While pg_dump sends the rows, the session that holds the snapshot computes their digests.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from checks.backup.artifact import Format, Header
from checks.backup.contents import Contents
from checks.backup.copy import Copy
from checks.backup.dumping import Dump
from checks.backup.export import Export, exporting
from checks.backup.formats import identify
from checks.backup.head import Head
from checks.backup.mentions import Mentions
from checks.backup.restore import Restored, StreamedRestore, restore
from checks.backup.sidefiles import sha256
from checks.drill.request import Acquired, Request
from checks.errors import UsageError

PIECE = 2**20
GROWTH = 1.5
_ABOUT = """
SELECT current_database(), pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()
"""
_ROLES = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' LIMIT 2000"
_EXTENSIONS = """
SELECT extname, nspname FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace WHERE extname <> 'plpgsql'
"""

Halts = list[Callable[[], None]]
Make = Callable[[Header, int, str, str], Copy]


def acquire_and_restore(
    request: Request, into: Path, head: Head | None, make: Make, halts: Halts
) -> tuple[Acquired, Restored]:
    """The live database in a file and in a copy, which `make` gives for a header, a size, an encoding and a locale.

    `halts` are what another thread calls to end it early.

    Raises CouldNotTell and ConnectionFailed; the source is only read.
    """
    endpoint = request.endpoint
    if endpoint is None:
        raise UsageError("--from live needs an environment.", hint="Name one by --env.")
    explicit = Path(request.postgres_bin) if request.postgres_bin else None
    with exporting(endpoint, deadline=request.limit, explicit=explicit, connected=halts.append) as export:
        [[database, encoding, locale]] = export.connection.execute(_ABOUT.encode()).fetchall()
        mentioned = _mentioned(export)
        header = Header(Format.CUSTOM, server=export.server, dumper=export.dumper.version, database=database)
        with _dumping(export, halts) as dump, ThreadPoolExecutor(1, thread_name_prefix="contents") as pool:
            waiting = pool.submit(export.contents, head=head)
            try:
                copy = make(header, int(export.bytes * GROWTH), encoding, locale)
                copy.provide(mentioned)
                path = into / f"{request.runbook.front.runbook}-live.dump"
                digest, found, restored = _in_one_pass(dump, path, copy, described=waiting, limit=request.limit)
            except BaseException:
                export.abort()
                raise
            source = waiting.result()
        if restored is None:  # it stopped at an error; from the file every error can be known
            copy.start_again()
            restored = restore(path, found, copy, limit=request.limit)
        note = [export.note] if export.note else []
        hashes = {"artifact": digest, "runbook": sha256(Path(request.runbook.path))}
        origin, size = f"live: {request.environment or database}", path.stat().st_size
        acquired = Acquired(path, origin, found, size, export.taken, "snapshot", source, hashes=hashes, notes=note)
    return acquired, restored


def _mentioned(export: Export) -> Mentions:
    roles = frozenset(name for (name,) in export.connection.execute(_ROLES.encode()))
    return Mentions(roles, dict(export.connection.execute(_EXTENSIONS.encode()).fetchall()))


@contextmanager
def _dumping(export: Export, halts: Halts) -> Iterator[Dump]:
    """A pg_dump that looks at the source while there is no server yet to restore into; killed at the end."""
    dump = Dump(export, Format.CUSTOM)
    halts.append(dump.end)
    try:
        yield dump
    finally:
        dump.kill()


def _in_one_pass(
    dump: Dump, path: Path, copy: Copy, *, described: Future[Contents], limit: float
) -> tuple[str, Header, Restored | None]:
    """The file's SHA-256, its header, and what came of the restore; None where the client stopped before the end."""
    digest = hashlib.sha256()
    with StreamedRestore(copy) as into, path.open("wb") as file:
        # As it comes: a compressed megabyte may be a hundred of rows, for which the restore would stand still.
        while piece := os.read(dump.stdout.fileno(), PIECE):
            file.write(piece)
            digest.update(piece)
            into.write(piece)
            if described.done() and described.exception() is not None:
                described.result()
        dump.ended()
        file.flush()
        into.finish()
        found = identify(path)  # while the restore makes its indexes
        return digest.hexdigest(), found, into.ended(limit)
