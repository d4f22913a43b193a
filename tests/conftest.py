"""Servers for every test: one per worker and PostgreSQL version, and a fresh database on it for each test.

The template cache of the user is used, so that a worker's server is ready in a fraction of a second. Tests of the cache
itself name a folder of their own.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from checks.errors import TargetFailed
from checks.targets.binaries import Binaries, find
from checks.targets.container import ContainerServer, ContainerTarget
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.containers.images import images, why_none
from tests.majors import is_whole, one_of_each_major, start

_numbers = itertools.count(1)


def pytest_report_header() -> str:
    """Which PostgreSQL the tests run on, and which majors the tests of every major see."""
    try:
        used = find().obtained.removeprefix("embedded, ")
    except TargetFailed as failed:
        return f"PostgreSQL: {failed}"
    return f"PostgreSQL: {used}; of each major: {', '.join(one.version for one in one_of_each_major())}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `every_major`, or `target_of_every_major`, once for each major of this machine.

    What needs TLS or an extension, or compares starting times, takes `every_whole_major`.
    """
    each = one_of_each_major()
    for name, wanted in (("every_major", each), ("every_whole_major", [one for one in each if is_whole(one)])):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, wanted, ids=[str(one.major) for one in wanted], scope="session")


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """What the tests' servers are started from."""
    return find()


@pytest.fixture(scope="session")
def majors() -> list[int]:
    """The distinct majors of this machine, newest first."""
    return [one.major for one in one_of_each_major()]


@pytest.fixture(scope="session")
def server_from() -> Iterator[Callable[[Binaries], EmbeddedServer]]:
    """Give the worker's one server of some binaries; it is started when first asked for."""
    servers: dict[Binaries, EmbeddedServer] = {}

    def server(binaries: Binaries) -> EmbeddedServer:
        if binaries not in servers or not servers[binaries].is_running:
            servers[binaries] = start(binaries)
        return servers[binaries]

    yield server
    for one in servers.values():
        one.stop()


@pytest.fixture(scope="session")
def server(binaries: Binaries, server_from: Callable[[Binaries], EmbeddedServer]) -> EmbeddedServer:
    """The worker's server. Tests share it: what belongs to the whole server is put back by the test that changes it."""
    return server_from(binaries)


@pytest.fixture
def target(server: EmbeddedServer) -> Iterator[EmbeddedTarget]:
    """A fresh, empty database, dropped after the test."""
    target = server.create_target(f"test_{next(_numbers)}")
    yield target
    target.close()


@pytest.fixture
def target_of_every_major(
    every_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer]
) -> Iterator[EmbeddedTarget]:
    """A fresh, empty database on a server of each major in turn."""
    target = server_from(every_major).create_target(f"test_{next(_numbers)}")
    yield target
    target.close()


@pytest.fixture(scope="session")
def postgres_images() -> list[str]:
    """Images of PostgreSQL on a Docker engine, one of each major; without any, the test is skipped with the reason."""
    reason = why_none()
    if reason:
        pytest.skip(reason)
    return images()


@pytest.fixture(scope="session")
def postgres_image(postgres_images: list[str]) -> str:
    """The image most container tests run on."""
    return postgres_images[0]


@pytest.fixture(scope="session")
def container_server(postgres_image: str) -> Iterator[ContainerServer]:
    """The worker's server in a container. Tests share it, as they share `server`."""
    server = ContainerServer.start(postgres_image)
    yield server
    server.stop()


@pytest.fixture
def container_target(container_server: ContainerServer) -> Iterator[ContainerTarget]:
    """A fresh, empty database in a container, dropped after the test."""
    target = container_server.create_target(f"test_{next(_numbers)}")
    yield target
    target.close()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that was skipped is a test that failed: everything that can run is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
