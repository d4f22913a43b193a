"""What `invoke check` of relay costs, against the five psql commands its page would have a person type.

The server is as production's: over TCP with TLS and a password (SCRAM), which each psql command pays for anew. The same
over a trusting Unix socket, where a connection costs next to nothing, is measured too and promises nothing: there, the
start of Python is most of the time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from checks.pages import load
from checks.prepare import prepare
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.session import Endpoint
from tests.benchmarks.ratios import record
from tests.proxy import Proxy

ROOT = Path(__file__).parents[2]
ROUNDS = 11
DELAY = 0.020  # seconds each way
STEPS = (
    "SELECT 1",
    "SELECT pg_size_pretty(pg_database_size(current_database()))",
    r"\dt",
    "SELECT count(*) FROM audit_log WHERE created_at > now() - interval '24 hours'",
    "SELECT version_num FROM alembic_version",
)
CHECKS = ("the server answers", "database size", "the four tables", "audited in the last 24 hours", "migrations")

pytestmark = pytest.mark.benchmark_ratio


@pytest.fixture(scope="module")
def relay(server: EmbeddedServer, monkeypatch_module: pytest.MonkeyPatch) -> Iterator[EmbeddedTarget]:
    """relay's database, migrated and filled."""
    monkeypatch_module.chdir(ROOT)
    target = server.create_target("relay_benchmark")
    prepared = prepare(load(["relay"])[0], target, rows=10_000)
    assert prepared.shortfall is None
    yield target
    target.close()


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    """pytest's own monkeypatch, for the whole module."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def by_psql(psql: Path, endpoint: Endpoint) -> float:
    """Seconds of the five commands, one after the other."""
    started = time.perf_counter()
    for step in STEPS:
        subprocess.run([psql, "-X", "-c", step], env=libpq_environment(endpoint), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def by_check(endpoint: Endpoint, out: Path) -> float:
    """Seconds of `invoke check` with the same five questions, report and all."""
    only = [word for name in CHECKS for word in ("--only", name)]
    command = [str(Path(sys.executable).parent / "invoke"), "check", "--env", "dev", "--runbook", "relay", *only]
    environment = os.environ | {"RELAY_DEV_DATABASE_URL": url(endpoint)}
    started = time.perf_counter()
    subprocess.run([*command, "--out", str(out)], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def libpq_environment(endpoint: Endpoint) -> dict[str, str]:
    """The endpoint as libpq's environment variables, the password among them and not on a command line."""
    known = {
        "PGHOST": endpoint.host,
        "PGPORT": str(endpoint.port),
        "PGUSER": endpoint.user,
        "PGPASSWORD": endpoint.password,
        "PGDATABASE": endpoint.database,
        "PGSSLMODE": endpoint.options.get("sslmode"),
        "PGSSLROOTCERT": endpoint.options.get("sslrootcert"),
    }
    return os.environ | {name: value for name, value in known.items() if value is not None}


def url(endpoint: Endpoint) -> str:
    """The endpoint as people write it in a variable."""
    from urllib.parse import quote, urlencode

    password = f":{quote(endpoint.password, safe='')}" if endpoint.password else ""
    host = "" if endpoint.is_socket else f"{endpoint.host}:{endpoint.port}"
    options = dict(endpoint.options) | ({"host": endpoint.host, "port": endpoint.port} if endpoint.is_socket else {})
    return f"postgresql://{endpoint.user}{password}@{host}/{endpoint.database}?{urlencode(options)}"


def compare(name: str, claim: str, psql: Path, endpoint: Endpoint, out: Path) -> float:
    """The medians of interleaved rounds, recorded; their ratio."""
    by_check(endpoint, out)  # compiles and caches, once
    rounds = [(by_check(endpoint, out), by_psql(psql, endpoint)) for _ in range(ROUNDS)]
    return record(name, median(ours for ours, _ in rounds), median(theirs for _, theirs in rounds), claim).ratio


def test_five_checks_take_no_more_than_four_times_five_psql_commands(relay: EmbeddedTarget, tmp_path: Path) -> None:
    """At the desk, a whole check with its report costs at most four times what bare psql does."""
    psql = relay.server.binaries.folder / "psql"
    ratio = compare("check of relay's five steps / five psql, local TLS", "at most 4", psql, relay.endpoint, tmp_path)
    assert ratio <= 4


def test_over_a_trusting_socket_the_start_of_python_is_most_of_it(relay: EmbeddedTarget, tmp_path: Path) -> None:
    """Where connecting is free there is nothing to save; the figure is shown so that nobody is misled."""
    psql = relay.server.binaries.folder / "psql"
    endpoint = relay.socket_endpoint
    assert compare("the same over a trusting socket", "none; shown for honesty", psql, endpoint, tmp_path) > 0


def test_over_a_long_line_five_checks_beat_five_psql_commands(relay: EmbeddedTarget, tmp_path: Path) -> None:
    """With 20 ms each way, one connection and one flight a round beat five connections by more than half."""
    assert relay.endpoint.host is not None
    assert relay.endpoint.port is not None
    proxy = Proxy((relay.endpoint.host, relay.endpoint.port), delay=DELAY)
    psql = relay.server.binaries.folder / "psql"
    endpoint = replace(relay.endpoint, port=proxy.port)
    ratio = compare("the same over 20 ms each way", "at most 0.45", psql, endpoint, tmp_path)
    proxy.close()
    assert ratio <= 0.45
