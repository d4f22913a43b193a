"""The disposable target: one empty database of a server started here, and thrown away."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

from checks import secrets
from checks.check import POSTGRESQL, Engine
from checks.errors import CouldNotTell, TargetFailed
from checks.targets.binaries import find
from checks.targets.postmaster import HOST
from checks.targets.server import Server
from checks.targets.session import Endpoint, Session
from checks.targets.template import SUPERUSER
from checks.targets.tuning import Setting


class EmbeddedServer(Server):
    """A running server and the databases on it. Make it with `start`; `stop` removes it and all it wrote."""

    @property
    def obtained(self) -> str:
        """How this server was come by, as the report says it."""
        return self.binaries.obtained

    @property
    def ailment(self) -> CouldNotTell | None:
        """Always None: whoever asks an embedded server hears from the kernel at once when it is gone."""
        return None

    def endpoint(self, database: str = SUPERUSER) -> Endpoint:
        """`database` over TCP, with TLS as strict as a client can be where the server has it."""
        encrypted = {"sslmode": "verify-full", "sslrootcert": str(self.folder.tls / "ca.pem")}
        options = encrypted if self.has_tls else {"sslmode": "disable"}
        return Endpoint(POSTGRESQL, HOST, self.port, self.superuser, self.password, database, options)

    def socket_endpoint(self, database: str = SUPERUSER) -> Endpoint:
        """`database` over the Unix socket, where the kernel vouches for us and no handshake is paid."""
        return Endpoint(POSTGRESQL, str(self.folder.socket), self.port, self.superuser, self.password, database)

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
            with self.connect(database) as connection:
                connection.execute(sql)
        except psycopg.Error as error:
            said = secrets.mask(str(error).splitlines()[0] if str(error) else type(error).__name__)
            raise TargetFailed(f"The disposable server refused `{sql.split(maxsplit=1)[0]} …`: {said}.") from error


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

    @property
    def ailment(self) -> CouldNotTell | None:
        """What became of the server, where that is known."""
        return self.server.ailment

    def restart(self, *, how: signal.Signals = signal.SIGQUIT) -> None:
        """Restart the server; the endpoint and the data stay the same. Raises TargetFailed."""
        self.server.restart(how=how)

    def close(self) -> None:
        """Stop the server where this target started it, else drop the database. Closing twice is harmless."""
        if self._owns_server:
            self.server.stop()
        elif self.server.is_running:
            self.server.drop_database(self.database)


def start_target(
    major: int | None = None,
    *,
    settings: Mapping[str, Setting] | None = None,
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
