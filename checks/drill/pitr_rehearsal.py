"""A base backup, an archive of WAL and a restore point, made here on a disposable server, to rehearse recovery with.

A live source is never written to, so its markers are whatever it writes anyway. Here both sides of the point are known:
a row is written before it and one after it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from checks.errors import TargetFailed
from checks.targets.account import options, server_account
from checks.targets.client import client_environment
from checks.targets.embedded import EmbeddedServer
from checks.targets.runfolder import RunFolder
from checks.targets.tuning import Setting

RESTORE_POINT = "pgrunbook_drill"
MARKER = """
    SELECT count(*) FILTER (WHERE side = 'before'), count(*) FILTER (WHERE side = 'after') FROM pgrunbook_drill.marker
"""
PATIENCE = 30.0  # seconds for the server to archive one segment
POLL = 0.005
_TABLE = """
    CREATE SCHEMA pgrunbook_drill;
    CREATE TABLE pgrunbook_drill.marker (side text NOT NULL, written timestamptz NOT NULL)
"""
_WRITE = "INSERT INTO pgrunbook_drill.marker VALUES (%s, clock_timestamp())"
_ARCHIVED = "SELECT last_archived_wal >= %s AND last_archived_wal !~ 'backup|history' FROM pg_stat_archiver"


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the folders, a time between the two markers, and when the last of the WAL was archived."""

    base: Path
    wal: Path
    between: datetime
    ended: datetime


@contextmanager
def archive_folder() -> Iterator[Path]:
    """A folder that the server's user may archive into, gone afterwards; the next run sweeps what a killed one left."""
    account = server_account()
    folder = RunFolder.make(account)
    try:
        (folder.path / "wal").mkdir(mode=0o700)
        account.own(folder.path / "wal")
        folder.let_in()
        yield folder.path
    finally:
        folder.remove()


def archiving(folder: Path) -> Mapping[str, Setting]:
    """The settings of a server that archives into `folder`."""
    return {
        "wal_level": "replica",
        "max_wal_senders": 4,
        "archive_mode": True,
        "archive_command": f'test ! -f "{folder}/wal/%f" && cp "%p" "{folder}/wal/%f"',
    }


def make(server: EmbeddedServer, database: str, folder: Path) -> Made:
    """Take the base backup, write the markers around the restore point, and wait for the archive to have it all.

    Raises TargetFailed.
    """
    take_base_backup(server, folder / "base")
    with server.connect(database) as connection:
        connection.execute(_TABLE)
        connection.execute(_WRITE, ["before"])
        between = connection.execute("SELECT clock_timestamp()").fetchone()
        connection.execute("SELECT pg_create_restore_point(%s)", [RESTORE_POINT])
        connection.execute(_WRITE, ["after"])
    archive_all(server)
    if between is None:
        raise AssertionError("SELECT returns a row")
    return Made(folder / "base", folder / "wal", between[0].astimezone(UTC), datetime.now(UTC))


def take_base_backup(server: EmbeddedServer, base: Path, *more: str) -> None:
    """Run `pg_basebackup`, with the WAL it needs in it. Raises TargetFailed with what it said."""
    program = server.binaries.program("pg_basebackup")
    command: list[str | Path] = [program, "-D", base, "--checkpoint=fast", "--no-sync", *more]
    how = options(server.binaries.environment)
    with client_environment(server.socket_endpoint(), how["env"]) as variables:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, **how | {"env": variables})
        except OSError as error:
            raise TargetFailed(f"{program} could not be run: {error}.") from error
    if done.returncode != 0:
        said = [line.partition("error: ")[2] for line in done.stderr.splitlines() if "error: " in line]
        raise TargetFailed(f"pg_basebackup made no base backup: {said[0] if said else f'exit {done.returncode}'}.")


def archive_all(server: EmbeddedServer) -> None:
    """End the current segment and wait until it is in the archive. Raises TargetFailed when it does not come."""
    deadline = time.monotonic() + PATIENCE
    with server.connect() as connection:
        ended = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        while connection.execute(_ARCHIVED, ended).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise TargetFailed(f"The disposable server archived no segment {ended} within {PATIENCE:g} s.")
            time.sleep(POLL)
