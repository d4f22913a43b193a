"""Each system's database is made once a worker, and every test gets a copy to break."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedTarget
from tests.systems.tools import Copier, Filled, filled

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def filled_system(binaries: Binaries) -> Iterator[Callable[[str], Filled]]:
    """Give a system's filled server, started when first asked for."""
    made: dict[str, Filled] = {}

    def one(system: str) -> Filled:
        if system not in made:
            made[system] = filled(system, binaries)
        return made[system]

    yield one
    for system in made.values():
        system.server.stop()


@pytest.fixture
def copy_of(filled_system: Callable[[str], Filled]) -> Iterator[Copier]:
    """Give copies of a system's database; they are dropped after the test."""
    copies: list[EmbeddedTarget] = []

    def copy(system: str) -> tuple[Filled, EmbeddedTarget]:
        whole = filled_system(system)
        copies.append(whole.copy(f"copy_{next(_numbers)}"))
        return whole, copies[-1]

    yield copy
    for one in copies:
        one.close()
