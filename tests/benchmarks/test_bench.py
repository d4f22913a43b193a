"""What `benchmark` costs beside pytest-benchmark's own loop, how seldom it cries wolf, and what it never misses."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import pytest

from checks.bench.baseline import Baselines
from checks.bench.connection import TimedConnection
from checks.bench.rounds import Schedule, measure
from checks.bench.settings import Bench
from checks.targets.embedded import EmbeddedTarget
from tests.benchmarks.ratios import record
from tests.catalog.test_benchmark import answered
from tests.catalog.tools import circumstances_of, run_sql

pytestmark = pytest.mark.benchmark_ratio

ROUNDS = 200
BATCHES = 7
UNCHANGED, CHANGED = 100, 50
TABLES = """
    CREATE TABLE audit_log AS
    SELECT n AS id, md5(n::text) AS detail, now() - n * interval '5 minutes' AS created_at
    FROM generate_series(1, 20000) AS n;
    CREATE INDEX idx_audit_created ON audit_log (created_at);
"""
COUNT = "SELECT count(*) FROM audit_log WHERE created_at > now() - interval '24 hours'"
WORK = "SELECT count(md5(n::text)) FROM generate_series(1, {rows}) AS n"
MORE = "SELECT count(*) FROM audit_log WHERE detail LIKE '%77%'"


@pytest.fixture
def filled(target: EmbeddedTarget) -> EmbeddedTarget:
    """The log with its index, tended."""
    run_sql(target, TABLES)
    run_sql(target, "VACUUM (ANALYZE)")
    return target


def one_millisecond(connection: psycopg.Connection[Any]) -> str:
    """A query that takes a millisecond on this machine."""
    rows = 500
    while True:
        started = time.perf_counter()
        for _ in range(20):
            connection.execute(WORK.format(rows=rows).encode())
        if time.perf_counter() - started >= 0.02:
            return WORK.format(rows=rows)
        rows = int(rows * 1.2)


def test_measuring_costs_next_to_nothing(filled: EmbeddedTarget, benchmark: Any) -> None:
    """A 1 ms query takes as long by our rounds as by pytest-benchmark's own loop over psycopg, 5 % at the most."""
    ours, theirs = [], []
    with psycopg.connect(**dsn(filled), autocommit=True) as connection:
        sql = one_millisecond(connection)
        schedule = Schedule(rounds=ROUNDS, warm_up=5, concurrency=1, seconds=60)
        connect = lambda: TimedConnection(filled.socket_endpoint, 60.0)  # noqa: E731 - a name would say no more
        bare = bare_loop()
        for _ in range(BATCHES):
            ours.append(median(measure([sql], connect, schedule)[0]))
            theirs.append(median(bare(lambda: connection.execute(sql.encode()).fetchall())))
    benchmark.pedantic(lambda: None)
    row = record(
        "a round of a 1 ms query by `benchmark`, against pytest-benchmark's own loop over psycopg",
        median(ours),
        median(theirs),
        "ratio under 1.05",
    )
    assert row.ratio < 1.05


def dsn(target: EmbeddedTarget) -> dict[str, Any]:
    """How psycopg gets to the socket."""
    end = target.socket_endpoint
    return {"host": end.host, "port": end.port, "user": end.user, "dbname": end.database}


def bare_loop() -> Any:
    """pytest-benchmark's pedantic mode with nothing of ours in it."""
    from checks.bench.rounds import _fixture

    def loop(function: Any) -> list[float]:
        fixture = _fixture()
        fixture.pedantic(function, rounds=ROUNDS, warmup_rounds=5)
        times: list[float] = fixture.stats.stats.data
        return times

    return loop


class Compared:
    """The check with its baseline, saved once and held against again and again."""

    def __init__(self, target: EmbeddedTarget, folder: Path) -> None:
        self.target, self.folder = target, folder

    def codes(self, *, save: bool = False) -> list[str]:
        """What does not hold."""
        written = {"queries": {"by index": {"sql": COUNT}, "work": {"sql": "SELECT work()"}, "all": {"sql": MORE}}}
        baselines = Baselines(self.folder, "relay", "", compares=not save)
        known = replace(circumstances_of(self.target), socket=self.target.socket_endpoint, bench=Bench(baselines))
        found = answered(self.target, written, known)
        if save:
            baselines.save()
        return [finding.code for finding in found if not finding.holds]


def work(target: EmbeddedTarget, loops: int) -> None:
    """A function whose time is proportional to `loops`."""
    body = f"DECLARE s text := ''; BEGIN FOR i IN 1..{loops} LOOP s := md5(s); END LOOP; RETURN 1; END"
    run_sql(target, f"CREATE OR REPLACE FUNCTION work() RETURNS int LANGUAGE plpgsql AS $$ {body} $$")


def test_it_cries_wolf_once_in_a_hundred_at_the_most(filled: EmbeddedTarget, tmp_path: Path, benchmark: Any) -> None:
    """100 comparisons of an unchanged database, three queries each, raise one false alarm at the most."""
    work(filled, 3000)
    compared = Compared(filled, tmp_path)
    compared.codes(save=True)
    alarms = benchmark.pedantic(lambda: [codes for _ in range(UNCHANGED) if (codes := compared.codes())])
    record(f"false alarms in {UNCHANGED} comparisons of an unchanged database", len(alarms), 1.0, "at most one")
    assert len(alarms) <= 1, alarms


def test_what_became_a_third_slower_or_lost_its_index_is_caught(
    filled: EmbeddedTarget, tmp_path: Path, benchmark: Any
) -> None:
    """A function that takes 30 % longer, and a dropped index, are each caught in 50 of 50."""
    compared = Compared(filled, tmp_path)

    def caught() -> tuple[int, int]:
        slower = lost = 0
        work(filled, 3000)
        compared.codes(save=True)
        work(filled, 3900)
        for _ in range(CHANGED):
            slower += "benchmark.slower" in compared.codes()
        work(filled, 3000)
        with closing(filled.server.connect(filled.database)) as connection:
            connection.execute("DROP INDEX idx_audit_created")
        for _ in range(CHANGED):
            lost += "benchmark.index_lost" in compared.codes()
        return slower, lost

    slower, lost = benchmark.pedantic(caught)
    record(f"queries made 30 % slower that were missed, of {CHANGED}", CHANGED - slower, 1.0, "none")
    record(f"dropped indexes that were missed, of {CHANGED}", CHANGED - lost, 1.0, "none")
    assert (slower, lost) == (CHANGED, CHANGED)
