"""What `invoke verify` of all five runbooks costs, against making their databases by hand and checking nothing.

By hand is what a shell script would do, one system after the other: `initdb`, `pg_ctl start`, `alembic upgrade head`
(for the Prisma system its SQL by psql), and the fixtures by psql.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from checks.pages import load
from checks.runbook.model import Runbook
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.url_forms import sqlalchemy_url
from tests.benchmarks.ratios import record
from tests.benchmarks.test_check import libpq_environment
from tests.benchmarks.test_embedded_startup import by_hand
from tests.command import BIN, ROOT, environment

ROUNDS = 5
BOUND = 10.0  # seconds
MEMORY = 200 * 2**20  # bytes of our own process at its peak
MEASURED_FROM_INSIDE = """
import sys
from checks.program import main
try:
    main()
finally:
    # Not getrusage: its peak of a child begins with that of the process it was forked from.
    (peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
    print("peak", peak, file=sys.stderr)
"""

pytestmark = pytest.mark.benchmark_ratio


def verify(out: Path) -> tuple[float, int]:
    """Seconds of verifying all five, and the bytes of memory our process had at its peak."""
    command = [sys.executable, "-c", MEASURED_FROM_INSIDE, "verify", "--out", str(out)]
    started = time.perf_counter()
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    return seconds, int(ended.stderr.split("peak ")[1].split()[0]) * 1024


def five_by_hand(pages: list[Runbook], binaries: Binaries) -> float:
    """Seconds of making the five databases one after the other."""
    return sum(by_hand(binaries) + migrated_and_filled(page, binaries) for page in pages)


def migrated_and_filled(page: Runbook, binaries: Binaries) -> float:
    """Seconds of migrating and filling one database, on a server that is not counted."""
    assert page.front.migrations is not None
    assert page.front.fixtures is not None
    server = EmbeddedServer.start(binaries, settings=page.front.server)
    target = server.create_target("by_hand")
    variables = libpq_environment(target.endpoint) | {
        "DATABASE_URL": sqlalchemy_url(target.endpoint),
        "PGOPTIONS": "-c pgrunbook.rows=10000",
    }
    path = ROOT / page.front.migrations.path
    psql = [str(binaries.folder / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    files = sorted(path.glob("migrations/*/migration.sql"))
    migrating = [[*psql, "-f", str(file)] for file in files]
    if page.front.migrations.tool == "alembic":
        migrating = [[str(BIN / "alembic"), "-c", str(path / "alembic.ini"), "upgrade", "head"]]
    started = time.perf_counter()
    for command in [*migrating, [*psql, "-f", str(ROOT / page.front.fixtures)]]:
        subprocess.run(command, cwd=ROOT, env=variables, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    server.stop()
    return seconds


def test_verifying_five_runbooks_takes_less_than_making_their_databases_by_hand(
    binaries: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, benchmark: Any
) -> None:
    """All five are started, migrated up, down and up again, filled, asked and reported on, in little memory."""
    monkeypatch.chdir(ROOT)
    pages = load([])
    verify(tmp_path)  # what is made once, is made
    rounds = benchmark.pedantic(lambda: [(*verify(tmp_path), five_by_hand(pages, binaries)) for _ in range(ROUNDS)])
    ours, peak, theirs = (median(column) for column in zip(*rounds, strict=True))
    name = f"`verify` of all five (peak {peak / 2**20:.0f} MiB), against making their databases by hand"
    assert record(name, ours, theirs, "under 10 s and 200 MiB; ratio under 1").ratio < 1
    assert ours < BOUND
    assert peak < MEMORY
