"""A live database: somebody's, so it is read only, by few sessions, and never for long."""

from __future__ import annotations

import threading

from checks.check import SQLITE, Engine
from checks.errors import ConnectionFailed
from checks.targets.session import Endpoint, Session
from checks.targets.sessions import open_session

MOST_SESSIONS = 4
DEFAULT_PORT = 5432


class LiveTarget:
    """An environment of a runbook. See `checks.targets.session.Target`, whose words hold here."""

    disposable = False

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self._name = name
        self._endpoint = endpoint
        self._slots = threading.BoundedSemaphore(MOST_SESSIONS)

    @property
    def name(self) -> str:
        """The environment's name."""
        return self._name

    @property
    def engine(self) -> Engine:
        """`postgresql` or `sqlite`."""
        return self._endpoint.engine

    @property
    def endpoint(self) -> Endpoint:
        """Where the environment is."""
        return self._endpoint

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> Session:
        """A new read-only session, of which four may be open at once. Raises ConnectionFailed.

        A writable one is refused whoever asks: nothing that runs against a live database has a way to write.
        """
        if writable:
            raise AssertionError("no part of pgrunbook may open a writable session with a live database")
        if not self._slots.acquire(timeout=timeout):
            raise ConnectionFailed(
                f"All {MOST_SESSIONS} sessions that pgrunbook allows itself with {self._name} stayed busy.",
                code="connectivity.timeout",
            )
        try:
            text = obtained(self._name, self._endpoint)
            return open_session(self._endpoint, timeout=timeout, obtained=text, on_close=self._slots.release)
        except BaseException:
            self._slots.release()
            raise

    def close(self) -> None:
        """Nothing was started for a live target, so there is nothing to stop."""


def obtained(name: str, endpoint: Endpoint) -> str:
    """How the report says we came by a live server: the environment and the place, and no password."""
    if endpoint.engine == SQLITE:
        return f"environment {name}, SQLite file {endpoint.path}"
    where = f"socket {endpoint.host}" if endpoint.is_socket else f"host {endpoint.host or 'by default'}"
    database = f" database {endpoint.database}" if endpoint.database else ""
    return f"environment {name}, {where} port {endpoint.port or DEFAULT_PORT}{database}"
