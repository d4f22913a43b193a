"""A base backup as `pg_basebackup` leaves it, plain or tar: what it says of itself, and how it is laid out as a copy.

Links are followed when it is copied and left out of archives: a tablespace's leads to where the source keeps its data,
and a copy that went there would write into the source.
https://www.postgresql.org/docs/current/app-pgbasebackup.html
"""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checks.errors import CouldNotTell, UsageError
from checks.targets.account import Account

LABEL, MANIFEST, VERSION = "backup_label", "backup_manifest", "PG_VERSION"
_ARCHIVES = (".tar", ".tar.gz")
_START = re.compile(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)", re.MULTILINE)
_BEGAN = re.compile(r"^START TIME: (.+)$", re.MULTILINE)
_HOW = "name a folder that `pg_basebackup` wrote, plain (-Fp) or tar (-Ft, with no compression or gzip)"


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """`first` is the WAL file recovery begins with, `began` when the backup did, as its label says it."""

    path: Path
    major: int
    first: str
    began: str
    bytes: int
    has_manifest: bool
    is_tar: bool

    @property
    def timeline(self) -> int:
        """The timeline it was made on."""
        return int(self.first[:8], 16)

    def lay_out(self, data: Path) -> None:
        """Copy or unpack it to `data`, which is not there yet, with no link in it. Raises OSError."""
        if not self.is_tar:
            _run(["/bin/cp", "-RL", self.path, data])
            return
        data.mkdir(mode=0o700)
        for archive in sorted(_archives(self.path)):
            with tarfile.open(archive) as opened:
                opened.extractall(data / _place(archive), filter=_no_links)  # noqa: S202 - the filter refuses ways out
        if self.has_manifest:
            _run(["/bin/cp", self.path / MANIFEST, data / MANIFEST])


def read(path: Path) -> BaseBackup:
    """What lies at `path`. Raises UsageError where it is no base backup, CouldNotTell for an incremental one."""
    try:
        is_tar = not (path / LABEL).exists()
        with _opened(path, is_tar=is_tar) as text_of:
            label, major = text_of(LABEL), text_of(VERSION)
        sizes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    except (OSError, KeyError, tarfile.TarError) as failure:
        said = getattr(failure, "strerror", None) or str(failure)
        raise UsageError(f"{path}: this is no base backup: {said}.", hint=_HOW) from None
    if "INCREMENTAL FROM" in label:
        raise CouldNotTell(
            f"{path}: this is an incremental backup, which cannot be restored by itself.",
            code="drill.pitr_incremental",
            hint="combine its chain, oldest first, with `pg_combinebackup`, and drill the result",
        )
    start, began = _START.search(label), _BEGAN.search(label)
    if start is None or not major.strip().isdecimal():
        raise UsageError(f"{path}: its {LABEL} names no WAL file to begin with.", hint=_HOW)
    return BaseBackup(path, int(major), start[1], began[1] if began else "", sizes, (path / MANIFEST).exists(), is_tar)


def hand_over(folder: Path, account: Account) -> None:
    """Give a folder and all in it to the server's user."""
    if account.steps_down:
        for path in (folder, *folder.rglob("*")):
            account.own(path)


@contextmanager
def _opened(path: Path, *, is_tar: bool) -> Iterator[Callable[[str], str]]:
    if not is_tar:
        yield lambda name: (path / name).read_text(encoding="utf-8")
        return
    archive = next((path / f"base{suffix}" for suffix in _ARCHIVES if (path / f"base{suffix}").exists()), None)
    if archive is None:
        raise FileNotFoundError(2, f"it has neither {LABEL} nor base.tar")
    with tarfile.open(archive) as opened:

        def text_of(name: str) -> str:
            member = opened.extractfile(name)
            if member is None:
                raise KeyError(f"{name} in {archive.name} is no file")
            return member.read().decode("utf-8")

        yield text_of


def _archives(path: Path) -> Iterator[Path]:
    for suffix in _ARCHIVES:
        yield from path.glob(f"*{suffix}")


def _place(archive: Path) -> Path:
    """Where an archive's content belongs: `base`, `pg_wal`, or a tablespace's number."""
    stem = archive.name.partition(".")[0]
    return Path() if stem == "base" else Path(stem) if stem == "pg_wal" else Path("pg_tblspc", stem)


def _no_links(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
    return None if member.issym() or member.islnk() else tarfile.data_filter(member, path)


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}, umask=0o077)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise OSError(said[0])
