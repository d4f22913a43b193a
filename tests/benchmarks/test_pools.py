"""What exercising a pool costs, against what the bare library needs to open as many connections."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import psycopg
import pytest
import sqlalchemy

from checks.pools.exercise import Exercise
from checks.pools.library import SHORT
from checks.pools.reach import Reach
from checks.pools.service_role import service_role
from checks.pools.watch import watching
from checks.runbook.pools import Pool
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.session import Endpoint
from tests.benchmarks.ratios import record

pytestmark = pytest.mark.benchmark_ratio

POOL = Pool("sqlalchemy-psycopg", 10, 20, pre_ping=True)
ROUNDS = 9


def bare(endpoint: Endpoint) -> float:
    """Seconds in which SQLAlchemy opens 30 connections, one after another, as its documentation has it."""
    arguments = Reach(endpoint, "bare").psycopg()
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(**arguments), pool_size=10, max_overflow=20
    )
    began = time.perf_counter()
    held = [engine.connect() for _ in range(30)]
    seconds = time.perf_counter() - began
    for connection in held:
        connection.close()
    engine.dispose()
    return seconds


def test_exhausting_and_recovering(benchmark: Any, binaries: Binaries) -> None:
    """A pool of 10 and 20 more: at most 1.5 times the bare opening, besides the time-out that is waited for."""
    server = EmbeddedServer.start(binaries, settings={"max_connections": 100})
    ours: list[float] = []
    theirs: list[float] = []
    try:
        admin = server.socket_endpoint()
        with service_role(admin) as service, watching(admin) as watch:

            def exercise() -> None:
                facts = Exercise("api", POOL, service, full=False).empty(watch)
                assert facts.recovery is not None
                ours.append(facts.seconds - SHORT)

            def prepare() -> None:
                theirs.append(bare(service))

            benchmark.pedantic(exercise, setup=prepare, rounds=ROUNDS, warmup_rounds=1)
    finally:
        server.stop()
    name = "Exhausting and recovering a pool of 10 + 20, without its time-out, against opening 30 connections"
    row = record(name, median(ours), median(theirs), "at most 1.50")
    assert row.ratio <= 1.5
