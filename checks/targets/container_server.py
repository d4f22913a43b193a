"""A disposable PostgreSQL in a container: production's own image, reached over a mapped port with TLS and a password.

It is removed by `stop()`, at the end of the process, or by the next run when this process was killed.
"""

from __future__ import annotations

import atexit
import os
import secrets as random
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from checks import secrets
from checks.check import POSTGRESQL
from checks.errors import TargetFailed
from checks.targets.authority import Certificate
from checks.targets.container_certificate import usual
from checks.targets.container_image import obtain
from checks.targets.container_launch import launch
from checks.targets.container_owner import sweep
from checks.targets.container_pulse import POLL, awaited, born
from checks.targets.container_reaper import settle_reaper
from checks.targets.container_restart import restart
from checks.targets.container_sight import GLANCE, READ, log_tail, not_ready, what_ails
from checks.targets.container_watch import Watch
from checks.targets.container_way import PORT, Way, way_to
from checks.targets.engine import TIMEOUT as ANSWERS_WITHIN
from checks.targets.engine import library
from checks.targets.engine_faults import engine_faults
from checks.targets.postmaster import HOST, Port
from checks.targets.session import Endpoint
from checks.targets.template import SUPERUSER
from checks.targets.tuning import Setting, has_tls, merged
from checks.targets.url import conninfo

if TYPE_CHECKING:
    import psycopg
    from docker.models.containers import Container

    from checks.targets.container_box import Box, Limits

READY = 60.0  # seconds; `initdb` is part of the start
HEARS = 2.0  # seconds the engine may take to notice that a container ended
_CONNECT = 5  # seconds
_running: set[ContainedServer] = set()
_ending = threading.Event()  # of the process: a thread that is left behind makes no container any more


class ContainedServer:
    """One server in a container. Make it with `start`; `stop` removes it and everything it wrote."""

    def __init__(self, box: Box, settings: Mapping[str, Setting], password: str) -> None:
        self.password = password
        self.settings = settings
        self._box = box
        self._owner = os.getpid()
        self._way = Way("")
        self._port: Port | None = None
        self._certificate: Certificate | None = None
        self._watch: Watch | None = None
        self._stopped = False
        self._making = threading.Lock()
        self._removing = threading.Lock()
        _running.add(self)

    @classmethod
    def start(
        cls,
        image: str,
        *,
        settings: Mapping[str, Setting] | None = None,
        timeout: float = READY,
        plaintext: bool = False,
        certificate: Certificate | None = None,
        limits: Limits | None = None,
    ) -> Self:
        """A server that answers queries, `timeout` seconds at most after its image is here.

        `settings` override the lean ones. `plaintext`, `certificate` and `limits` are how tests sabotage it. Raises
        TargetFailed, and leaves nothing then.
        """
        library()
        from checks.targets.container_box import Box, Limits

        wanted, password = merged(settings or {}), random.token_urlsafe(24)
        secrets.remember(password)
        with engine_faults("being greeted", reached=False):
            box = Box(image, password, timeout=ANSWERS_WITHIN)
        server = cls(box, wanted, password)
        try:
            server._make(certificate, plaintext=plaintext, limits=limits or Limits())
            server._await(timeout)
        except BaseException:
            server.stop()
            raise
        server._watch = Watch(server._look, server._remove)
        server._watch.start()
        return server

    @property
    def obtained(self) -> str:
        """How this server was come by, as the report says it."""
        return f"container, image {self._box.image} ({self._box.identity})"

    @property
    def has_tls(self) -> bool:
        """Whether it was set to speak TLS."""
        return has_tls(self.settings)

    @property
    def host(self) -> str:
        """Where clients reach it."""
        return self._way.host or self._box.engine.bridge_ip(self._box.get_container_id())

    @property
    def port(self) -> int:
        """The TCP port clients reach it by, the same for the server's whole life."""
        return self._port.number if self._port and self._way.publish else PORT

    @property
    def is_running(self) -> bool:
        """Whether it can answer, and is ours."""
        ours = self._owner == os.getpid() and not self._stopped
        return ours and self._seen() is None and born(self.connect) is not None

    @property
    def ailment(self) -> TargetFailed | None:
        """What became of the server, where the engine knows that it cannot answer any more.

        The engine may hear of it later than the server's clients, so it is asked for a while where nobody answers.
        """
        until = time.monotonic() + HEARS
        while True:
            if (seen := self._seen()) is not None or self._stopped:
                return seen
            found = what_ails(self._box, READ)
            if found is not None or time.monotonic() > until or born(self.connect) is not None:
                return found
            time.sleep(POLL)

    def endpoint(self, database: str = SUPERUSER) -> Endpoint:
        """`database` over TCP, with TLS as strict as a client can be where the server has it."""
        options = {"sslmode": "disable"}
        if self.has_tls and self._certificate is not None:
            strict = "verify-full" if self.host == HOST else "verify-ca"  # the certificate names this machine only
            options = {"sslmode": strict, "sslrootcert": str(self._certificate.ca)}
        return Endpoint(POSTGRESQL, self.host, self.port, SUPERUSER, self.password, database, options)

    def connect(self, database: str = SUPERUSER) -> psycopg.Connection[Any]:
        """A superuser's connection, each statement a transaction. Raises psycopg.Error."""
        import psycopg

        given = psycopg.conninfo.make_conninfo("", **conninfo(self.endpoint(database)), connect_timeout=_CONNECT)
        return psycopg.connect(given, autocommit=True)

    def restart(self, *, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop as `how` says (at once, by default) and start on the same data, port and password.

        One that does not heed it is killed. Raises TargetFailed.
        """
        try:
            restart(self._box, self.connect, self._seen, how)
        except TargetFailed as failed:
            raise self.ailment or failed from failed

    def stop(self) -> None:
        """Stop at once and remove everything. Stopping twice is harmless, and a forked child never does it.

        Who comes second waits for the first: a process that ends meanwhile would leave the container behind.
        """
        if os.getpid() != self._owner:
            return
        self._stopped = True
        if self._watch is not None:
            self._watch.end()
        with self._making:
            if self not in _running:
                return
            self._remove()
            self._box.engine.client.close()
            if self._port is not None:
                self._port.release()
            _running.discard(self)

    def log_tail(self, lines: int = GLANCE) -> str:
        """The last lines of the container's log, without secrets; nothing where there is no container."""
        return log_tail(self._box, lines)

    @property
    def _container(self) -> Container:
        return self._box.get_wrapped_container()

    def _make(self, certificate: Certificate | None, *, plaintext: bool, limits: Limits) -> None:
        """The container, started. Whoever stops the server meanwhile waits for that, so that nothing is left.

        Nobody waits for an image that is being fetched: there is nothing to remove yet.
        """
        engine = self._box.engine
        with engine_faults("sweeping up after runs that were killed"):
            sweep(engine.client)
        image = obtain(engine.client, self._box.image)
        self._certificate = certificate or usual()
        with self._making:
            if self._stopped or _ending.is_set():
                raise TargetFailed("The run ended while its container was being made.", code="run.interrupted")
            with engine_faults("looking for a way to its containers"):
                settle_reaper(engine)
                self._way = way_to(engine)
            self._box.furnish(
                image,
                self.settings,
                self._certificate,
                plaintext=plaintext or not self.has_tls,
                limits=limits,
                network=self._way.network,
            )
            self._port = launch(self._box, self._way)

    def _await(self, timeout: float) -> None:
        if not awaited(self.connect, self._look, timeout):
            raise not_ready(self._box, timeout)

    def _look(self) -> TargetFailed | None:
        return what_ails(self._box)

    def _seen(self) -> TargetFailed | None:
        """What the watch saw last, which costs no question to the engine."""
        return self._watch.seen if self._watch else None

    def _remove(self) -> None:
        """Remove the container and its volumes. Where the engine does not let us, the next run does it."""
        try:
            with self._removing, engine_faults("removing a container"):
                self._box.clear()
        except TargetFailed as failed:
            if failed.code != "container.gone":
                sys.stderr.write(f"A container was left behind, for the next run to remove: {failed.sentence}\n")


@atexit.register
def stop_all() -> None:
    """Stop every server this process still runs, and let none be made."""
    _ending.set()
    for server in list(_running):
        server.stop()
