"""Restore an artifact into a disposable copy by PostgreSQL's own programs, and hear what they complain of.

The quick way comes first: everything in one transaction, which needs no write-ahead log and stops at the first error.
Where it stops, the copy is made anew and the client goes on after errors, so that all of them are known.
https://www.postgresql.org/docs/current/populate.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checks.backup.artifact import Format, Header
from checks.backup.client_run import Ended
from checks.backup.complaints import Complaint, Weight, complaints, shown
from checks.backup.copy import Copy
from checks.backup.internal import LEFT_OUT
from checks.backup.pg_restore import mentioned_in, restore_archive, restore_without_internal
from checks.backup.psql import restore_plain
from checks.errors import UsageError
from checks.targets.tuning import Setting

LIMIT = 6 * 3600.0  # seconds a restore may take
STOPPED = 3  # psql's exit status where ON_ERROR_STOP stopped it
# What makes loading quick on a server that may lose everything; more memory than this makes indexes slower.
QUICK: Mapping[str, Setting] = {
    "shared_buffers": "128MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "synchronous_commit": "off",
    "max_locks_per_transaction": 1024,
    "log_min_messages": "fatal",
}


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore. `status` is the client's exit status; `seconds` are of every try, `began` of the last."""

    complaints: tuple[Complaint, ...]
    status: int
    seconds: float
    tries: int
    client: str
    notes: tuple[str, ...] = field(default=())

    @property
    def worst(self) -> Weight | None:
        """What the complaints amount to, None where there was none."""
        found = {complaint.weight for complaint in self.complaints}
        return next(
            (weight for weight in (Weight.LOSS, Weight.UNFIT, Weight.FIDELITY, Weight.HARMLESS) if weight in found),
            None,
        )


def restore(artifact: Path, header: Header, copy: Copy, *, limit: float = LIMIT) -> Restored:
    """Restore into an empty copy, and settle it. `limit` is in seconds.

    Errors of the client are complaints. Raises BackupFault for an artifact that cannot be read to its end, UsageError
    for a physical one, TargetFailed and CouldNotTell where the copy or the client failed of themselves.
    """
    if header.format is Format.PHYSICAL:
        raise UsageError(
            f"{artifact.name} is a base backup.", hint="Restore it to a point in time: `invoke drill --pitr`."
        )
    began = time.monotonic()
    attempt = restore_plain
    if header.format is not Format.PLAIN:
        copy.provide(mentioned_in(artifact, header, copy))
        attempt = restore_without_internal if copy.known.internal else restore_archive
    strict = not (copy.missing_extensions or copy.refused_extensions)  # which bring an error each
    ended = attempt(artifact, header, copy, limit, strict=strict)
    tries = 1
    if strict and _stopped_early(ended) and not copy.missing_extensions and copy.server.is_running:
        copy.start_again()
        ended = attempt(artifact, header, copy, max(1.0, limit - (time.monotonic() - began)), strict=False)
        tries = 2
    found = judged(ended, limit, copy)
    if copy.server.is_running:
        copy.settle()
    notes = (LEFT_OUT,) if copy.known.internal else ()
    return Restored(tuple(found), ended.status, time.monotonic() - began, tries, _client(header, copy), notes)


def _stopped_early(ended: Ended) -> bool:
    return ended.status != 0 and not ended.late


def _client(header: Header, copy: Copy) -> str:
    return f"{'psql' if header.format is Format.PLAIN else 'pg_restore'} {copy.server.binaries.version}"


def judged(ended: Ended, limit: float, copy: Copy) -> Iterator[Complaint]:
    """What the client complained of, and that it did not come to its end in `limit` seconds."""
    if ended.late:
        yield Complaint(Weight.UNFIT, "drill.restore_too_long", f"the restore had not ended after {limit:.0f} s")
        return
    ours = {f'schema "{name}" already exists' for name in copy.made_schemas}
    found = [one for one in complaints(ended.lines) if one.text not in ours]
    yield from found
    if ended.unread:
        yield Complaint(Weight.LOSS, "drill.restore_error", f"{ended.unread} more lines that nobody reads")
    if ended.status and not [one for one in found if one.weight is not Weight.HARMLESS] and not _counted(ended):
        last = shown(next((line for line in reversed(ended.lines) if line.strip()), "nothing"))
        text = f"the client ended with {ended.status} and said {last}"
        yield Complaint(Weight.LOSS, "drill.restore_error", text)


def _counted(ended: Ended) -> bool:
    """Whether the status only says that errors were met, as pg_restore's 1 does after its last line."""
    return ended.status in {1, STOPPED} and any("errors ignored on restore" in line for line in ended.lines)
