"""The disposable target in a container: one empty database of the image that production runs."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from checks import secrets
from checks.check import POSTGRESQL, Engine
from checks.errors import CouldNotTell, TargetFailed
from checks.targets.container_server import ContainedServer
from checks.targets.identifiers import quoted
from checks.targets.session import Endpoint, Session
from checks.targets.template import SUPERUSER
from checks.targets.tuning import Setting


def default_image(major: int | None) -> str:
    """The official image of a major: `postgres:16-alpine`."""
    return f"postgres:{major}-alpine" if major else "postgres:alpine"


class ContainerServer(ContainedServer):
    """A server in a container and the databases on it. Make it with `start`; `stop` removes it and all it wrote."""

    def socket_endpoint(self, database: str = SUPERUSER) -> Endpoint:
        """The same as `endpoint`: no socket leads out of a container."""
        return self.endpoint(database)

    def create_target(self, database: str) -> ContainerTarget:
        """A new, empty database on this server; closing the target drops it. Raises TargetFailed."""
        self.create_database(database)
        return ContainerTarget(self, database, owns_server=False)

    def create_database(self, database: str) -> None:
        """Create an empty database, in the locale the image chose. Raises TargetFailed."""
        self.execute(f"CREATE DATABASE {quoted(database)} TEMPLATE template0")

    def drop_database(self, database: str) -> None:
        """Drop a database and whoever is still connected to it; one that is gone already is no mistake."""
        self.execute(f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE)")

    def execute(self, sql: str, *, database: str = SUPERUSER) -> None:
        """Run one statement of our own as superuser. Raises TargetFailed with what the server or the engine said."""
        import psycopg

        try:
            with self.connect(database) as connection:
                connection.execute(sql)
        except psycopg.Error as error:
            if (ailment := self.ailment) is not None:
                raise ailment from error
            said = secrets.mask(str(error).splitlines()[0] if str(error) else type(error).__name__)
            raise TargetFailed(f"The disposable server refused `{sql.split(maxsplit=1)[0]} …`: {said}.") from error


class ContainerTarget:
    """One database of a server in a container, as the rest of the project sees a database."""

    name = "container"
    engine: Engine = POSTGRESQL
    disposable = True

    def __init__(self, server: ContainerServer, database: str, *, owns_server: bool) -> None:
        self.server = server
        self.database = database
        self._owns_server = owns_server

    @property
    def obtained(self) -> str:
        """How the server was come by, as the report says it."""
        return self.server.obtained

    @property
    def ailment(self) -> CouldNotTell | None:
        """What became of the server, where that is known."""
        return self.server.ailment

    @property
    def endpoint(self) -> Endpoint:
        """Over TCP with TLS: for the `tls` check, and for programs that are handed a URL."""
        return self.server.endpoint(self.database)

    @property
    def socket_endpoint(self) -> Endpoint:
        """The same: no socket leads out of a container."""
        return self.server.socket_endpoint(self.database)

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> Session:
        """A new session. Raises ConnectionFailed."""
        from checks.targets.sessions import open_session

        return open_session(self.socket_endpoint, writable=writable, timeout=timeout, obtained=self.obtained)

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
    image: str, *, settings: Mapping[str, Setting] | None = None, database: str = "runbook"
) -> ContainerTarget:
    """A server of its own with one empty database; closing the target stops it. Raises TargetFailed."""
    server = ContainerServer.start(image, settings=settings)
    try:
        server.create_database(database)
    except BaseException:
        server.stop()
        raise
    return ContainerTarget(server, database, owns_server=True)
