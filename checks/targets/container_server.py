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
from checks.targets.container_health import LEAVE_IT, ailment_of, last_words
from checks.targets.container_image import Image, obtain
from checks.targets.container_owner import sweep
from checks.targets.container_reaper import settle_reaper
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
POLL = 0.01
LOOK = 0.25  # seconds between questions to the engine whether the container still runs
PORTS_TRIED = 5
LAST, READ = 20, 500  # lines of the log: for a glance, and to find the cause of a failure
HEARS = 2.0  # seconds the engine may take to notice that a container ended
RESTART = 10.0  # seconds a server may take to shut down in its own way
_CONNECT = 5  # seconds
# What container_start.sh does on each: https://www.postgresql.org/docs/current/server-shutdown.html
_SIGNALS = {signal.SIGQUIT: "USR1", signal.SIGINT: "USR2", signal.SIGTERM: "ALRM", signal.SIGKILL: "HUP"}
_SETTLED = "WINCH"
_running: set[ContainedServer] = set()
_ending = threading.Event()  # of the process: a thread that is left behind makes no container any more


class ContainedServer:
    """One server in a container. Make it with `start`; `stop` removes it and everything it wrote."""

    def __init__(self, box: Box, settings: Mapping[str, Setting], password: str) -> None:
        self.password = password
        self.settings = settings
        self._box = box
        self._owner = os.getpid()
        self._image: Image | None = None
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
            server._wait_until_ready(timeout)
        except BaseException:
            server.stop()
            raise
        server._watch = Watch(server._look, server._remove)
        server._watch.start()
        return server

    @property
    def obtained(self) -> str:
        """How this server was come by, as the report says it."""
        identity = self._image.identity.removeprefix("sha256:")[:12] if self._image else "unknown"
        return f"container, image {self._box.image} ({identity})"

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
        return ours and (self._watch is None or self._watch.seen is None) and self._born() is not None

    @property
    def ailment(self) -> TargetFailed | None:
        """What became of the server, where the engine knows that it cannot answer any more.

        The engine may hear of it later than the server's clients, so it is asked for a while where nobody answers.
        """
        until = time.monotonic() + HEARS
        while True:
            seen = self._watch.seen if self._watch else None
            if seen is not None or self._stopped:
                return seen
            found = self._look(READ)
            if found is not None or time.monotonic() > until or self._born() is not None:
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
        before = self._born()
        self._signal(_SIGNALS[how])
        if not self._reborn(before, RESTART):
            self._signal(_SIGNALS[signal.SIGKILL])
            if not self._reborn(before, READY):
                raise self._not_ready(READY)
        self._signal(_SETTLED)

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

    def log_tail(self, lines: int = LAST) -> str:
        """The last lines of the container's log, without secrets; nothing where there is no container."""
        if self._box._container is None:
            return ""
        try:
            with engine_faults("reading a container's log"):
                said: bytes = self._container.logs(tail=lines)
        except TargetFailed:
            return ""
        return secrets.mask(said.decode(errors="replace").rstrip())

    @property
    def _container(self) -> Container:
        return self._box.get_wrapped_container()

    def _make(self, certificate: Certificate | None, *, plaintext: bool, limits: Limits) -> None:
        """The container, started. Whoever stops the server meanwhile waits for that, so that nothing is left."""
        with self._making:
            if self._stopped or _ending.is_set():
                raise TargetFailed("The run ended while its container was being made.", code="run.interrupted")
            engine = self._box.engine
            with engine_faults("sweeping up after runs that were killed"):
                sweep(engine.client)
            image = self._image = obtain(engine.client, self._box.image)
            self._certificate = certificate or usual()
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
            self._launch()

    def _launch(self) -> None:
        """Start it, on another port when somebody else has the first."""
        for tried in range(1, PORTS_TRIED + 1):
            if self._way.publish:
                self._port = self._port or Port()
                self._box.publish(self._way.publish, self._port.number)
            try:
                with engine_faults(f"starting a container of {self._box.image}"):
                    self._box.start()
            except TargetFailed as failed:
                if failed.code != "container.port_taken" or tried == PORTS_TRIED:
                    raise
                self._remove()
                if self._port is not None:
                    self._port.release()
                    self._port = None
            else:
                return

    def _wait_until_ready(self, timeout: float) -> None:
        """Return when a query over the mapped port is answered. Raises TargetFailed with what the log ends with."""
        until, look = time.monotonic() + timeout, 0.0
        while self._born() is None:
            now = time.monotonic()
            if now >= look:
                ailment = self._look()
                if ailment is not None:
                    raise ailment
                look = now + LOOK
            if now > until or self._stopped:
                raise self._not_ready(timeout)
            time.sleep(POLL)

    def _not_ready(self, timeout: float) -> TargetFailed:
        said = last_words(self.log_tail())
        return TargetFailed(
            f"The server in the container of {self._box.image} answered no query within {timeout:g} s; "
            f"its log ends: {said}.",
            code="container.not_ready",
            hint="see whether the image starts with `docker run`, and whether this machine is overloaded",
        )

    def _born(self) -> str | None:
        """When the server started, by its own answer; None while it answers no query."""
        import psycopg

        try:
            with self.connect() as connection:
                row = connection.execute("SELECT pg_postmaster_start_time()::text").fetchone()
        except psycopg.OperationalError:
            return None
        return str(row[0]) if row else None

    def _reborn(self, before: str | None, timeout: float) -> bool:
        until = time.monotonic() + timeout
        while (born := self._born()) is None or born == before:
            if time.monotonic() > until:
                return False
            time.sleep(POLL)
        return True

    def _signal(self, name: str) -> None:
        with engine_faults("restarting a container"):
            self._container.kill(signal=name)

    def _look(self, lines: int = LAST) -> TargetFailed | None:
        """What ails the container, as the engine sees it now and the last lines of its log have it."""
        if self._box._container is None:
            return TargetFailed("The container has been removed.", code="container.gone", hint=LEAVE_IT)
        try:
            with engine_faults("looking after a container"):
                said = self._box.engine.client.api.inspect_container(self._box.get_container_id())
        except TargetFailed as failed:
            return failed
        platform = self._image.platform if self._image else ""
        return ailment_of(said, self.log_tail(lines), self._box.image, platform)

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
