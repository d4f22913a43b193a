"""Servers in states that take more than SQL to reach: stopped and changed on disk, or the standby of another.

For tests of what only shows there. Each is slow by the suite's measure, so a module makes one and shares it.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from checks.check import POSTGRESQL
from checks.targets import overlay
from checks.targets.account import options, server_account
from checks.targets.embedded import EmbeddedServer
from checks.targets.postmaster import Port, Postmaster
from checks.targets.reach import within_reach
from checks.targets.runfolder import RunFolder
from checks.targets.session import Endpoint
from checks.targets.template import SUPERUSER
from checks.targets.tuning import Setting, command_line
from tests.catalog.tools import Elsewhere

PATIENCE = 20.0
FOR_REPLICATION: Mapping[str, Setting] = {"wal_level": "logical", "max_wal_senders": 5, "max_replication_slots": 5}


def wait_until(connection: psycopg.Connection[Any], condition: str) -> None:
    """Until `condition` is true on the server."""
    give_up = time.monotonic() + PATIENCE
    while True:
        [holds] = connection.execute(f"SELECT {condition}".encode()).fetchone() or [None]
        if holds:
            return
        assert time.monotonic() < give_up, f"{condition} has not become true"


@contextmanager
def stopped(server: EmbeddedServer) -> Iterator[None]:
    """The server is shut down in good order, and started again afterwards."""
    server._halt(signal.SIGINT)
    yield
    server._launch()


def run_on_data(server: EmbeddedServer, program: str, *arguments: str) -> None:
    """Run one of the server's own programs on its data folder, as the server would see it."""
    account, programs = server_account(), within_reach(server.binaries, server_account())
    command: list[str | Path] = [programs.program(program), *arguments, "-D", server.folder.data]
    how = account.process_options(programs.environment)
    if server.folder.lower is not None:
        command, how = overlay.within(command, server.folder, account), options(programs.environment)
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE, **how)


class Standby:
    """A hot standby that streams from `primary`. Make it with `of`; `stop` removes it."""

    def __init__(self, primary: EmbeddedServer) -> None:
        self._account = server_account()
        self._programs = within_reach(primary.binaries, self._account)
        self._primary = primary
        self.folder = RunFolder.make(self._account)
        self.port = Port()
        self._postmaster: Postmaster | None = None

    @classmethod
    def of(cls, primary: EmbeddedServer, *, slot: str = "") -> Standby:
        """A copy of `primary` that follows it, through `slot` where one is named."""
        standby = cls(primary)
        try:
            standby._copy(slot)
            standby.start()
        except BaseException:
            standby.stop()
            raise
        return standby

    def start(self) -> None:
        """Start on the data there is."""
        if self._primary._certificate is None:
            raise AssertionError("the primary has been stopped")
        ours = command_line(self.port.number, self.folder.socket, self._primary._certificate)
        command: list[str | Path] = [self._programs.program("postgres"), "-D", self.folder.data, *ours]
        how = self._account.process_options(self._programs.environment)
        self._postmaster = Postmaster(command, self.folder.data, self.folder.log, how)
        self._postmaster.wait_until_ready(PATIENCE)

    def halt(self) -> None:
        """Shut down in good order, and keep the data."""
        if self._postmaster is not None:
            self._postmaster.stop(signal.SIGINT)
            self._postmaster = None

    def stop(self) -> None:
        """Shut down and remove everything."""
        self.halt()
        self.folder.remove()
        self.port.release()

    @property
    def target(self) -> Elsewhere:
        """The standby as a check is asked of it."""
        return Elsewhere(Endpoint(POSTGRESQL, str(self.folder.socket), self.port.number, SUPERUSER, None, SUPERUSER))

    def connect(self) -> psycopg.Connection[Any]:
        """A superuser's connection over the socket."""
        where = str(self.folder.socket)
        return psycopg.connect(host=where, port=self.port.number, user=SUPERUSER, dbname=SUPERUSER, autocommit=True)

    def _copy(self, slot: str) -> None:
        program = str(self._programs.program("pg_basebackup"))
        there = f"host={self._primary.folder.socket} port={self._primary.port} user={SUPERUSER}"
        command = [program, f"--dbname={there}", f"--pgdata={self.folder.data}", "--checkpoint=fast", "--no-password"]
        how = options(self._programs.environment)
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE, **how)
        with (self.folder.data / "postgresql.conf").open("a") as conf:
            primary = f"host=127.0.0.1 port={self._primary.port} user={SUPERUSER} password={self._primary.password}"
            conf.write(f"primary_conninfo = '{primary} application_name=follower'\n")
            conf.write(f"primary_slot_name = '{slot}'\nwal_retrieve_retry_interval = '50ms'\n")
        (self.folder.data / "standby.signal").touch()
        for path in (self.folder.data, *self.folder.data.rglob("*")):
            self._account.own(path)
        self.folder.let_in()
