"""Stops servers whose owner died without stopping them, and nothing else.

A process is one of them only if it works in a folder of ours: PostgreSQL's postmaster and all its children have the
data folder as their working directory. Where root may not look at that (a container keeps `CAP_SYS_PTRACE` from it) the
folder's random name on the command line tells the postmaster, and its children end with it. A number read from
`postmaster.pid` proves nothing, because the server, or whoever gave it SQL, can write there.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 5.0  # seconds from asking to leave at once until being killed


def stop_servers_in(folder: Path) -> None:
    """Stop every process working below `folder`: an immediate shutdown first, then SIGKILL for what is left."""
    if sys.platform == "linux":
        _stop_by_handle(folder)
    else:
        _stop_by_command_line(folder)


def _stop_by_handle(folder: Path) -> None:
    for number, patience in ((signal.SIGQUIT, PATIENCE), (signal.SIGKILL, PATIENCE)):
        with contextlib.ExitStack() as handles:
            found = list(_working_in(folder, handles))
            for handle in found:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
            _wait_for_end(found, patience)


def _working_in(folder: Path, handles: contextlib.ExitStack) -> Iterator[int]:
    """Process handles, taken before the working folder is read, so that a number used again is never signalled."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # the process ended, or is another user's and so not ours
            handle = os.pidfd_open(int(entry.name))
            handles.callback(os.close, handle)
            if _works_in(folder, entry):
                yield handle


def _works_in(folder: Path, process: Path) -> bool:
    try:
        return (process / "cwd").readlink().is_relative_to(folder)
    except PermissionError:
        return os.fsencode(folder / "data") in (process / "cmdline").read_bytes().split(b"\0")


def _wait_for_end(handles: list[int], patience: float) -> None:
    poll = select.poll()
    for handle in handles:
        poll.register(handle, select.POLLIN)
    deadline, left = time.monotonic() + patience, len(handles)
    while left and (wait := deadline - time.monotonic()) > 0:
        for handle, _ in poll.poll(wait * 1000):
            poll.unregister(handle)
            left -= 1


def _stop_by_command_line(folder: Path) -> None:
    # Without /proc the folder's random name on the postmaster's own command line is the proof.
    try:
        number = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return  # it never came up, or has gone in good order
    for step in (signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + PATIENCE
        if _command_line_names(folder, number):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, step)
        while _command_line_names(folder, number) and time.monotonic() < deadline:
            time.sleep(0.05)


def _command_line_names(folder: Path, number: int) -> bool:
    shown = subprocess.run(
        ["/bin/ps", "-p", str(number), "-o", "command="], capture_output=True, text=True, check=False
    )
    return str(folder / "data") in shown.stdout
