"""Rounds: of each query in turn, as many as the schedule says, and no longer than it says."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field

import pytest

from checks.bench.connection import TimedConnection
from checks.bench.rounds import Schedule, measure
from checks.errors import CouldNotTell, QueryFailed
from checks.targets.embedded import EmbeddedTarget


@dataclass
class Listening:
    """Stands in for a connection: writes down what it is asked, and answers at once."""

    heard: list[str] = field(default_factory=list)
    pause: float = 0.0
    closed: bool = False

    def ask(self, sql: str) -> None:
        self.heard.append(sql)
        time.sleep(self.pause)

    def close(self) -> None:
        self.closed = True


def test_queries_take_turns_after_a_warm_up_that_does_not_count() -> None:
    """A busy moment falls on all of them: no query is measured in one go."""
    connection = Listening()
    times = measure(["a", "b", "c"], lambda: connection, Schedule(rounds=4, warm_up=2, concurrency=1, seconds=9))
    assert connection.heard == ["a", "b", "c"] * 6
    assert [len(one) for one in times] == [4, 4, 4]
    assert connection.closed


def test_times_are_those_of_their_own_query() -> None:
    """Taking turns mixes up no two queries."""

    class Uneven(Listening):
        def ask(self, sql: str) -> None:
            time.sleep(0.02 if sql == "slow" else 0.0)

    for schedule in (Schedule(5, 1, 1, 9), Schedule(5, 1, 2, 9)):
        quick, slow = measure(["quick", "slow"], Uneven, schedule)
        assert max(quick) < 0.02 <= min(slow)


def test_every_connection_asks_at_the_same_time() -> None:
    """With a concurrency, each has rounds of its own, and all their times count."""
    together = threading.Barrier(3, timeout=10)

    class Meeting(Listening):
        def ask(self, sql: str) -> None:
            together.wait()

    [times] = measure(["a"], Meeting, Schedule(rounds=5, warm_up=0, concurrency=3, seconds=9))
    assert len(times) == 15


def test_when_the_time_is_up_there_is_what_there_is() -> None:
    """A slow query ends the measuring, and keeps what was measured of the others."""
    connection = Listening(pause=0.02)
    first, second = measure(["a", "b"], lambda: connection, Schedule(1000, 0, 1, 0.1))
    assert 1 <= len(second) <= len(first) < 20


def test_what_a_query_raises_is_raised_and_connections_are_closed(target: EmbeddedTarget) -> None:
    """A query that fails is no measurement, whichever connection it fails on."""
    made: list[TimedConnection] = []

    def connect() -> TimedConnection:
        made.append(TimedConnection(target.endpoint, 5.0))
        return made[-1]

    with pytest.raises(QueryFailed) as failed:
        measure(["SELECT 1", "SELECT * FROM nowhere"], connect, Schedule(5, 0, 2, 9))
    assert failed.value.code == "run.relation_missing"
    with target.server.connect() as connection:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrunbook' AND state <> 'idle'"
        assert connection.execute(sql).fetchone() == (0,)


def test_a_missing_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pytest-benchmark nothing is measured, and the message says what to install."""
    for name in [name for name in sys.modules if name.startswith("pytest_benchmark")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pytest_benchmark", None)
    with pytest.raises(CouldNotTell) as missing:
        measure(["a"], Listening, Schedule(5, 0, 1, 9))
    assert missing.value.code == "benchmark.not_installed"
    assert missing.value.hint == "pip install 'pgrunbook[bench]'"


def test_a_timed_connection_only_reads(target: EmbeddedTarget) -> None:
    """Its one transaction is read-only, and each statement has a time-out."""
    connection = TimedConnection(target.endpoint, 1.0)
    try:
        assert connection.value("SHOW transaction_read_only") == "on"
        assert connection.value("SHOW statement_timeout") == "1s"
        assert connection.value("SHOW lock_timeout") == "100ms"
        with pytest.raises(QueryFailed) as refused:
            connection.ask("CREATE TABLE t (i int)")
        assert refused.value.code == "run.read_only"
    finally:
        connection.close()
