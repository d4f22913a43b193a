"""A shop of each major and its healthy backups, made once for a worker; tests never change them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.backup.shop import Healthy, Shop

_made: dict[Binaries, Healthy] = {}


def _healthy(server: EmbeddedServer, factory: pytest.TempPathFactory) -> Healthy:
    if server.binaries not in _made or not _made[server.binaries].shop.server.is_running:
        _made[server.binaries] = Healthy.of(Shop.on(server), factory.mktemp("healthy"))
    return _made[server.binaries]


@pytest.fixture(scope="session")
def healthy(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Healthy:
    """The shop on the worker's server, and its backups."""
    return _healthy(server, tmp_path_factory)


@pytest.fixture(scope="session")
def healthy_of_every_major(
    every_major: Binaries,
    server_from: Callable[[Binaries], EmbeddedServer],
    tmp_path_factory: pytest.TempPathFactory,
) -> Healthy:
    """The same on each major in turn."""
    return _healthy(server_from(every_major), tmp_path_factory)
