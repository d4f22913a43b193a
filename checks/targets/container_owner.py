"""Whose container is whose, and the removing of those whose owner died without doing it.

Every container of ours is labelled with the process that started it. The next run on this machine removes those whose
process is gone: killed, or before a reboot. Containers of other machines, which may use the same engine, are left
alone, and so are those of processes that cannot be seen from here.
https://docs.docker.com/engine/manage-resources/labels/
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import docker

HOST_LABEL = "pgrunbook.host"
BOOT_LABEL = "pgrunbook.boot"
SPACE_LABEL = "pgrunbook.processes"
OWNER_LABEL = "pgrunbook.owner"
_STARTED = (
    19  # of the fields of /proc/PID/stat after the name: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
)


def labels() -> dict[str, str]:
    """What a container is labelled with: this machine, its boot, the space its process numbers are of, this process."""
    number = os.getpid()
    return {
        HOST_LABEL: socket.gethostname(),
        BOOT_LABEL: _boot(),
        SPACE_LABEL: _space(),
        OWNER_LABEL: f"{number} {_started(number)}",
    }


def is_gone(found: Mapping[str, str]) -> bool:
    """Whether the owner in these labels has ended. False where that cannot be known from here."""
    if found.get(HOST_LABEL) != socket.gethostname() or OWNER_LABEL not in found:
        return False
    if found.get(BOOT_LABEL) != _boot():
        return True
    if found.get(SPACE_LABEL) != _space():
        return False
    number, _, started = found[OWNER_LABEL].partition(" ")
    return number.isdigit() and _started(int(number)) != started


def sweep(client: docker.DockerClient) -> list[str]:
    """Remove the containers, and their volumes, whose owner is gone; the names of those removed."""
    import docker.errors

    removed = []
    for found in client.api.containers(all=True, filters={"label": f"{HOST_LABEL}={socket.gethostname()}"}):
        if is_gone(found.get("Labels") or {}):
            try:
                client.api.remove_container(found["Id"], force=True, v=True)
            except docker.errors.APIError:
                continue  # another run sweeps as well, and was quicker
            removed.append(found["Names"][0].lstrip("/") if found.get("Names") else found["Id"])
    return removed


@cache
def _boot() -> str:
    """A value that is new after each boot; the same always, where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@cache
def _space() -> str:
    """Which process numbers ours is one of: a container counts its own."""
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - it is no path
    except OSError:
        return ""


def _started(number: int) -> str:
    """When the process began, in its system's own terms; nothing where there is none of this number."""
    return _started_on_linux(number) if sys.platform == "linux" else _started_elsewhere(number)


def _started_on_linux(number: int) -> str:
    try:
        said = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return said.rpartition(")")[2].split()[_STARTED]


def _started_elsewhere(number: int) -> str:
    command = ["/bin/ps", "-p", str(number), "-o", "lstart="]
    return " ".join(subprocess.run(command, capture_output=True, text=True, check=False).stdout.split())
