"""Disposable PostgreSQL servers: nothing to install, nothing to configure, nothing left behind.

A server is a copy of a cached template, run by an unprivileged user, that only its owner can reach: a socket in a
closed folder, and 127.0.0.1 with TLS and a random password. It is stopped by `stop()`, at the end of the process, or
by the next run when this process was killed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets as random
import shutil
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks import secrets
from checks.check import POSTGRESQL, Engine
from checks.errors import TargetFailed
from checks.targets import authority, cache, tuning
from checks.targets.account import Account, server_account
from checks.targets.authority import Certificate
from checks.targets.binaries import Binaries, find
from checks.targets.postmaster import PortTaken, Postmaster, reserve_port
from checks.targets.reach import within_reach
from checks.targets.runfolder import RunFolder
from checks.targets.session import Endpoint, Session
from checks.targets.template import SUPERUSER, Template, prepare

if TYPE_CHECKING:
    import psycopg

HOST = "127.0.0.1"
PORTS_TRIED = 5
_running: set[EmbeddedServer] = set()


class EmbeddedServer:
    """One running server. Make it with `start`; `stop` removes it and everything it wrote."""

    def __init__(self, binaries: Binaries, settings: Mapping[str, tuning.Setting], timeout: float) -> None:
        self.binaries = binaries
        self.settings = tuning.merged(settings)
        self.account: Account = server_account()
        self.password = random.token_urlsafe(24)
        secrets.remember(self.password)
        self._timeout = timeout
        self._owner = os.getpid()
        self._programs = within_reach(binaries, self.account)
        self.folder = RunFolder.make(self.account)
        self._port: socket.socket | None = None
        self._postmaster: Postmaster | None = None
        self._certificate: Certificate | None = None

    @classmethod
    def start(
        cls,
        binaries: Binaries,
        *,
        settings: Mapping[str, tuning.Setting] | None = None,
        plaintext: bool = False,
        certificate: Certificate | None = None,
        timeout: float = 30.0,
    ) -> EmbeddedServer:
        """A server that accepts connections, `timeout` seconds at most from its start.

        `settings` override the lean ones. `plaintext` lets connections in without TLS, and `certificate` is used in
        place of the good one: both are how tests sabotage it. Raises TargetFailed, and leaves nothing then.
        """
        server = cls(binaries, settings or {}, timeout)
        _running.add(server)
        try:
            server._bring_up(certificate, plaintext=plaintext)
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1, the same for the server's whole life."""
        if self._port is None:
            raise TargetFailed("The disposable server has been stopped.")
        return int(self._port.getsockname()[1])

    @property
    def is_running(self) -> bool:
        """Whether the server's own process lives, and is ours."""
        return self._owner == os.getpid() and self._postmaster is not None and self._postmaster.process.poll() is None

    @property
    def obtained(self) -> str:
        """How this server was come by, as the report says it."""
        return self.binaries.obtained

    def endpoint(self, database: str = SUPERUSER) -> Endpoint:
        """`database` over TCP, with TLS as strict as a client can be where the server has it."""
        encrypted = {"sslmode": "verify-full", "sslrootcert": str(self.folder.tls / "ca.pem")}
        has_tls = str(self.settings["ssl"]).lower() in {"on", "true", "yes", "1"}
        options = encrypted if has_tls else {"sslmode": "disable"}
        return Endpoint(POSTGRESQL, HOST, self.port, SUPERUSER, self.password, database, options)

    def socket_endpoint(self, database: str = SUPERUSER) -> Endpoint:
        """`database` over the Unix socket, where the kernel vouches for us and no handshake is paid."""
        return Endpoint(POSTGRESQL, str(self.folder.socket), self.port, SUPERUSER, self.password, database)

    def create_target(self, database: str) -> EmbeddedTarget:
        """A new, empty database on this server; closing the target drops it. Raises TargetFailed."""
        self.create_database(database)
        return EmbeddedTarget(self, database, owns_server=False)

    def create_database(self, database: str) -> None:
        """Create an empty database. Copying files is the quicker way where nothing waits for the disk."""
        strategy = " STRATEGY file_copy" if self.binaries.major >= 15 else ""
        self.execute(f"CREATE DATABASE {_identifier(database)} TEMPLATE template0{strategy}")

    def drop_database(self, database: str) -> None:
        """Drop a database and whoever is still connected to it; one that is gone already is no mistake."""
        self.execute(f"DROP DATABASE IF EXISTS {_identifier(database)} WITH (FORCE)")

    def execute(self, sql: str, *, database: str = SUPERUSER) -> None:
        """Run one statement of our own as superuser. Raises TargetFailed with what the server said."""
        import psycopg

        try:
            with self._connect(database) as connection:
                connection.execute(sql)
        except psycopg.Error as error:
            said = secrets.mask(str(error).splitlines()[0] if str(error) else type(error).__name__)
            raise TargetFailed(f"The disposable server refused `{sql.split(maxsplit=1)[0]} …`: {said}.") from error

    def restart(self, *, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop as `how` says (at once, by default) and start on the same data, port and password."""
        if self._postmaster is None:
            raise TargetFailed("The disposable server has been stopped, so it cannot be restarted.")
        self._postmaster.stop(how)
        self._launch()

    def stop(self) -> None:
        """Stop at once and remove everything. Stopping twice is harmless, and a forked child never does it."""
        if os.getpid() != self._owner:
            return
        if self._postmaster is not None:
            self._postmaster.stop()
            self._postmaster = None
        self.folder.remove()
        if self._port is not None:
            self._port.close()
            self._port = None
        _running.discard(self)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines the server wrote to its log, without secrets."""
        try:
            text = self.folder.log.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return secrets.mask("\n".join(text.splitlines()[-lines:]))

    def _bring_up(self, certificate: Certificate | None, *, plaintext: bool) -> None:
        kept = cache.folder()
        template = Template(kept, self._programs, self.account) if kept else None
        self._certificate = (certificate or self._usual_certificate(kept)).install(self.folder.tls, self.account)
        try:
            self._first_start(template, plaintext=plaintext)
        except TargetFailed:
            if template is None or not template.discard_if_damaged():
                raise
            shutil.rmtree(self.folder.data)
            self._first_start(template, plaintext=plaintext)

    def _usual_certificate(self, kept: Path | None) -> Certificate:
        if kept is not None:
            with contextlib.suppress(OSError):  # a cache that fails costs the time of making another one
                return authority.cached(kept)
        folder = self.folder.path / "authority"
        folder.mkdir(mode=0o700)
        return authority.issue(folder)

    def _first_start(self, template: Template | None, *, plaintext: bool) -> None:
        data = self.folder.data
        prepare(template, self._programs, data, self.account)
        with (data / "postgresql.conf").open("a") as file:
            file.write(tuning.configuration(self.settings))
        (data / "pg_hba.conf").write_text(tuning.access_rules(plaintext=plaintext))
        (data / "pg_ident.conf").write_text(tuning.identities())
        self._launch()
        self._set_password()

    def _launch(self) -> None:
        for tried in range(1, PORTS_TRIED + 1):
            if self._port is None:
                self._port = reserve_port()
            try:
                self._postmaster = self._start_postmaster()
                return self._postmaster.wait_until_ready(self._timeout)
            except PortTaken:
                if tried == PORTS_TRIED:
                    raise
                self._port.close()
                self._port = None
        raise AssertionError("the last try returns or raises")

    def _start_postmaster(self) -> Postmaster:
        if self._certificate is None:
            raise AssertionError("the certificate is installed before the first start")
        ours = tuning.command_line(self.port, self.folder.socket, self._certificate)
        command: list[str | Path] = [self._programs.program("postgres"), "-D", self.folder.data, *ours]
        return Postmaster(command, self.folder.data, self.folder.log, self.account)

    def _set_password(self) -> None:
        """Only the verifier is sent, so that no log of statements can hold the password."""
        import psycopg

        try:
            with self._connect() as connection:
                verifier = connection.pgconn.encrypt_password(
                    self.password.encode(), SUPERUSER.encode(), b"scram-sha-256"
                )
                connection.execute(f"ALTER ROLE {SUPERUSER} PASSWORD '{verifier.decode()}'")
        except psycopg.Error as error:
            raise TargetFailed(f"The disposable server started and did not let us in: {error}.") from error

    def _connect(self, database: str = SUPERUSER) -> psycopg.Connection[Any]:
        import psycopg

        return psycopg.connect(
            host=str(self.folder.socket), port=self.port, user=SUPERUSER, dbname=database, autocommit=True
        )


class EmbeddedTarget:
    """One database of a disposable server, as the rest of the project sees a database."""

    name = "embedded"
    engine: Engine = POSTGRESQL
    disposable = True

    def __init__(self, server: EmbeddedServer, database: str, *, owns_server: bool) -> None:
        self.server = server
        self.database = database
        self._owns_server = owns_server

    @property
    def obtained(self) -> str:
        """How the server was come by, as the report says it."""
        return self.server.obtained

    @property
    def endpoint(self) -> Endpoint:
        """Over TCP with TLS: for the `tls` check, and for programs that are handed a URL."""
        return self.server.endpoint(self.database)

    @property
    def socket_endpoint(self) -> Endpoint:
        """Over the Unix socket: how `open` gets in."""
        return self.server.socket_endpoint(self.database)

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> Session:
        """A new session over the socket. Raises ConnectionFailed."""
        from checks.targets.sessions import open_session

        return open_session(self.socket_endpoint, writable=writable, timeout=timeout, obtained=self.obtained)

    def close(self) -> None:
        """Stop the server where this target started it, else drop the database. Closing twice is harmless."""
        if self._owns_server:
            self.server.stop()
        elif self.server.is_running:
            self.server.drop_database(self.database)


def start_target(
    major: int | None = None,
    *,
    settings: Mapping[str, tuning.Setting] | None = None,
    database: str = "runbook",
    explicit_bin: Path | None = None,
) -> EmbeddedTarget:
    """A server of its own with one empty database; closing the target stops it. Raises TargetFailed."""
    server = EmbeddedServer.start(find(major, explicit_bin), settings=settings)
    try:
        server.create_database(database)
    except BaseException:
        server.stop()
        raise
    return EmbeddedTarget(server, database, owns_server=True)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@atexit.register
def stop_all() -> None:
    """Stop every server this process still runs."""
    for server in list(_running):
        server.stop()
