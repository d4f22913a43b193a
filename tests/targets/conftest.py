"""Patients: a server of each major that can be made ill, shared by the tests of one worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.targets.patients import patient_of


@pytest.fixture(scope="session")
def patient_from() -> Iterator[Callable[[Binaries], EmbeddedServer]]:
    """The worker's patient of some binaries, as good as new for each test."""
    servers: dict[Binaries, EmbeddedServer] = {}

    def patient(binaries: Binaries) -> EmbeddedServer:
        if binaries not in servers:
            servers[binaries] = patient_of(binaries)
        return servers[binaries]

    yield patient
    for one in servers.values():
        one.stop()


@pytest.fixture
def patient(every_major: Binaries, patient_from: Callable[[Binaries], EmbeddedServer]) -> EmbeddedServer:
    """A patient of each major in turn, to be left healthy."""
    return patient_from(every_major)


@pytest.fixture
def doomed(every_major: Binaries) -> Iterator[EmbeddedServer]:
    """A patient of the test's own."""
    server = patient_of(every_major)
    yield server
    server.stop()
