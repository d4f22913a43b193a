"""Measuring queries by pytest-benchmark, a round of each in turn, so that a busy moment falls on all of them alike.

pytest-benchmark measures one function after the other. Its `pedantic` mode calls a `setup` before each round, outside
of the time it takes; here that is what chooses the query of the round. See docs/decisions/0019-benchmarks.md.
https://pytest-benchmark.readthedocs.io/en/stable/pedantic.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

from checks.errors import CouldNotTell

NOT_INSTALLED = "benchmark.not_installed"
FEWEST = 5  # rounds, below which a median's confidence interval says nothing


class Connection(Protocol):
    """Whom a query is asked over."""

    def ask(self, sql: str) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """How much is measured: rounds of each query and connection, of which `warm_up` more go before and do not count.

    `seconds` bounds the whole; when they have passed, what was measured so far is what there is.
    """

    rounds: int
    warm_up: int
    concurrency: int
    seconds: float


class TimeIsUp(Exception):
    """The schedule's seconds have passed. Never leaves this module."""


def measure(queries: Sequence[str], connect: Callable[[], Connection], schedule: Schedule) -> list[list[float]]:
    """Seconds of every round, query by query, of all connections together.

    Raises what `connect` and the queries raise, and CouldNotTell where pytest-benchmark is missing.
    """
    fixtures = [_fixture() for _ in range(schedule.concurrency)]
    connections = [connect() for _ in fixtures]
    try:
        until = time.monotonic() + schedule.seconds
        if len(connections) == 1:
            together = [_rounds(fixtures[0], queries, connections[0], schedule, until=until)]
        else:
            together = _side_by_side(fixtures, queries, connections, schedule, until)
    finally:
        for connection in connections:
            connection.close()
    return [[time for one in together for time in one[number]] for number in range(len(queries))]


def _side_by_side(
    fixtures: Sequence[Any], queries: Sequence[str], connections: Sequence[Connection], schedule: Schedule, until: float
) -> list[list[list[float]]]:
    start = threading.Barrier(len(connections))

    def worker(number: int) -> list[list[float]]:
        with suppress(threading.BrokenBarrierError):
            start.wait(schedule.seconds)
        # Each begins with another query: all of them at once is not what a service does.
        return _rounds(fixtures[number], queries, connections[number], schedule, until=until, first=number)

    with ThreadPoolExecutor(len(connections)) as pool:
        return list(pool.map(worker, range(len(connections))))


def _rounds(
    fixture: Any, queries: Sequence[str], connection: Connection, schedule: Schedule, *, until: float, first: int = 0
) -> list[list[float]]:
    count = len(queries)
    turn = first % count - 1

    def next_query() -> tuple[tuple[str], dict[str, Any]]:
        nonlocal turn
        if time.monotonic() > until:
            raise TimeIsUp
        turn += 1
        return (queries[turn % count],), {}

    with suppress(TimeIsUp):
        fixture.pedantic(
            connection.ask,
            setup=next_query,
            rounds=schedule.rounds * count,
            warmup_rounds=schedule.warm_up * count,
        )
    durations: list[float] = fixture.stats.stats.data
    return [durations[(number - first) % count :: count] for number in range(count)]


def _fixture() -> Any:
    """pytest-benchmark's own, as its plugin makes it for a test, without a test."""
    try:
        import pytest_benchmark.fixture
        import pytest_benchmark.timers
    except ImportError as missing:
        raise CouldNotTell(
            f"Queries are measured by pytest-benchmark, which is not installed ({missing}).",
            code=NOT_INSTALLED,
            hint="pip install 'pgrunbook[bench]'",
        ) from None
    library: Any = pytest_benchmark  # it has no types
    return library.fixture.BenchmarkFixture(
        SimpleNamespace(name="query", nodeid="query"),
        disable_gc=False,  # it is the whole process's, and other runs are at work in their threads
        timer=SimpleNamespace(target=library.timers.default_timer),
        min_rounds=1,
        min_time=0.0,
        max_time=0.0,
        precision=None,
        confidence=None,
        warmup=False,
        warmup_iterations=0,
        calibration_precision=1,
        add_stats=[].append,
        logger=logging.getLogger(__name__),
        warner=None,
        disabled=False,
        cprofile=None,
        cprofile_loops=None,
        cprofile_dump=None,
    )
