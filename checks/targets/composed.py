"""A live database in a container of Compose, found anew whenever it was not where it had been."""

from __future__ import annotations

import threading

from checks.errors import ConnectionFailed, TargetFailed
from checks.targets.live import LiveTarget
from checks.targets.session import ComposeService, Endpoint, Session


class ComposeTarget(LiveTarget):
    """An environment that names a compose service. Where its container listens is asked of the engine."""

    def __init__(self, name: str, wanted: ComposeService) -> None:
        super().__init__(name, Endpoint(compose=wanted))
        self._wanted = wanted
        self._locating = threading.Lock()

    def locate(self) -> None:
        """Find the container's published port. Raises ConnectionFailed, and TargetFailed where no engine answers."""
        # docker takes 100 ms to import, which nobody else owes.
        from checks.targets.compose_container import located

        with self._locating:
            if self._endpoint.port is None:
                self._endpoint = located(self._wanted)

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> Session:
        """A new read-only session. A failure names what the engine says of the container. Raises ConnectionFailed."""
        try:
            self.locate()
        except TargetFailed as failure:
            raise ConnectionFailed(failure.sentence, code="connectivity.lost", hint=failure.hint) from failure
        try:
            return super().open(writable=writable, timeout=timeout)
        except ConnectionFailed as failure:
            self._endpoint = Endpoint(compose=self._wanted)  # a container started again has another port
            failure.sentence = " ".join([failure.sentence, *self._remarks()])
            raise

    def _remarks(self) -> list[str]:
        from checks.targets.compose_container import container_of, remarks

        try:
            remark = remarks(container_of(self._wanted))
        except (ConnectionFailed, TargetFailed) as failure:
            remark = failure.sentence
        return [remark] if remark else []


def live_target(name: str, endpoint: Endpoint) -> LiveTarget:
    """The target of an environment, by the kind of its endpoint."""
    return LiveTarget(name, endpoint) if endpoint.compose is None else ComposeTarget(name, endpoint.compose)
