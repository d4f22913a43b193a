"""What a drill costs beside the script that everybody has and that proves nothing: `pg_dump | gzip`, `gunzip | psql`.

Three are timed in turn on the same source: that script into a server as it comes, the fastest plain dump and restore
into one that may lose everything, and a whole drill, which proves every row. A drill takes at most 0.6 of the first and
1.3 of the second, and our own process stays under 150 MiB.
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from checks.backup.restore import QUICK
from checks.catalog import CATALOG
from checks.drill.drill import drill
from checks.drill.request import LIVE, Request
from checks.result import Status
from checks.runbook.reader import read
from checks.targets.binaries import Binaries, find
from checks.targets.embedded import EmbeddedServer
from checks.targets.tuning import Setting
from tests.benchmarks.ratios import record
from tests.drill.tools import Watcher

ROUNDS = 5
OF_THE_SCRIPT, OF_THE_FASTEST, MEMORY = 0.6, 1.3, 150 * 2**20
SCALE = 70  # of pgbench: a gigabyte
MANY = "".join(
    f"CREATE TABLE t{i} (id int PRIMARY KEY, a text, b int{f' REFERENCES t{i - 1}' if i else ''});"
    f"INSERT INTO t{i} SELECT g, md5(g::text), g FROM generate_series(1, 1000) AS g; CREATE INDEX ON t{i} (a);"
    for i in range(500)
)
# A server as it comes, on a disk, as whoever runs the script has it.
USUAL: dict[str, Setting] = {
    "fsync": True,
    "full_page_writes": True,
    "wal_level": "replica",
    "max_wal_size": "1GB",
    "shared_buffers": "128MB",
    "autovacuum": True,
    "max_locks_per_transaction": 1024,
}

pytestmark = [pytest.mark.benchmark_ratio, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def source() -> Iterator[EmbeddedServer]:
    """A server with both databases."""
    server = EmbeddedServer.start(find(), settings={"shared_buffers": "256MB", "max_wal_size": "8GB"})
    server.create_database("large")
    pgbench = server.binaries.program("pgbench")
    program = pgbench if pgbench.exists() else Path("/usr/lib/postgresql/15/bin/pgbench")
    subprocess.run(
        [program, "-i", "-q", "-s", str(SCALE), "large"], env=reaching(server), check=True, capture_output=True
    )
    server.create_database("many")
    with server.connect("many") as connection:
        connection.execute(MANY.encode())
    for name in ("large", "many"):
        with server.connect(name) as connection:
            connection.execute("VACUUM (ANALYZE)")
    yield server
    server.stop()


def reaching(server: EmbeddedServer) -> dict[str, str]:
    """Variables that lead the client programs there."""
    where = {"PGHOST": str(server.folder.socket), "PGPORT": str(server.port), "PGUSER": "postgres"}
    return {"PATH": os.environ["PATH"], "LC_ALL": "C", **where}


@pytest.mark.parametrize("name", ["large", "many"])
def test_a_drill_takes_less_than_the_script_that_proves_nothing(
    name: str, source: EmbeddedServer, tmp_path: Path
) -> None:
    """And little more than the fastest way to restore without proving."""
    times: dict[str, list[float]] = {"script": [], "fastest": [], "drill": []}
    for _ in range(ROUNDS):
        times["script"].append(script(source, name, tmp_path))
        times["fastest"].append(fastest(source, name, tmp_path))
        times["drill"].append(drilled(source, name, tmp_path))
    medians = {what: median(seconds) for what, seconds in times.items()}
    what = "1 GB of pgbench" if name == "large" else "500 small tables"
    ours = medians["drill"]
    against_script = record(
        f"drill of {what}, against pg_dump | gzip; gunzip | psql", ours, medians["script"], f"at most {OF_THE_SCRIPT}"
    )
    against_fastest = record(
        f"drill of {what}, against the fastest dump and restore", ours, medians["fastest"], f"at most {OF_THE_FASTEST}"
    )
    assert against_script.ratio <= OF_THE_SCRIPT
    assert against_fastest.ratio <= OF_THE_FASTEST
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < MEMORY


def script(source: EmbeddedServer, name: str, folder: Path) -> float:
    """Seconds of `pg_dump | gzip`, then `gunzip | psql` into a server as it comes."""
    programs = source.binaries
    server = _on_disk(programs)
    try:
        server.create_database(name)
        file = folder / "script.sql.gz"
        clock = time.monotonic()
        _shell(f"{programs.program('pg_dump')} {name} | gzip > {file}", source)
        _shell(f"gunzip < {file} | {programs.program('psql')} -X -q -v ON_ERROR_STOP=1 {name}", server)
        return time.monotonic() - clock
    finally:
        server.stop()


def fastest(source: EmbeddedServer, name: str, folder: Path) -> float:
    """Seconds of a dump that is restored while it is written, on the settings of a drill."""
    programs = source.binaries
    server = EmbeddedServer.start(programs, settings=QUICK)
    try:
        server.create_database(name)
        compression = "1" if programs.major < 16 else "zstd:1"
        where = f"PGHOST={server.folder.socket} PGPORT={server.port}"
        clock = time.monotonic()
        _shell(
            f"{programs.program('pg_dump')} -Fc -Z {compression} {name} | tee {folder / 'fastest.dump'} | "
            f"{where} {programs.program('pg_restore')} --single-transaction --dbname={name}",
            source,
        )
        return time.monotonic() - clock
    finally:
        server.stop()


def drilled(source: EmbeddedServer, name: str, folder: Path) -> float:
    """Seconds of the whole drill, which is to hold."""
    path = folder / "page.md"
    path.write_text(f"---\nrunbook: {name}\ntitle: {name}\n---\n\n# {name}\n", encoding="utf-8")
    request = Request(read(path, CATALOG, ()), LIVE, "prod", source.socket_endpoint(name))
    clock = time.monotonic()
    found, _ = drill(request, Watcher(), threading.Event())
    seconds = time.monotonic() - clock
    assert {step.status for step in found.steps} <= {Status.PASSED, Status.SKIPPED}
    return seconds


def _on_disk(programs: Binaries) -> EmbeddedServer:
    import checks.targets.runfolder as folders

    memory, folders.SHARED_MEMORY = folders.SHARED_MEMORY, Path("/nowhere")
    try:
        return EmbeddedServer.start(programs, settings=USUAL)
    finally:
        folders.SHARED_MEMORY = memory


def _shell(command: str, server: EmbeddedServer) -> None:
    subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command], env=reaching(server), check=True, stdout=subprocess.DEVNULL
    )
