"""What became of a container that does not answer: what the engine knows of it, and what its log says.

A client sees only that nobody answers. The engine knows whether the container is paused, was killed for want of memory,
has lost its network or ended, and its last words say why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from checks.errors import TargetFailed
from checks.targets.engine_faults import MAKE_ROOM, OTHER_PLATFORM

NO_POSTGRES = "pgrunbook: no program `postgres` is on the PATH of this image"
LEAVE_IT = "see who cleans up containers on this engine; run again"
SETTINGS = "settings of the disposable server are under `server:` in the runbook's front matter"
_BY_SIGKILL = 137  # 128 and the number of the signal; the log says nothing of it
_LAST = 5  # lines of the log that a sentence can carry
# What our own asking leaves in a log: a server that is not up yet, and the write that must be refused.
_OURS = re.compile(r"the database system is|in a read-only transaction")
_GRAVE = re.compile(r"(FATAL|PANIC|ERROR|[Ee]rror):\s+(.*)")
# Of its data: a query that wants more of /dev/shm than there is fails alone, and says so itself.
_DISK_FULL = re.compile(r"^(?!.*shared memory segment).*no space left on device", re.IGNORECASE | re.MULTILINE)
# The engine notices the end of the first process only; this is the server's word on its others.
_KILLED = re.compile(r"server process .* was terminated by signal 9")
_FORMAT = re.compile(r"exec format error|cannot execute binary file", re.IGNORECASE)


def ailment_of(said: Mapping[str, Any], log: str, image: str, platform: str = "") -> TargetFailed | None:
    """Why the container that the engine describes as `said` cannot answer, or None for one that can."""
    state = said.get("State") or {}
    where = f"The container of {image}"
    if state.get("Dead") or state.get("Status") == "removing":
        return TargetFailed(f"{where} was removed by somebody else.", code="container.gone", hint=LEAVE_IT)
    if state.get("Paused"):
        return TargetFailed(f"{where} is paused.", code="container.paused", hint="see who pauses containers; run again")
    if state.get("OOMKilled") or _KILLED.search(log):
        return TargetFailed(
            f"{where} ran out of memory{_limit(said)}: the kernel killed a process of the server.",
            code="container.out_of_memory",
            hint="lower `shared_buffers` or `work_mem` under `server:`, load fewer rows with `--rows`, or give the "
            "engine more memory",
        )
    if _DISK_FULL.search(log):
        sentence = f"{where} has no room left for its data, which is kept in memory."
        return TargetFailed(sentence, code="container.disk_full", hint=f"load fewer rows with `--rows`; {MAKE_ROOM}")
    if state.get("Running"):
        return _cut_off(said, where)
    return _ended(state, log, where, platform)


def _cut_off(said: Mapping[str, Any], where: str) -> TargetFailed | None:
    if (said.get("NetworkSettings") or {}).get("Networks"):
        return None
    sentence = f"{where} was disconnected from its network."
    return TargetFailed(sentence, code="container.disconnected", hint="see who changes the engine's networks")


def _ended(state: Mapping[str, Any], log: str, where: str, platform: str) -> TargetFailed:
    if _FORMAT.search(log):
        sentence = f"{where} is built for {platform or 'another processor'}, which this engine does not run."
        return TargetFailed(sentence, code="container.architecture", hint=OTHER_PLATFORM)
    if NO_POSTGRES in log:
        sentence = f"{where} has no program `postgres` on its PATH, so it is no image of PostgreSQL."
        hint = "name an image with PostgreSQL in it, as `--image postgres:17-alpine` does"
        return TargetFailed(sentence, code="container.not_postgres", hint=hint)
    status = state.get("ExitCode")
    if status == _BY_SIGKILL:
        sentence = f"{where} was killed from outside (exit status {status})."
        hint = "see who kills containers on this engine, and by `dmesg` whether memory ran out; run again"
        return TargetFailed(sentence, code="container.died", hint=hint)
    return TargetFailed(
        f"{where} ended with exit status {status}; its log ends: {last_words(log)}.",
        code="container.died",
        hint=SETTINGS,
    )


def last_words(log: str) -> str:
    """What the log ends with, on one line: the gravest of its last lines, or all of them."""
    said = [line.strip() for line in log.splitlines() if line.strip()]
    lines = [line for line in said if not _OURS.search(line)][-_LAST:]
    grave = [match[2] for line in lines if (match := _GRAVE.search(line))]
    return " / ".join(grave or lines).rstrip(".") or "nothing"


def _limit(said: Mapping[str, Any]) -> str:
    limit = (said.get("HostConfig") or {}).get("Memory") or 0
    return f" (its limit is {limit // 2**20} MB)" if limit else ""
