"""What the Docker engine says of itself, and the way to its containers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from testcontainers.core.docker_client import DockerClient

from checks.targets.container_way import Way, way_to
from checks.targets.engine import engine, reach
from tests.containers.docker import client


@pytest.fixture
def reached(postgres_image: str) -> Iterator[DockerClient]:
    """A client of the engine."""
    found = reach()
    with closing(found.client):
        yield found


def test_it_names_itself_and_its_images(postgres_images: list[str]) -> None:
    """`invoke doctor` shows version, platform and the images of PostgreSQL with their majors."""
    found = engine()
    assert found.version[0].isdigit()
    assert found.platform.startswith("linux/")
    assert {one.tag for one in found.images} >= set(postgres_images)
    assert all(one.version[:1].isdigit() for one in found.images if one.tag in postgres_images)


def test_a_port_of_this_machine_is_the_usual_way(reached: DockerClient) -> None:
    """An engine of this machine publishes to this machine alone."""
    assert way_to(reached, ourselves="") == Way("127.0.0.1", publish="127.0.0.1")
    assert way_to(reached, ourselves="no-such-container") == Way("127.0.0.1", publish="127.0.0.1")


def test_inside_a_container_of_the_engine_its_network_is_shared(reached: DockerClient, postgres_image: str) -> None:
    """Where this process is in a container of the same engine, nothing is published."""
    with client() as found:
        ourselves = found.containers.create(postgres_image, entrypoint=["sleep", "60"])
        try:
            assert way_to(reached, ourselves=ourselves.id) == Way("", network="bridge")
        finally:
            ourselves.remove(force=True, v=True)


def test_another_machine_publishes_on_all_its_addresses(reached: DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own 127.0.0.1 could not be reached from here."""
    monkeypatch.setattr(reached.client.api, "base_url", "https://engine.example.com:2376")
    assert way_to(reached) == Way("engine.example.com", publish="0.0.0.0")
