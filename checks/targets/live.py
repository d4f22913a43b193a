"""A live database: somebody's, so it is read only, by few sessions, and never for long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from checks.check import SQLITE, Engine
from checks.errors import ConnectionFailed
from checks.targets.session import Endpoint, Session
from checks.targets.sessions import anyone, open_session
from checks.targets.slots import SCARCE, Slots, keep_enough

MOST_SESSIONS = 4
DEFAULT_PORT = 5432
MOMENT = 0.2  # seconds more for the first session's failure to be shared, where all have the same time


class LiveTarget:
    """An environment of a runbook. See `checks.targets.session.Target`, whose words hold here."""

    disposable = False

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self._name = name
        self._endpoint = endpoint
        self._permits = threading.BoundedSemaphore(MOST_SESSIONS)
        self._lock = threading.Lock()
        self._first: Future[None] | None = None

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

    def locate(self) -> None:
        """Find out where it is, where only a container engine knows. Raises CouldNotTell."""

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> Session:
        """A new read-only session, of which four may be open at once. Raises ConnectionFailed.

        The first one counts the server's slots, and the others wait for it: where too few would be left, none of them
        is opened (`connectivity.slots_scarce`). A writable one is refused whoever asks: nothing that runs against a
        live database has a way to write.
        """
        if writable:
            raise AssertionError("no part of pgrunbook may open a writable session with a live database")
        if not self._permits.acquire(timeout=timeout):
            raise self._busy()
        try:
            return self._open_first_or_after_it(timeout)
        except BaseException:
            self._permits.release()
            raise

    def _open_first_or_after_it(self, timeout: float) -> Session:
        with self._lock:
            leads = self._first is None
            first = self._first = self._first or Future()
        if not leads:
            try:
                first.result(timeout=timeout + MOMENT)
            except TimeoutError:
                raise self._busy() from None
            return self._opened(timeout, anyone)
        try:
            session = self._opened(timeout, partial(keep_enough, still_to_open=MOST_SESSIONS - 1))
        except BaseException as failure:
            # Whoever waits shares the failure. Later ones try again, but for scarce slots: those are left alone.
            if getattr(failure, "code", "") != SCARCE:
                self._first = None
            first.set_exception(failure)
            raise
        first.set_result(None)
        return session

    def _opened(self, timeout: float, admit: Callable[[Slots], None]) -> Session:
        text = obtained(self._name, self._endpoint)
        return open_session(self._endpoint, timeout=timeout, obtained=text, on_close=self._permits.release, admit=admit)

    def _busy(self) -> ConnectionFailed:
        return ConnectionFailed(
            f"All {MOST_SESSIONS} sessions that pgrunbook allows itself with {self._name} stayed busy.",
            code="connectivity.timeout",
        )

    def close(self) -> None:
        """Nothing was started for a live target, so there is nothing to stop."""


def obtained(name: str, endpoint: Endpoint) -> str:
    """How the report says we came by a live server: the environment and the place, and no password."""
    if endpoint.engine == SQLITE:
        return f"environment {name}, SQLite file {endpoint.path}"
    where = f"socket {endpoint.host}" if endpoint.is_socket else f"host {endpoint.host or 'by default'}"
    database = f" database {endpoint.database}" if endpoint.database else ""
    container = f"container {endpoint.compose.container}, " if endpoint.compose else ""
    return f"environment {name}, {container}{where} port {endpoint.port or DEFAULT_PORT}{database}"
