"""One disposable PostgreSQL server: nothing to install, nothing to configure, nothing left behind.

It is a copy of a cached template, run by an unprivileged user, that only its owner can reach: by a socket in a closed
folder, and by 127.0.0.1 with TLS and a random password. It is stopped by `stop()`, at the end of the process, or by the
next run when this process was killed.
"""

from __future__ import annotations

import atexit
import os
import secrets as random
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from checks import secrets
from checks.errors import TargetFailed
from checks.targets import overlay
from checks.targets.account import options, server_account
from checks.targets.authority import Certificate
from checks.targets.binaries import Binaries
from checks.targets.groundwork import Groundwork
from checks.targets.orphans import stop_servers_in
from checks.targets.postmaster import Port, PortTaken, Postmaster
from checks.targets.reach import within_reach
from checks.targets.runfolder import ROOM, RunFolder
from checks.targets.template import HIDDEN_SUPERUSER, SUPERUSER
from checks.targets.tuning import Setting, command_line, has_tls, merged

if TYPE_CHECKING:
    import psycopg

TRIES = 3  # as found in the cache, by a copy where an overlay failed, and with what was damaged made anew
PORTS_TRIED = 5
_running: set[Server] = set()


class Server:
    """One running server. Make it with `start`; `stop` removes it and everything it wrote."""

    def __init__(self, binaries: Binaries, groundwork: Groundwork, timeout: float, room: int) -> None:
        self.binaries = binaries
        self.password = random.token_urlsafe(24)
        secrets.remember(self.password)
        self.superuser = SUPERUSER
        self.folder = RunFolder.make(groundwork.account, room)
        self._groundwork = groundwork
        self._room = room
        self._timeout = timeout
        self._owner = os.getpid()
        self._port: Port | None = None
        self._postmaster: Postmaster | None = None
        self._certificate: Certificate | None = None
        _running.add(self)

    @classmethod
    def start(
        cls,
        binaries: Binaries,
        *,
        settings: Mapping[str, Setting] | None = None,
        plaintext: bool = False,
        certificate: Certificate | None = None,
        timeout: float = 30.0,
        room: int = ROOM,
    ) -> Self:
        """A server that accepts connections, `timeout` seconds at most from its start.

        `settings` override the lean ones. `room` is how many bytes there must be where it keeps its data. `plaintext`
        lets connections in without TLS, and `certificate` is used in place of the good one: both are how tests sabotage
        it. Raises TargetFailed, and leaves nothing then.
        """
        account = server_account()
        programs = within_reach(binaries, account)
        groundwork = Groundwork(programs, account, merged(settings or {}), certificate, plaintext=plaintext)
        server = cls(binaries, groundwork, timeout, room)
        try:
            server._bring_up()
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def process_id(self) -> int:
        """The number of the server's first process. Raises TargetFailed after `stop`."""
        if self._postmaster is None:
            raise TargetFailed("The disposable server has been stopped.")
        return self._postmaster.process.pid

    @property
    def has_tls(self) -> bool:
        """Whether it was set to speak TLS."""
        return has_tls(self._groundwork.settings)

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1, the same for the server's whole life."""
        if self._port is None:
            raise TargetFailed("The disposable server has been stopped.")
        return self._port.number

    @property
    def is_running(self) -> bool:
        """Whether the server's own process lives, and is ours."""
        return self._owner == os.getpid() and self._postmaster is not None and self._postmaster.process.poll() is None

    def restart(self, *, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop as `how` says (at once, by default) and start on the same data, port and password."""
        if self._postmaster is None:
            raise TargetFailed("The disposable server has been stopped, so it cannot be restarted.")
        self._halt(how)
        self._launch()

    def stop(self) -> None:
        """Stop at once and remove everything. Stopping twice is harmless, and a forked child never does it."""
        if os.getpid() != self._owner:
            return
        self._halt()
        self.folder.remove()
        if self._port is not None:
            self._port.release()
            self._port = None
        _running.discard(self)

    def connect(self, database: str = SUPERUSER, *, search_path: str = "") -> psycopg.Connection[Any]:
        """A superuser's connection over the socket, each statement a transaction. Raises psycopg.Error.

        Where others decided what is in the database, name the `search_path`: the database's own may lead a superuser to
        functions that pretend to be PostgreSQL's. An empty one is the database's.
        """
        import psycopg

        return psycopg.connect(
            host=str(self.folder.socket), port=self.port, user=self.superuser, dbname=database, autocommit=True,
            options=f"-c search_path={search_path}" if search_path else None,
        )  # fmt: skip

    def hide_superuser(self) -> None:
        """Give up the superuser's usual name, so that a role of that name can own what a dump says it owned.

        Another superuser takes over, and the first one can no longer log in. Raises psycopg.Error.
        """
        with self.connect() as connection:
            connection.execute(f"CREATE ROLE {HIDDEN_SUPERUSER} SUPERUSER LOGIN")
        self.superuser = HIDDEN_SUPERUSER
        self._set_password()
        with self.connect() as connection:
            connection.execute(f"ALTER ROLE {SUPERUSER} NOLOGIN PASSWORD NULL")
            connection.execute(f"ALTER ROLE {SUPERUSER} RENAME TO {HIDDEN_SUPERUSER}_at_birth")

    def log_tail(self, lines: int = 20) -> str:
        """The last lines the server wrote to its log, without secrets."""
        try:
            text = self.folder.log.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return secrets.mask("\n".join(text.splitlines()[-lines:]))

    def _bring_up(self) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                return self._first_start()
            except TargetFailed as failed:
                if not tries_left or not self._groundwork.another_way(failed):
                    raise
                self._clear()
        raise AssertionError("the last try returns or raises")

    def _first_start(self) -> None:
        self._certificate = self._groundwork.lay(self.folder)
        self._launch()
        self._set_password()

    def _clear(self) -> None:
        self._halt()
        self.folder.remove()
        self.folder = RunFolder.make(self._groundwork.account, self._room)

    def _halt(self, how: signal.Signals = signal.SIGQUIT) -> None:
        if self._postmaster is None:
            return
        if not self._postmaster.stop(how):
            stop_servers_in(self.folder.path)  # a killed postmaster's children take a moment to notice
        self._postmaster = None

    def _launch(self) -> None:
        for tried in range(1, PORTS_TRIED + 1):
            if self._port is None:
                self._port = Port()
            try:
                self._postmaster = self._start_postmaster()
                return self._postmaster.wait_until_ready(self._timeout)
            except PortTaken:
                if tried == PORTS_TRIED:
                    raise
                self._port.release()
                self._port = None
        raise AssertionError("the last try returns or raises")

    def _start_postmaster(self) -> Postmaster:
        if self._certificate is None:
            raise AssertionError("the certificate is installed before the first start")
        ours = command_line(self.port, self.folder.socket, self._certificate)
        account, programs = self._groundwork.account, self._groundwork.programs
        command: list[str | Path] = [programs.program("postgres"), "-D", self.folder.data, *ours]
        how = account.process_options(programs.environment)
        if self.folder.lower is not None:
            command, how = overlay.within(command, self.folder, account), options(programs.environment)
        return Postmaster(command, self.folder.written, self.folder.log, how)

    def _set_password(self) -> None:
        """Only the verifier is sent, so that no log of statements can hold the password."""
        import psycopg

        try:
            with self.connect() as connection:
                verifier = connection.pgconn.encrypt_password(
                    self.password.encode(), self.superuser.encode(), b"scram-sha-256"
                )
                connection.execute(f"ALTER ROLE {self.superuser} PASSWORD '{verifier.decode()}'")
        except psycopg.Error as error:
            raise TargetFailed(f"The disposable server started and did not let us in: {error}.") from error


@atexit.register
def stop_all() -> None:
    """Stop every server this process still runs."""
    for server in list(_running):
        server.stop()
