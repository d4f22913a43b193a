"""Round after round on a server that works hard, no check of a healthy database ever fails: nobody is woken for load.

No figure comes of it, so none is recorded; it stands with the benchmarks for the time it takes.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.catalog import CATALOG
from checks.check import Effect
from checks.result import Status
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.systems.tools import Filled, ask, filled, page_of, told

SYSTEMS = ("relay", "gaia")
ROUNDS = 200
CLIENTS = 4
LONGEST = 40.0  # seconds a system's rounds may take; pgbench runs longer, and is ended when they are done

pytestmark = pytest.mark.benchmark_ratio


@pytest.fixture(params=SYSTEMS)
def busy(request: pytest.FixtureRequest, binaries: Binaries) -> Iterator[tuple[Filled, EmbeddedTarget]]:
    """A system's database, filled, on a server whose own pgbench works on another one."""
    whole = filled(request.param, binaries, rows=1000)
    bank = whole.server.create_target("bank")
    try:
        pgbench(bank, "-i", "-s", "2", "--quiet").communicate()
        clients = pgbench(bank, "-c", str(CLIENTS), "-T", "600")
        try:
            wait_for_work(bank)
            yield whole, EmbeddedTarget(whole.server, whole.template, owns_server=False)
            assert clients.poll() is None, "pgbench ended before the checks did"
        finally:
            clients.terminate()
            clients.communicate()
    finally:
        whole.server.stop()


def pgbench(bank: EmbeddedTarget, *arguments: str) -> subprocess.Popen[bytes]:
    """The server's own pgbench, over its socket, on a database that no page is about."""
    endpoint = bank.socket_endpoint
    where = ["-h", str(endpoint.host), "-p", str(endpoint.port), "-U", str(endpoint.user), bank.database]
    command = [str(Path(bank.server.binaries.folder) / "pgbench"), *arguments, *where]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_work(bank: EmbeddedTarget) -> None:
    """Until pgbench's first transactions are done."""
    for _ in range(100):
        if transactions(bank.server) > 0:
            return
        time.sleep(0.1)
    raise AssertionError("pgbench did nothing")


def transactions(server: EmbeddedServer) -> int:
    """How many of pgbench's have been committed."""
    with server.connect("bank") as connection:
        row = connection.execute("SELECT count(*) FROM pgbench_history").fetchone()
    return int(row[0]) if row else 0


def test_no_check_fails_while_the_server_works_hard(busy: tuple[Filled, EmbeddedTarget]) -> None:
    """Two hundred rounds of every check that only observes: each passes, and pgbench gets its work done meanwhile."""
    whole, target = busy
    page = page_of(whole.page.front.runbook)
    observing = [entry.name for entry in page.entries() if CATALOG[entry.kind].effect is Effect.OBSERVE]
    before, started = transactions(whole.server), time.monotonic()
    seen: Counter[Status] = Counter()
    for number in range(ROUNDS):
        results = ask(page, target, rehearsal=whole.rehearsal, only=observing)
        asked = {name: result for name, result in results.items() if result.status is not Status.SKIPPED}
        assert told(asked) == {}, f"round {number}"
        seen.update(result.status for result in asked.values())
    assert time.monotonic() - started < LONGEST
    assert set(seen) == {Status.PASSED}
    assert seen[Status.PASSED] >= ROUNDS * 5
    assert transactions(whole.server) > before
