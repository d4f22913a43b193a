"""Restore an archive by pg_restore, which also says what its definitions mention.

Where these set what a server keeps for itself, they are written out as SQL, and go through psql without it.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from checks.backup.artifact import Format, Header
from checks.backup.client_run import ClientRun, Ended
from checks.backup.copy import Copy
from checks.backup.mentions import Mentions, mentions
from checks.backup.packed import opened
from checks.backup.plain import PIECE
from checks.backup.programs import within_reach_of
from checks.backup.psql import into_psql

OPTIONS = ("--dbname=", "--no-password", "--no-tablespaces", "--no-subscriptions", "--no-security-labels")
AT_ONCE = "--single-transaction"


def mentioned_in(artifact: Path, header: Header, copy: Copy) -> Mentions:
    """What the archive's definitions mention: pg_restore writes them out, a piece at a time."""
    found, waiting = Mentions(), b""
    with _reading(artifact, header, copy, ["--schema-only", "--file=-"], stdout=subprocess.PIPE) as run:
        while piece := run.stdout.read(PIECE):
            block = waiting + piece
            cut = block.rfind(b"\n") + 1
            found |= mentions(block[:cut])
            waiting = block[cut:]
    return found | mentions(waiting)


def restore_archive(
    artifact: Path, header: Header, copy: Copy, limit: float, *, strict: bool, only: Sequence[str] = ()
) -> Ended:
    """Restore all of it, or `only` these sections; `strict` is in one transaction, up to the first error."""
    options = [*OPTIONS, *only, AT_ONCE] if strict else [*OPTIONS, *only]
    with _listed(artifact, header, copy) as listed:
        options += listed
        with _reading(artifact, header, copy, options) as run:
            return run.ended(limit)


def restore_without_internal(artifact: Path, header: Header, copy: Copy, limit: float, *, strict: bool) -> Ended:
    """Its definitions as SQL, from which lines can be taken, and what follows them as it is."""
    began = time.monotonic()
    with _listed(artifact, header, copy) as listed:
        options = [*OPTIONS[1:], *listed, "--section=pre-data", "--file=-"]
        with _reading(artifact, header, copy, options, stdout=subprocess.PIPE) as written:
            defined = into_psql(artifact.name, written.stdout, copy, limit, strict=strict)
    if strict and defined.status:
        return defined
    left = max(1.0, limit - (time.monotonic() - began))
    filled = restore_archive(
        artifact, header, copy, left, strict=strict, only=["--section=data", "--section=post-data"]
    )
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
