"""What a disposable server and its databases have in common, however they were come by.

Preparing, migrating and asking speak of these two and know of no programs, folders or containers.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Protocol

from checks.errors import CouldNotTell
from checks.targets.session import Endpoint, Target
from checks.targets.template import SUPERUSER

if TYPE_CHECKING:
    import psycopg


class DisposableServer(Protocol):
    """A running server of ours: `stop` removes it and everything it wrote."""

    @property
    def obtained(self) -> str:
        """How this server was come by, as the report says it."""
        ...

    @property
    def has_tls(self) -> bool:
        """Whether it was set to speak TLS."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether it runs, and is this process's to use."""
        ...

    @property
    def ailment(self) -> CouldNotTell | None:
        """What became of the server, where it is known that it cannot answer any more."""
        ...

    def endpoint(self, database: str = SUPERUSER) -> Endpoint:
        """`database` over TCP, with TLS as strict as a client can be where the server has it."""
        ...

    def socket_endpoint(self, database: str = SUPERUSER) -> Endpoint:
        """`database` by the quickest way there is, for statements of ours."""
        ...

    def create_target(self, database: str) -> DisposableTarget:
        """A new, empty database on this server; closing the target drops it. Raises TargetFailed."""
        ...

    def create_database(self, database: str) -> None:
        """Create an empty database. Raises TargetFailed."""
        ...

    def drop_database(self, database: str) -> None:
        """Drop a database and whoever is still connected to it; one that is gone already is no mistake."""
        ...

    def execute(self, sql: str, *, database: str = SUPERUSER) -> None:
        """Run one statement of our own as superuser. Raises TargetFailed with what the server said."""
        ...

    def connect(self, database: str = SUPERUSER) -> psycopg.Connection[Any]:
        """A superuser's connection, each statement a transaction. Raises psycopg.Error."""
        ...

    def restart(self, *, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop as `how` says (at once, by default) and start on the same data, port and password."""
        ...

    def log_tail(self, lines: int = 20) -> str:
        """The last lines the server wrote to its log, without secrets."""
        ...

    def stop(self) -> None:
        """Stop at once and remove everything. Stopping twice is harmless, and a forked child never does it."""
        ...


class DisposableTarget(Target, Protocol):
    """One database of a disposable server, as the rest of the project sees a database."""

    database: str

    @property
    def server(self) -> DisposableServer:
        """The server it is on."""
        ...

    @property
    def obtained(self) -> str:
        """How the server was come by, as the report says it."""
        ...

    @property
    def socket_endpoint(self) -> Endpoint:
        """The quickest way to this database, for statements of ours."""
        ...

    @property
    def ailment(self) -> CouldNotTell | None:
        """What became of the server, where it is known that it cannot answer any more."""
        ...

    def restart(self, *, how: signal.Signals = signal.SIGQUIT) -> None:
        """Restart the server; the endpoint and the data stay the same. Raises TargetFailed."""
        ...
