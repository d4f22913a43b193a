"""A data folder made by `initdb` once and copied for every server: making one costs eight times what copying does.

The copy is a plain one, or an overlay. Hard links are unsound: one `CREATE TABLE` in the copy writes through them into
the template.
https://www.postgresql.org/docs/current/app-initdb.html
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.errors import TargetFailed
from checks.targets.account import Account
from checks.targets.binaries import Binaries
from checks.targets.files import copy_tree
from checks.targets.overlay import lay_over
from checks.targets.runfolder import RunFolder

SUPERUSER = "postgres"
HIDDEN_SUPERUSER = "pgrunbook_superuser"  # where a dump has a role `postgres` of its own
LOCALE = "C" if sys.platform == "darwin" else "C.UTF-8"
INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--auth=reject",
    "--encoding=UTF8",
    f"--locale={LOCALE}",
    "--wal-segsize=1",
    "--no-sync",
    "--no-instructions",
)
KEPT_UNUSED = 60 * 86400.0  # seconds
_INITDB_LIMIT = 120  # seconds; a loaded machine takes two


def run_initdb(binaries: Binaries, data: Path, account: Account) -> None:
    """Make the data folder `data` for `account`. Raises TargetFailed with what `initdb` said."""
    data.mkdir(mode=0o700)
    account.own(data)
    command: list[str | Path] = [binaries.program("initdb"), "-D", data, *INITDB_OPTIONS]
    how = account.process_options(binaries.environment)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INITDB_LIMIT, check=False, **how)
    except (OSError, subprocess.SubprocessError) as error:
        raise TargetFailed(f"{command[0]} could not be run as {account.name}: {error}.") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise TargetFailed(f"{command[0]} made no data folder: {said[-1] if said else f'exit {done.returncode}'}.")


def prepare(
    template: Template | None, binaries: Binaries, folder: RunFolder, account: Account, *, overlaid: bool = False
) -> None:
    """Make the data folder of `folder`: from the template, or by `initdb` itself where nothing can be kept.

    A cache that is full, damaged or closed costs time, and not the run. Raises TargetFailed.
    """
    if template is None or not _laid_out(template, folder, overlaid=overlaid):
        folder.let_in()
        run_initdb(binaries, folder.data, account)


def _laid_out(template: Template, folder: RunFolder, *, overlaid: bool) -> bool:
    for _ in range(2):
        try:
            template.lay_out(folder, overlaid=overlaid)
        except OSError:
            folder.lower = None
            for half_made in (folder.data, folder.upper, folder.work):
                shutil.rmtree(half_made, ignore_errors=True)
            if not template.discard_if_damaged():
                return False
        else:
            return True
    return False


class Template:
    """The cached data folder of one binary, for one user to run it. `path` may not exist yet."""

    def __init__(self, cache: Path, binaries: Binaries, account: Account) -> None:
        self.binaries = binaries
        self.account = account
        self.path = cache / "templates" / f"{binaries.version}-{_key(binaries, account)}"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    def lay_out(self, folder: RunFolder, *, overlaid: bool) -> None:
        """Copy the template to the data folder, or lay an overlay on it, making it first where there is none.

        Raises OSError, TargetFailed.
        """
        if not self.manifest.exists():
            self._make(folder)
        os.utime(self.path)
        if overlaid:
            lay_over(self.data, folder, self.account)
        else:
            copy_tree(self.data, folder.data)

    def discard_if_damaged(self) -> bool:
        """Whether the template was not as it was made, and has been thrown away so that the next use makes it anew."""
        try:
            with self._locked():
                damaged = not self._is_as_made()
                if damaged:
                    self._throw_away()
                return damaged
        except OSError:
            return False  # a cache that cannot be written is left alone, and done without

    def _is_as_made(self) -> bool:
        try:
            return bool(json.loads(self.manifest.read_text()) == _sums(self.data))
        except (OSError, ValueError):
            return False  # unreadable is damaged

    def _make(self, folder: RunFolder) -> None:
        """`initdb` runs beside the new server, where its user may write, and the result is moved in whole."""
        staging = folder.path / "initdb"
        with self._locked():
            if self.manifest.exists():
                return
            self._throw_away()
            folder.let_in()
            run_initdb(self.binaries, staging, self.account)
            making = Path(tempfile.mkdtemp(prefix=".making-", dir=self.path.parent))
            try:
                copy_tree(staging, making / "data")
                (making / "manifest.json").write_text(json.dumps(_sums(staging)))
                making.rename(self.path)
            finally:
                shutil.rmtree(making, ignore_errors=True)
                shutil.rmtree(staging, ignore_errors=True)
        self._forget_unused()

    def _forget_unused(self) -> None:
        """A binary that was replaced leaves a template nobody asks for; its age is since its last use."""
        for path in self.path.parent.iterdir():
            if path.is_dir() and time.time() - path.stat().st_mtime > KEPT_UNUSED:
                shutil.rmtree(path, ignore_errors=True)

    def _throw_away(self) -> None:
        if self.path.exists():
            doomed = Path(tempfile.mkdtemp(prefix=".doomed-", dir=self.path.parent))
            self.path.rename(doomed / "template")
            shutil.rmtree(doomed, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_name(f"{self.path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _key(binaries: Binaries, account: Account) -> str:
    program = binaries.program("postgres").resolve()
    facts = (str(program), program.stat().st_mtime_ns, program.stat().st_size, account.uid, INITDB_OPTIONS)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _sums(data: Path) -> dict[str, int]:
    """A checksum of every file below `data`, by its relative path."""
    return {
        os.path.relpath(os.path.join(folder, name), data): zlib.crc32(Path(folder, name).read_bytes())  # noqa: PTH118
        for folder, _, names in os.walk(data)
        for name in names
    }
