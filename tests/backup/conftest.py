"""A shop of each major and its healthy backups, and a server of buckets, made once for a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
import urllib3
from moto.server import ThreadedMotoServer

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


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Moto's server with one bucket, `backups`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with urllib3.PoolManager() as pool:
        assert pool.request("PUT", f"http://{host}:{port}/backups").status == 200
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def credentials(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual variables."""
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "swordfish9",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
