"""A restore of a custom archive that is still being written: it follows the file, and does not keep who writes it.

In one transaction as any other, while the archive comes. A database of many small tables spends as long on its indexes
and keys afterwards, one by one: there the rows go first, and the rest by two sessions from the file that was written
meanwhile. Large tables keep the single transaction, whose own rows need no second look before they are indexed.
https://www.postgresql.org/docs/current/app-pgrestore.html
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from checks.backup.client_run import ClientRun, Ended
from checks.backup.copy import Copy
from checks.backup.pg_restore import AT_ONCE, OPTIONS
from checks.backup.programs import within_reach_of
from checks.backup.restore import Restored, judged
from checks.backup.written import PIECE

SMALL = 256 * 2**20  # bytes of a source whose indexes are made by several sessions
JOBS = 2
_ROWS = ("--section=pre-data", "--section=data")
_REST = ("--section=post-data", "--exit-on-error", f"--jobs={JOBS}")
GLANCE = 0.01  # seconds between two looks whether the file has grown
_OPEN_FILE = Path("/proc/self/fd/0")  # a name for what is open, to whoever may not enter the folder it lies in


class StreamedRestore:
    """Begins at once. Say when the file is `complete`, then take its end; killed where the block is left before."""

    def __init__(self, copy: Copy, file: Path, *, bytes_of_source: int) -> None:
        """The roles and extensions of the dump are to be provided before. The archive is being written into `file`."""
        self._copy, self._file = copy, file
        self._began = time.monotonic()
        self._runs: list[ClientRun] = []
        self._complete = threading.Event()
        self._rows_first = bytes_of_source < SMALL
        # What takes a list, or brings many errors, is restored from the whole file.
        if not (copy.made_schemas or copy.missing_extensions or copy.refused_extensions):
            file.touch(0o600)
            run = self._start([AT_ONCE, *(_ROWS if self._rows_first else ())], stdin=subprocess.PIPE)
            threading.Thread(target=self._feed, args=(run,), name="feed", daemon=True).start()

    def __enter__(self) -> StreamedRestore:
        return self

    def __exit__(self, *_: object) -> None:
        self._complete.set()
        for run in self._runs:
            run.kill()

    def complete(self) -> None:
        """Nothing more will be written."""
        self._complete.set()

    def _feed(self, run: ClientRun) -> None:
        """Pass on what is in the file, until it is complete or the client reads no more: why, it says itself."""
        with suppress(OSError, ValueError), self._file.open("rb", buffering=0) as file, run.stdin as client:
            while True:
                is_complete = self._complete.is_set()
                while piece := file.read(PIECE):
                    client.write(piece)
                client.flush()
                if is_complete:
                    return
                self._complete.wait(GLANCE)

    def ended(self, limit: float) -> Restored | None:
        """What came of it, the copy being settled; None where a client met an error, and the file is to be restored.

        `limit` is in seconds from now. What takes longer than that would take longer from the file as well.
        """
        self.complete()
        if not self._runs:
            return None
        ends = time.monotonic() + limit
        end = self._runs[0].ended(limit)
        if self._rows_first and end.status == 0:
            end = self._rest(max(1.0, ends - time.monotonic()))
        if not end.late:
            if end.status or not self._copy.server.is_running:
                return None
            self._copy.settle()
        found = tuple(judged(end, limit, self._copy))
        client = f"pg_restore {self._copy.server.binaries.version}"
        return Restored(found, end.status, time.monotonic() - self._began, 1, client)

    def _rest(self, limit: float) -> Ended:
        """Indexes, keys and triggers. Each of several sessions opens the file, which so needs a name and an owner."""
        from checks.targets.account import server_account

        account = server_account()
        account.own(self._file)
        with self._file.open("rb") as opened:
            options: Sequence[str | Path] = [*_REST, _OPEN_FILE if account.steps_down else self._file]
            return self._start(options, stdin=opened).ended(limit)

    def _start(self, options: Sequence[str | Path], *, stdin: int | IO[bytes]) -> ClientRun:
        variables = {**self._copy.server.binaries.environment, **self._copy.variables}
        program = within_reach_of(self._copy, "pg_restore")
        run = ClientRun([program, *OPTIONS, *options], variables, stdin=stdin)
        self._runs.append(run)
        return run
