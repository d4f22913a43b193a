"""Acquire from the live database: one snapshot, dumped into a file that the restore follows, and then described.

The dump goes as fast as the source gives it. Once it is done, and while the copy still takes in its rows, the session
that holds the snapshot computes their digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from checks.backup.artifact import Format, Header
from checks.backup.copy import Copy
from checks.backup.dumping import Dump
from checks.backup.export import Export, exporting
from checks.backup.formats import identify
from checks.backup.head import Head
from checks.backup.mentions import Mentions
from checks.backup.restore import Restored, restore
from checks.backup.sidefiles import sha256
from checks.backup.streamed import StreamedRestore
from checks.backup.written import written
from checks.drill.machine import GROWTH
from checks.drill.request import Acquired, Request
from checks.errors import UsageError

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
    path = into / f"{request.runbook.front.runbook}-live.dump"
    with ExitStack() as until_restored:
        with exporting(endpoint, deadline=request.limit, explicit=explicit, connected=halts.append) as export:
            [[database, encoding, locale]] = export.connection.execute(_ABOUT.encode()).fetchall()
            mentioned = _mentioned(export)
            header = Header(Format.CUSTOM, server=export.server, dumper=export.dumper.version, database=database)
            with _dumping(export, halts) as dump:
                copy = make(header, int(export.bytes * GROWTH), encoding, locale)
                copy.provide(mentioned)
                following = StreamedRestore(copy, path, bytes_of_source=export.bytes)
                until_restored.enter_context(following)
                size, digest = written(dump.stdout, path)
                dump.ended()
            following.complete()
            found = identify(path)
            source = export.contents(head=head)
        restored = following.ended(request.limit)  # the source is left alone by now
    if restored is None:  # it stopped at an error; from the file every error can be known
        copy.start_again()
        restored = restore(path, found, copy, limit=request.limit)
    notes = [export.note] if export.note else []
    hashes = {"artifact": digest, "runbook": sha256(Path(request.runbook.path))}
    origin = f"live: {request.environment or database}"
    acquired = Acquired(path, origin, found, size, export.taken, "snapshot", source, hashes=hashes, notes=notes)
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
