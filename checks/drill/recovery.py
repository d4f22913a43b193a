"""A disposable server that recovers a physical copy to a point in time, and can reach nothing while it does.

The copy's own configuration is not used. What reaches outside is off: it archives nothing, follows nobody, and starts
no library, job or subscription of the source's. So nothing a drill does can end in production's archive.
https://www.postgresql.org/docs/current/runtime-config-wal.html#RUNTIME-CONFIG-WAL-RECOVERY-TARGET
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from checks.drill.basebackup import BaseBackup, hand_over
from checks.drill.walarchive import Archive
from checks.errors import TargetFailed
from checks.targets import tuning
from checks.targets.account import server_account
from checks.targets.authority import Certificate
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.files import write_into
from checks.targets.groundwork import Groundwork
from checks.targets.reach import within_reach
from checks.targets.runfolder import ROOM, RunFolder
from checks.targets.tuning import Setting

WITHIN = 3600.0  # seconds; how long it took is judged by the page's budget
OFF: Mapping[str, Setting] = {
    "archive_mode": False,
    "archive_command": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "max_logical_replication_workers": 0,
    "max_wal_senders": 0,
}
# What a copy must hold of prepared transactions and locks is as large as in the source, which pg_control knows.
_FROM_CONTROL = {
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
}
_PRELOADED = re.compile(r"^\s*shared_preload_libraries\s*=\s*'([^']+)'", re.MULTILINE)
_REMOVED = ("tablespace_map", "standby.signal", "postmaster.pid", "postmaster.opts", "backup_manifest")


@dataclass(frozen=True, slots=True)
class Point:
    """Where recovery is to stop: at a time (with its zone), or at a restore point by name. Exactly one is set."""

    time: datetime | None = None
    name: str = ""
    timeline: str = "latest"

    def __post_init__(self) -> None:
        if (self.time is None) == (not self.name):
            raise AssertionError("a point in time is a time or a name")

    def __str__(self) -> str:
        return f"restore point {self.name}" if self.time is None else show_time(self.time)

    def settings(self) -> dict[str, Setting]:
        """As a configuration says it."""
        where = {"recovery_target_name": self.name} if self.time is None else {"recovery_target_time": str(self)}
        return {**where, "recovery_target_timeline": self.timeline, "recovery_target_action": "promote"}


def show_time(moment: datetime) -> str:
    """A time as PostgreSQL writes it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")


class PhysicalCopy(Groundwork):
    """Lays out a base backup and its archive in place of an empty cluster."""

    def __init__(
        self, programs: Binaries, backup: BaseBackup, archive: Archive, point: Point, settings: Mapping[str, Setting]
    ) -> None:
        super().__init__(
            programs, server_account(), tuning.merged({**settings, "wal_level": "replica"}), None, plaintext=False
        )
        self.backup, self.archive, self.point = backup, archive, point
        self.control: dict[str, str] = {}
        self.preloaded = ""

    def lay(self, folder: RunFolder) -> Certificate:
        """Copy, and nothing else: what was copied is verified before it is changed. Raises TargetFailed."""
        try:
            certificate = self._usual_certificate(folder).install(folder.tls, self.account)
            self.backup.lay_out(folder.data)
            self.archive.copy_to(folder.path / "archive")
        except OSError as error:
            raise TargetFailed(
                f"The base backup could not be copied: {error}.", hint="set TMPDIR to a folder with room for it"
            ) from error
        return certificate

    def arm(self, folder: RunFolder) -> None:
        """Replace the copy's configuration, so that it recovers to the point and reaches nothing."""
        self.control = control_data(self.programs, folder)
        self.preloaded = preloaded(folder)
        for name in _REMOVED:
            (folder.data / name).unlink(missing_ok=True)
        hand_over(folder.data, self.account)
        hand_over(folder.path / "archive", self.account)
        for name, text in (
            ("postgresql.conf", tuning.configuration({**self.settings, **self._own(folder), **OFF})),
            ("postgresql.auto.conf", ""),
            ("pg_hba.conf", tuning.access_rules(plaintext=not tuning.has_tls(self.settings))),
            ("pg_ident.conf", tuning.identities()),
            ("recovery.signal", ""),
        ):
            write_into(folder.data / name, text, self.account)
        folder.let_in()

    def another_way(self, failed: TargetFailed) -> bool:  # noqa: ARG002 - nothing here comes from a cache
        """There is only this one."""
        return False

    def _own(self, folder: RunFolder) -> dict[str, Setting]:
        source = {ours: self.control[theirs] for theirs, ours in _FROM_CONTROL.items() if theirs in self.control}
        return {
            **source,
            **self.point.settings(),
            "restore_command": f'cp "{folder.path}/archive/%f" "%p"',
            "hot_standby": False,
            "allow_in_place_tablespaces": True,
            "lc_messages": "C",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }


def preloaded(folder: RunFolder) -> str:
    """The libraries the source loads at its start, as the files in the backup say; Debian keeps them elsewhere."""
    found = ""
    for name in ("postgresql.conf", "postgresql.auto.conf"):
        path = folder.data / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        found = next((match[1] for match in reversed(list(_PRELOADED.finditer(text)))), found)
    return found


def control_data(programs: Binaries, folder: RunFolder) -> dict[str, str]:
    """What `pg_controldata` says of the copy, by its own words. Raises TargetFailed."""
    command: list[str | Path] = [programs.program("pg_controldata"), "-D", folder.data]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={"LC_ALL": "C", "TZ": "UTC", **programs.environment},
        )
    except OSError as error:
        raise TargetFailed(f"{command[0]} could not be run: {error}.") from error
    if done.returncode != 0:
        raise TargetFailed(f"The copy's pg_control cannot be read: {done.stderr.strip() or done.stdout.strip()}.")
    lines = (line.partition(":") for line in done.stdout.splitlines())
    return {name: value.strip() for name, _, value in lines}


def checkpoint_time(control: Mapping[str, str]) -> datetime:
    """When the last checkpoint in the backup began: nothing can be recovered to before it. To the second."""
    written = datetime.strptime(control["Time of latest checkpoint"], "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007 - below
    return written.replace(tzinfo=UTC)


class RecoveringServer(EmbeddedServer):
    """A server made of a physical copy. `copy` first, then `recover`; `stop` removes all of it."""

    groundwork: PhysicalCopy

    @classmethod
    def make(
        cls, binaries: Binaries, backup: BaseBackup, archive: Archive, point: Point, settings: Mapping[str, Setting]
    ) -> Self:
        """Nothing is started or copied yet. Raises TargetFailed where there is no room for it."""
        programs = within_reach(binaries, server_account())
        groundwork = PhysicalCopy(programs, backup, archive, point, settings)
        server = cls(binaries, groundwork, WITHIN, backup.bytes + archive.bytes + ROOM)
        server.groundwork = groundwork
        return server

    def copy(self) -> None:
        """Bring the files here, as they are. Raises TargetFailed."""
        self._certificate = self.groundwork.lay(self.folder)

    def recover(self) -> None:
        """Replay up to the point, and open. Raises StartRefused where the server gives up."""
        self.groundwork.arm(self.folder)
        self._launch()
        self._set_password()

    def said(self) -> str:
        """All it wrote to its log."""
        return self.folder.log.read_text(errors="replace")
