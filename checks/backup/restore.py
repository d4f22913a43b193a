"""Restore an artifact into a disposable copy by PostgreSQL's own programs, and hear what they complain of.

The quick way comes first: everything in one transaction, which needs no write-ahead log and stops at the first error.
Where it stops, the copy is made anew and the client goes on after errors, so that all of them are known.
https://www.postgresql.org/docs/current/populate.html
"""

from __future__ import annotations

import secrets as random
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from checks.backup.artifact import Format, Header
from checks.backup.client_run import ClientRun, Ended, guarded
from checks.backup.complaints import Complaint, Weight, complaints, shown
from checks.backup.copy import Copy
from checks.backup.internal import LEFT_OUT
from checks.backup.mentions import Mentions, mentions
from checks.backup.packed import opened
from checks.backup.plain import PIECE, PlainStream
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
OPTIONS = ("--dbname=", "--no-password", "--no-tablespaces", "--no-subscriptions", "--no-security-labels")
AT_ONCE = "--single-transaction"


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
    attempt = _plain
    if header.format is not Format.PLAIN:
        copy.provide(_mentioned(artifact, header, copy))
        attempt = _archive_without_internal if copy.known.internal else _archive
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


def _mentioned(artifact: Path, header: Header, copy: Copy) -> Mentions:
    """What the archive's definitions mention: pg_restore writes them out, a piece at a time."""
    found, waiting = Mentions(), b""
    with _reading(artifact, header, copy, ["--schema-only", "--file=-"], stdout=subprocess.PIPE) as run:
        while piece := run.stdout.read(PIECE):
            block = waiting + piece
            cut = block.rfind(b"\n") + 1
            found |= mentions(block[:cut])
            waiting = block[cut:]
    return found | mentions(waiting)


def _archive(
    artifact: Path, header: Header, copy: Copy, limit: float, *, strict: bool, only: Sequence[str] = ()
) -> Ended:
    options = [*OPTIONS, *only, AT_ONCE] if strict else [*OPTIONS, *only]
    with _listed(artifact, header, copy) as listed:
        options += listed
        with _reading(artifact, header, copy, options) as run:
            return run.ended(limit)


def _archive_without_internal(artifact: Path, header: Header, copy: Copy, limit: float, *, strict: bool) -> Ended:
    """Its definitions as SQL, from which lines can be taken, and what follows them as it is."""
    began = time.monotonic()
    with _listed(artifact, header, copy) as listed:
        options = [*OPTIONS[1:], *listed, "--section=pre-data", "--file=-"]
        with _reading(artifact, header, copy, options, stdout=subprocess.PIPE) as written:
            defined = _into_psql(artifact.name, written.stdout, copy, limit, strict=strict)
    if strict and defined.status:
        return defined
    left = max(1.0, limit - (time.monotonic() - began))
    filled = _archive(artifact, header, copy, left, strict=strict, only=["--section=data", "--section=post-data"])
    lines = (*defined.lines, *filled.lines)
    unread, late = defined.unread + filled.unread, defined.late or filled.late
    return Ended(filled.status or defined.status, lines, unread, late)


@contextmanager
def _listed(artifact: Path, header: Header, copy: Copy) -> Iterator[list[str]]:
    """The option that leaves out schemas which had to be made before, for an extension that goes into them."""
    if not copy.made_schemas:
        yield []
        return
    with _reading(artifact, header, copy, ["--list"], stdout=subprocess.PIPE) as run:
        lines = run.stdout.read().decode("utf-8", "replace").splitlines()
    made = tuple(f" SCHEMA - {name} " for name in copy.made_schemas)
    path = copy.server.folder.socket / "list"
    path.write_text("\n".join(line for line in lines if not any(one in line for one in made)) + "\n")
    path.chmod(0o644)
    try:
        yield [f"--use-list={path}"]
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _reading(
    artifact: Path, header: Header, copy: Copy, options: list[str], *, stdout: int = subprocess.DEVNULL
) -> Iterator[ClientRun]:
    """pg_restore on the artifact, decompressed on the way where it is packed. It is killed if it still runs at the end.

    The archive is opened by us and read by the server's user; only a folder's files have to be reached by name.
    """
    command: list[str | Path] = [within_reach_of(copy, "pg_restore"), *options]
    variables = {**copy.server.binaries.environment, **copy.variables}
    with ExitStack() as stack:
        if header.format is Format.DIRECTORY:
            command += ["--format=directory", artifact.absolute()]
            run = ClientRun(command, variables, stdout=stdout, as_ourselves=True)
        elif header.packed:
            source = stack.enter_context(opened(artifact, header.packed))
            run = ClientRun(command, variables, stdin=subprocess.PIPE, stdout=stdout)
            stack.enter_context(_poured(source, run))
        else:
            run = ClientRun(command, variables, stdin=stack.enter_context(artifact.open("rb")), stdout=stdout)
        stack.callback(run.kill)
        yield run


@contextmanager
def _poured(source: BinaryIO, run: ClientRun) -> Iterator[None]:
    """Pour `source` into the run from a thread of its own; what went wrong with it is raised at the end."""
    failed: list[BaseException] = []

    def pour() -> None:
        try:
            while piece := source.read(PIECE):
                run.stdin.write(piece)
        except BrokenPipeError:
            return  # the client says itself why it reads no more
        except Exception as reason:  # noqa: BLE001 - raised where the thread is waited for
            failed.append(reason)
            run.kill()
        finally:
            with suppress(BrokenPipeError):
                run.stdin.close()

    thread = threading.Thread(target=pour, name="decompress", daemon=True)
    thread.start()
    yield
    thread.join()
    if failed:
        raise failed[0]


def _plain(artifact: Path, header: Header, copy: Copy, limit: float, *, strict: bool) -> Ended:
    with opened(artifact, header.packed) as source:
        return _into_psql(artifact.name, source, copy, limit, strict=strict)


def _into_psql(name: str, source: BinaryIO, copy: Copy, limit: float, *, strict: bool) -> Ended:
    """psql fed by us. In restricted mode, which the client has since August 2025, nothing but SQL is obeyed."""
    stop = ["--set=ON_ERROR_STOP=1", "--single-transaction"] if strict else []
    options = ["--no-psqlrc", "--quiet", "--echo-errors", "--no-password", "--set=VERBOSITY=terse", *stop, "--file=-"]
    command: list[str | Path] = [within_reach_of(copy, "psql"), *options]
    run = ClientRun(command, {**copy.server.binaries.environment, **copy.variables}, stdin=subprocess.PIPE)
    return guarded(lambda: _streamed(name, source, run, copy, limit), run)


def _streamed(name: str, source: BinaryIO, run: ClientRun, copy: Copy, limit: float) -> Ended:
    key = random.token_hex(16)
    stream = PlainStream(source, run.stdin, copy.provide)
    with suppress(BrokenPipeError):  # psql stopped at an error, and says which
        if has_restricted_mode(copy):
            run.stdin.write(f"\\restrict {key}\n".encode())
        stream.pass_on(name)
        run.stdin.close()
    return run.ended(limit)


def has_restricted_mode(copy: Copy) -> bool:
    """Whether psql knows `\\restrict`: since 18.0, 17.6, 16.10, 15.14, 14.19 and 13.22."""
    first = {17: 6, 16: 10, 15: 14, 14: 19, 13: 22}
    major, _, minor = copy.server.binaries.version.partition(".")
    number = int(minor) if minor.isdigit() else 0
    return int(major) >= 18 or number >= first.get(int(major), 10**6)


def within_reach_of(copy: Copy, program: str) -> Path:
    """The copy's own client program, where the server's user can run it."""
    from checks.targets.account import server_account
    from checks.targets.reach import within_reach

    return within_reach(copy.server.binaries, server_account()).program(program)
