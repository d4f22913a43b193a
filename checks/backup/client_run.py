"""A client program of PostgreSQL run once: as nobody in particular, with nothing of ours, for no longer than it may.

A dump is a program, and psql obeys it. So the client inherits none of our variables, runs as the disposable server's
own user where it can, in a session of its own, and is ended with all it started when we are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from checks.errors import TargetFailed
from checks.targets.account import server_account

LINES = 5000  # of what it says; a restore that fails for every row is cut off, and counted
LONGEST = 2000  # bytes of a line that are read: an error may repeat a row of a megabyte
_PIECE = 2**16


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended. `lines` are the first it said, `unread` how many more there were; `late` that its time was up."""

    status: int
    lines: tuple[str, ...]
    unread: int = 0
    late: bool = False


class ClientRun:
    """One program, from start to end. Make it, feed `stdin` where it has one, and take `ended`; else `kill` it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        variables: Mapping[str, str],
        *,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.DEVNULL,
        as_ourselves: bool = False,
    ) -> None:
        """Raises TargetFailed where the program cannot be run."""
        how = server_account().process_options(variables)
        if as_ourselves:
            for key in ("user", "group", "extra_groups"):
                how.pop(key, None)
        try:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, **how)
        except OSError as error:
            raise TargetFailed(f"{command[0]} could not be run: {error.strerror or error}.") from error
        self._lines: deque[str] = deque()
        self._unread = 0
        self._reader = threading.Thread(target=self._read, name="client", daemon=True)
        self._reader.start()

    @property
    def stdin(self) -> BinaryIO:
        if self.process.stdin is None:
            raise AssertionError("it was started without a standard input")
        return self.process.stdin  # type: ignore[return-value]  # a pipe of bytes is one

    @property
    def stdout(self) -> BinaryIO:
        if self.process.stdout is None:
            raise AssertionError("it was started without a standard output")
        return self.process.stdout  # type: ignore[return-value]  # the same

    def ended(self, limit: float | None = None) -> Ended:
        """Wait until it ends, `limit` seconds at most; then it is killed. Whatever else ends the wait kills it too."""
        late = False
        began = time.monotonic()
        try:
            # Its end is the end of what it says: `wait` with a limit looks only every now and then.
            self._reader.join(limit)
            self.process.wait(None if limit is None else max(0.1, limit - (time.monotonic() - began)))
        except subprocess.TimeoutExpired:
            late = True
            self.kill()
        except BaseException:
            self.kill()
            raise
        if self.process.stdin is not None:
            _close(self.process.stdin)  # which whoever fed a client that stopped at an error has left open
        self._reader.join(5.0)
        self._close_pipes()
        return Ended(self.process.returncode, tuple(self._lines), self._unread, late)

    def kill(self) -> None:
        """End it and all it started. Killing twice is harmless."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self.process.kill()
        self.process.wait()
        self._close_pipes()

    def _close_pipes(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                _close(pipe)

    def _read(self) -> None:
        stream = self.process.stderr
        if stream is None:
            raise AssertionError("its standard error is a pipe")
        with stream:
            for line in iter(lambda: stream.readline(LONGEST), b""):
                whole = line.endswith(b"\n")
                if len(self._lines) < LINES:
                    self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                else:
                    self._unread += 1
                while not whole:
                    rest = stream.readline(_PIECE)
                    whole = not rest or rest.endswith(b"\n")


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        return  # what was still to be written to a program that is gone


def guarded(work: Callable[[], Ended], *runs: ClientRun) -> Ended:
    """The work's end; whatever else ends it, the runs are killed."""
    try:
        return work()
    except BaseException:
        for run in runs:
            run.kill()
        raise
