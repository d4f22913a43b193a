"""What a page that asks everything costs on a large database: 2 000 tables, and the statistics of 10 000 statements.

The claims are bounds and not ratios, as someone at a terminal counts seconds: the whole run under two of them, none of
its queries over a quarter of one, and 64 MiB of ours above what importing takes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

import pytest

from checks.catalog import CATALOG
from checks.catalog.sql import statements
from checks.check import POSTGRESQL, Effect, Query
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.tuning import Setting
from tests.benchmarks.ratios import record
from tests.benchmarks.test_check import url
from tests.catalog.counting import LIBRARY, with_the_library
from tests.catalog.tools import run_sql
from tests.command import environment, page

TABLES = 2000
A_TRANSACTION = 250  # tables, as each takes a lock
STATEMENTS = 10_000
SHAPES = ("id", "a", "b", "id, a", "a, b", "id, b")
RUN, QUERY, MEMORY = 2.0, 0.25, 64 * 2**20  # seconds, seconds, bytes
ROUNDS = 5
SETTINGS: Mapping[str, Setting] = {
    "shared_preload_libraries": LIBRARY,
    f"{LIBRARY}.max": STATEMENTS,
    "max_locks_per_transaction": 512,
    "autovacuum": True,
}

LIVE = 'environments:\n  prod: {url: "${LARGE_DATABASE_URL}"}\n'
EVERYTHING = """
```yaml check
connectivity: {}
schema: {tables: [t0, t1999], indexes: {t0: [t0_pkey]}, columns: {t0: {id: integer}}}
settings: {max_connections: {ge: 10}}
query: {sql: SELECT count(*) FROM t7, expect: {value: 20}}
size: {database: {lt: 10GB}}
connections: {}
storage: {limit: 10GB}
slow_queries: {}
indexes: {declared: {t0: [t0_pkey]}}
sequences: {}
vacuum: {}
version: {}
```
"""
MEASURED_FROM_INSIDE = """
import re, sys
from pathlib import Path
def peak():
    # ru_maxrss would begin with what the process that started this one had.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
import checks.pipeline, checks.targets.postgres, checks.targets.live, checks.targets.environment
import checks.output, jinja2
from checks.program import main
imported = peak()
try:
    main()
finally:
    print("grown", peak() - imported, file=sys.stderr)
"""

pytestmark = pytest.mark.benchmark_ratio


@pytest.fixture(scope="module", params=with_the_library()[:1], ids=lambda one: str(one.major))
def large(request: pytest.FixtureRequest) -> Iterator[EmbeddedTarget]:
    """The database, filled and analysed, with statistics as full as they get."""
    server = EmbeddedServer.start(request.param, settings=SETTINGS)
    target = server.create_target("large")
    run_sql(target, f"CREATE EXTENSION {LIBRARY}")
    for first in range(0, TABLES, A_TRANSACTION):
        run_sql(target, made(first, first + A_TRANSACTION - 1))
    run_sql(target, "ANALYZE")
    with server.connect(target.database) as connection, connection.pipeline():
        for number in range(STATEMENTS):
            connection.execute(statement(number).encode(), prepare=False)
    yield target
    server.stop()


def made(first: int, last: int) -> str:
    """Tables of three indexes, with a few rows each."""
    return f"""
        DO $$ BEGIN
            FOR i IN {first}..{last} LOOP
                EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, a text, b text)', i);
                EXECUTE format('CREATE INDEX ON t%s (a)', i);
                EXECUTE format('CREATE INDEX ON t%s (lower(b)) WHERE id > 5', i);
                EXECUTE format('INSERT INTO t%s (a, b) SELECT n, n FROM generate_series(1, 20) AS n', i);
            END LOOP;
        END $$
    """


def statement(number: int) -> str:
    """One that differs from every other in more than its values, of about a thousand characters."""
    shape, table = divmod(number, TABLES)
    columns = ", ".join(f"'{n}'::text AS a_column_with_a_long_name_{n}" for n in range(25))
    return f"SELECT {SHAPES[shape]}, {columns} FROM t{table} WHERE id = -1"


def test_no_query_of_the_catalog_takes_a_quarter_of_a_second(large: EmbeddedTarget) -> None:
    """Each statement an operator could run by hand, whole; checks that ask for less narrow it."""
    took = {}
    session = large.open(timeout=30)
    for kind, check in CATALOG.items():
        if check.effect is not Effect.OBSERVE or POSTGRESQL not in check.engines or not file_of(kind).exists():
            continue
        for name, sql in statements(kind).items():
            took[f"{kind}, {name}"] = median(session.ask([Query(sql)], patience=30.0)[0].seconds for _ in range(ROUNDS))
    session.close()
    slowest = max(took, key=lambda name: took[name])
    record(f"slowest query over 2 000 tables ({slowest}) / 250 ms", took[slowest], QUERY, "at most 1")
    assert [name for name, seconds in took.items() if seconds > QUERY] == []


def file_of(kind: str) -> Path:
    """Where a kind keeps its SQL, if it has any."""
    return Path(__file__).parents[2] / "checks" / "catalog" / f"{kind}.sql"


@pytest.mark.skipif(sys.platform != "linux", reason="the memory a process had at its peak is read from /proc")
def test_everything_is_asked_within_two_seconds(large: EmbeddedTarget, tmp_path: Path) -> None:
    """The whole command, from its start to its report, over TLS with a password, with the memory it took."""
    page(tmp_path, "large", EVERYTHING, LIVE)
    rounds = [checked(large, tmp_path) for _ in range(ROUNDS)][1:]  # the first compiles and caches
    seconds, grown = median(seconds for seconds, _ in rounds), max(grown for _, grown in rounds)
    record("check of every kind over 2 000 tables / 2 s", seconds, RUN, "at most 1")
    assert seconds <= RUN
    assert grown <= MEMORY, f"{grown / 2**20:.0f} MiB"


def checked(target: EmbeddedTarget, folder: Path) -> tuple[float, int]:
    """Seconds of `pgrunbook check`, and the bytes its process grew by after importing."""
    command = [sys.executable, "-c", MEASURED_FROM_INSIDE, "check", "--env", "prod"]
    started = time.perf_counter()
    ended = subprocess.run(
        command, cwd=folder, env=environment({"LARGE_DATABASE_URL": url(target.endpoint)}), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    assert "grown" in ended.stderr, ended.stderr
    assert ended.returncode == 0, ended.stdout
    return seconds, int(ended.stderr.split("grown ")[1].split()[0]) * 1024
