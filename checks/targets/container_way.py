"""How a client of ours gets to a server in a container, which depends on where the engine is.

On this machine a port is published on 127.0.0.1, where nobody else reaches it. On another machine it must be published
on all of that machine's addresses. And where this process is in a container of the same engine itself, the two share a
network, and nothing is published. https://docs.docker.com/engine/network/port-publishing/
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from checks.targets.postmaster import HOST

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient

PORT = 5432  # inside the container
_CONTAINED = Path("/.dockerenv")
_LOCAL = ("localhost", HOST, "::1")


@dataclass(frozen=True, slots=True)
class Way:
    """The `host` to dial, or nothing for the container's own address; where to publish, and the network to join."""

    host: str
    publish: str = ""
    network: str = ""


def way_to(engine: DockerClient, *, ourselves: str | None = None) -> Way:
    """The way to containers of this engine. `ourselves` is the container we would be in, named as the engine does."""
    from testcontainers.core.config import testcontainers_config

    if testcontainers_config.tc_host_override:
        return Way(testcontainers_config.tc_host_override, publish="0.0.0.0")  # noqa: S104 - it may be any of its own
    if not engine.client.api.base_url.startswith("http+docker://localhost") and engine.host() not in _LOCAL:
        return Way(engine.host(), publish="0.0.0.0")  # noqa: S104 - the same
    if ourselves is None and _CONTAINED.exists():
        ourselves = socket.gethostname()
    network = _network_of(engine, ourselves) if ourselves else ""
    return Way("", network=network) if network else Way(HOST, publish=HOST)


def _network_of(engine: DockerClient, container: str) -> str:
    """A network of the container, or nothing: the engine knows of no such container, so we are in none of its own."""
    import docker.errors

    try:
        networks = engine.client.containers.get(container).attrs["NetworkSettings"]["Networks"]
    except docker.errors.NotFound:
        return ""
    return next((name for name in networks if name not in {"host", "none"}), "")
