"""Testcontainers' own cleaner, Ryuk, where its image is at hand.

It is a container that removes others when the process that started them is gone. Its image is not fetched for that:
our own containers are swept by the next run (`container_owner`), and a machine without a registry must do.
https://testcontainers.com/guides/testcontainers-container-lifecycle/
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient

_lock = threading.Lock()


def settle_reaper(engine: DockerClient) -> None:
    """Start it once, or have the library do without it for as long as this process lives."""
    import docker.errors
    import requests
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import Reaper
    from testcontainers.core.exceptions import ContainerConnectException, ContainerStartException

    with _lock:  # several containers are started side by side
        if testcontainers_config.ryuk_disabled or Reaper._instance is not None:
            return
        try:
            engine.client.images.get(testcontainers_config.ryuk_image)
            Reaper.get_instance()
        except (
            docker.errors.DockerException, requests.RequestException, OSError,
            ContainerConnectException, ContainerStartException,
        ):  # fmt: skip
            testcontainers_config.ryuk_disabled = True  # what it would have done, the next run does
