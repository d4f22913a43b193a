"""What a server in a container costs, against `docker run` of the same image as a person would type it.

Both wait for the same thing, a query over the published port, and take turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import subprocess
import time
from secrets import token_hex
from statistics import median
from typing import Any

import psycopg
import pytest

from checks.targets.container import ContainerServer
from tests.benchmarks.ratios import record

pytestmark = [pytest.mark.benchmark_ratio, pytest.mark.timeout(300)]
ROUNDS = 5


def by_hand(image: str) -> float:
    """Seconds of `docker run` until a query is answered."""
    name, password = f"pgrunbook-by-hand-{token_hex(4)}", token_hex(8)
    command = ["docker", "run", "--detach", "--name", name, "--env", f"POSTGRES_PASSWORD={password}"]
    try:
        started = time.perf_counter()
        subprocess.run([*command, "--publish", "127.0.0.1::5432", image], check=True, capture_output=True)
        said = subprocess.run(["docker", "port", name, "5432/tcp"], check=True, capture_output=True, text=True).stdout
        port = said.split()[0].rpartition(":")[2]
        while not answers(f"host=127.0.0.1 port={port} user=postgres password={password}"):
            time.sleep(0.01)
        return time.perf_counter() - started
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], check=True, capture_output=True)


def answers(given: str) -> bool:
    """Whether a query is answered."""
    try:
        with psycopg.connect(given, connect_timeout=5) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_a_start_in_a_container(benchmark: Any, postgres_image: str) -> None:
    """All that makes a container ours (TLS, rules, settings, sweeping) costs no more than what it saves."""
    ours: list[float] = []
    theirs: list[float] = []
    servers: list[ContainerServer] = []
    ContainerServer.start(postgres_image).stop()

    def prepare() -> None:
        theirs.append(by_hand(postgres_image))

    def start() -> None:
        started = time.perf_counter()
        servers.append(ContainerServer.start(postgres_image))
        ours.append(time.perf_counter() - started)

    def stop() -> None:
        servers.pop().stop()

    benchmark.pedantic(start, setup=prepare, teardown=stop, rounds=ROUNDS)
    claim = "ratio under 1.15"
    row = record("disposable server in a container, against `docker run`", median(ours), median(theirs), claim)
    assert row.ratio < 1.15
