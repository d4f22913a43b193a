"""The disposable target in a container: one empty database of the image that production runs."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from checks.check import POSTGRESQL, Engine
from checks.errors import CouldNotTell
from checks.targets.session import Endpoint, Session
from checks.targets.template import SUPERUSER
from checks.targets.tuning import Setting

if TYPE_CHECKING:
    import psycopg

TIMEOUT = 60.0  # seconds; `initdb` is part of the start


def default_image(major: int | None) -> str:
    """The official image of a major: `postgres:16-alpine`."""
    return f"postgres:{major}-alpine" if major else "postgres:alpine"


class ContainerServer:
    """A server in a container of ours. Make it with `start`; `stop` removes it and all it wrote."""

    @classmethod
    def start(cls, image: str, *, settings: Mapping[str, Setting] | None = None, timeout: float = TIMEOUT) -> Self:
        """A server that answers queries, `timeout` seconds at most after its image is here. Raises TargetFailed."""
        raise NotImplementedError

    @property
    def obtained(self) -> str:
        raise NotImplementedError

    @property
    def has_tls(self) -> bool:
        raise NotImplementedError

    @property
    def is_running(self) -> bool:
        raise NotImplementedError

    @property
    def ailment(self) -> CouldNotTell | None:
        raise NotImplementedError

    def endpoint(self, database: str = SUPERUSER) -> Endpoint:
        raise NotImplementedError

    def socket_endpoint(self, database: str = SUPERUSER) -> Endpoint:
        raise NotImplementedError

    def create_target(self, database: str) -> ContainerTarget:
        raise NotImplementedError

    def create_database(self, database: str) -> None:
        raise NotImplementedError

    def drop_database(self, database: str) -> None:
        raise NotImplementedError

    def execute(self, sql: str, *, database: str = SUPERUSER) -> None:
        raise NotImplementedError

    def connect(self, database: str = SUPERUSER) -> psycopg.Connection[Any]:
        raise NotImplementedError

    def restart(self, *, how: signal.Signals = signal.SIGQUIT) -> None:
        raise NotImplementedError

    def log_tail(self, lines: int = 20) -> str:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


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
