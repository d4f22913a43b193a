"""Restore SQL by psql, which is fed by us: a plain dump, or the definitions of an archive."""

from __future__ import annotations

import secrets as random
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from checks.backup.artifact import Header
from checks.backup.client_run import ClientRun, Ended, guarded
from checks.backup.copy import Copy
from checks.backup.packed import opened
from checks.backup.plain import PlainStream
from checks.backup.programs import has_restricted_mode, within_reach_of


def restore_plain(artifact: Path, header: Header, copy: Copy, limit: float, *, strict: bool) -> Ended:
    """Restore a dump that is SQL, packed or not; `strict` is in one transaction, up to the first error."""
    with opened(artifact, header.packed) as source:
        return into_psql(artifact.name, source, copy, limit, strict=strict)


def into_psql(name: str, source: BinaryIO, copy: Copy, limit: float, *, strict: bool) -> Ended:
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
