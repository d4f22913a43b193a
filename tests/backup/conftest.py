"""A shop of each major and its healthy backups, and a server of buckets, made once for a worker."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest
import urllib3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.server import ThreadedMotoServer
from werkzeug.serving import make_server

from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.backup.google import Account, Google
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


@pytest.fixture(scope="session")
def account() -> Account:
    """The service account that the stand-in for Google knows."""
    return Account()


@pytest.fixture(scope="session")
def google(account: Account, address: str) -> Iterator[str]:
    """The same bucket, by way of what stands in for Google."""
    moto = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, Google(moto, account), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield address.rpartition(":")[0] + f":{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["s3", "gs"])
def store(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An address under which nothing lies yet, with the usual variables set for it: of S3, and of Google."""
    for name, value in _variables(request, tmp_path_factory).items():
        monkeypatch.setenv(name, value)
    return f"{request.param}://backups/{request.node.originalname}-{request.param}"


def _variables(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> dict[str, str]:
    if request.param == "s3":
        return {
            "AWS_ENDPOINT_URL": request.getfixturevalue("address"),
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "swordfish9",
            "AWS_REGION": "us-east-1",
        }
    file = request.getfixturevalue("account").write(folders.mktemp("google") / "account.json")
    return {
        "GOOGLE_BASE_URL": request.getfixturevalue("google"),
        "GOOGLE_APPLICATION_CREDENTIALS": str(file),
    }
