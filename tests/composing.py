"""Containers as Compose makes them, by their labels, on a real engine; no compose program is needed for that."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from checks.targets.engine import reach
from checks.targets.session import ComposeService
from tests.containers.images import images, why_none

SLEEP = ("sleep", "600")
PASSWORD = "sesame-from-the-container"
PATIENCE = 30.0
NO_ENGINE = "tcp://127.0.0.1:9"
SECOND = 1_000_000_000  # nanoseconds, in which the engine counts


def probe(*test: str, interval: float = 1.0, timeout: float = 5.0, retries: int = 5) -> dict[str, Any]:
    """A health check as the engine takes it."""
    times = {"interval": int(interval * SECOND), "timeout": int(timeout * SECOND), "start_period": 0}
    return {"test": list(test), "retries": retries, **times}


WELL, ILL = ("CMD", "true"), ("CMD", "false")
POSTGRES = ("CMD-SHELL", "pg_isready -q -h 127.0.0.1 -U gaia -d gaia")


@dataclass
class Composed:
    """One container of a service. `project` is new for each, so that tests do not find one another's."""

    client: Any
    container: Any
    wanted: ComposeService

    @property
    def name(self) -> str:
        return str(self.container.name)

    def state(self) -> Mapping[str, Any]:
        """The engine's description of its state."""
        self.container.reload()
        state: Mapping[str, Any] = self.container.attrs["State"]
        return state

    def until(self, health: str) -> Composed:
        """Wait until the engine has found this health."""
        give_up = time.monotonic() + PATIENCE
        while self.state().get("Health", {}).get("Status") != health:
            assert time.monotonic() < give_up, self.container.logs()[-500:]
            time.sleep(0.05)
        return self


@contextmanager
def composed(
    *,
    service: str = "postgres",
    project: str = "",
    command: Sequence[str] = SLEEP,
    variables: Mapping[str, str] | None = None,
    healthcheck: Mapping[str, Any] | None = None,
    published_on: str = "127.0.0.1",
    labels: Mapping[str, str] | None = None,
) -> Iterator[Composed]:
    """A running container of a service, removed afterwards. The test is skipped where no engine answers."""
    if reason := why_none():
        pytest.skip(reason)
    with closing(reach().client) as client:
        project = project or f"test-{secrets.token_hex(4)}"
        known = {"com.docker.compose.project": project, "com.docker.compose.service": service, **(labels or {})}
        container = client.containers.run(
            images()[0],
            list(command) or None,
            detach=True,
            entrypoint=None if not command else "",
            environment=dict(variables or {}),
            labels=known,
            name=f"{project}-{service}-{secrets.token_hex(4)}",
            ports={"5432/tcp": (published_on, None)} if published_on else {},
            healthcheck=dict(healthcheck) if healthcheck is not None else {"test": ["NONE"]},
        )
        try:
            yield Composed(client, container, ComposeService(project, service, "dev"))
        finally:
            container.remove(force=True, v=True)


@contextmanager
def composed_postgres(
    *, project: str = "", service: str = "postgres", published_on: str = "127.0.0.1"
) -> Iterator[Composed]:
    """The same with a PostgreSQL that answers."""
    variables = {"POSTGRES_USER": "gaia", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": "gaia"}
    asked = probe(*POSTGRES, interval=0.5)
    with composed(
        service=service, project=project, command=(), variables=variables, healthcheck=asked, published_on=published_on
    ) as container:
        yield container.until("healthy")


def without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine whose engine is down."""
    # Not a socket that is not there: docker's library leaves that one open, for the garbage collector to complain of.
    monkeypatch.setitem(os.environ, "DOCKER_HOST", NO_ENGINE)
