"""One run of pg_dump: its output for whoever reads it, and its end as a sentence where it is a bad one."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from checks.backup.artifact import Format
from checks.backup.client_run import ClientRun
from checks.backup.export import Export
from checks.errors import ConnectionFailed, CouldNotTell
from checks.secrets import mask

_PREFIX = re.compile(r"^pg_dump: (?:error|fatal|detail): ")
_CAUSES: Sequence[tuple[str, str, str]] = (
    (r"no space left on device|could not write|disk quota", "dump.no_space", "Free some space, or name another place."),
    (r"permission denied|row-level security", "run.not_permitted",
     "GRANT pg_read_all_data to the role, and BYPASSRLS where row-level security is on."),
    (r"lock timeout|could not obtain lock", "run.lock_timeout",
     "Something holds a table exclusively, such as a migration. Run it again when that has ended."),
    (r"server version mismatch", "dump.client_too_old", "Install a pg_dump of the server's major."),
)  # fmt: skip
_LOST = re.compile(
    r"server closed the connection|terminating connection|connection to server|could not connect"
    r"|no connection to the server|could not receive data|SSL (?:SYSCALL|error)"
    r"|snapshot \"[^\"]+\" does not exist",  # it ends with the session that exported it
    re.IGNORECASE,
)


class Dump:
    """A pg_dump that runs. `stdout` is what it writes, unless it writes into a folder; `ended` waits for its end."""

    def __init__(
        self, export: Export, kind: Format, *, to: Path | None = None, jobs: int = 1, compression: str = ""
    ) -> None:
        """Start it. Raises TargetFailed where the program does not run."""
        self._export = export
        command = export.command(kind, to=to, jobs=jobs, compression=compression)
        out = subprocess.DEVNULL if to is not None else subprocess.PIPE
        self._run = ClientRun(command, {**export.variables, "LC_ALL": "C"}, stdout=out, as_ourselves=True)
        # Whoever reads its output waits as long as it is silent; the deadline ends that from outside.
        self._deadline = threading.Timer(max(0.1, export.deadline - time.monotonic()), self.end)
        self._deadline.daemon = True
        self._deadline.start()

    @property
    def stdout(self) -> BinaryIO:
        """What it dumps, to be read to its end before `ended`."""
        return self._run.stdout

    def ended(self) -> None:
        """Wait for its end, until the export's deadline at most. Raises CouldNotTell unless it was a good one."""
        end = self._run.ended()
        self.kill()
        if end.status and time.monotonic() >= self._export.deadline:
            raise CouldNotTell(
                "The dump did not end before its deadline, so it was ended.",
                code="run.timeout",
                hint="Name a longer one by --deadline; of a drill, by --limit.",
            )
        if end.status:
            raise failure(end.status, end.lines)

    def wait(self, seconds: float) -> bool:
        """Wait so long for its end; whether it has ended."""
        try:
            self._run.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End it now, and close its output. Killing what has ended is harmless."""
        self._deadline.cancel()
        self._run.kill()

    def end(self) -> None:
        """End the program from another thread, and leave its pipes to whoever reads them."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._run.process.pid, signal.SIGKILL)


def failure(status: int, lines: Sequence[str]) -> CouldNotTell:
    """What a pg_dump that ended badly amounts to."""
    said = [mask(_PREFIX.sub("", line)) for line in lines if _PREFIX.match(line) and "detail: Query" not in line]
    words = said[0].rstrip(".") if said else f"it said nothing, and ended with status {status}"
    whole = " ".join(said)
    if _LOST.search(whole):
        return ConnectionFailed(
            f"pg_dump lost the server: {words}.",
            code="connectivity.lost",
            hint="Read the server's log at that minute, then run it again: nothing that was begun is kept.",
        )
    for pattern, code, hint in _CAUSES:
        if re.search(pattern, whole, re.IGNORECASE):
            return CouldNotTell(f"pg_dump could not go on: {words}.", code=code, hint=hint)
    how = f"was killed by signal {-status}" if status < 0 else "failed"
    return CouldNotTell(
        f"pg_dump {how}: {words}.",
        code="dump.failed",
        hint="Run it by hand against the same database to see all it says.",
    )
