"""The pools: each fault is provoked on the real library and a real server, and named by its code."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest
import sqlalchemy

from checks.catalog.pool import seconds
from checks.catalog.pool_findings import findings_of as judged
from checks.check import Finding
from checks.errors import ConnectionFailed, CouldNotTell
from checks.pools import exercise, queue_pool, watch
from checks.pools.facts import Facts, Full
from checks.pools.ledger import Ledger
from checks.pools.library import SHORT, Taken
from checks.pools.load import Crowd, Load
from checks.pools.queue_pool import QueuePool
from checks.runbook.model import FrontMatter
from checks.runbook.pools import Pool
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.units import Duration
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of, params_of

SOUND = {
    "sqlalchemy-psycopg": Pool("sqlalchemy-psycopg", 2, 1, pre_ping=True, recycle=Duration(3600)),
    "sqlalchemy-asyncpg": Pool("sqlalchemy-asyncpg", 2, 1, pre_ping=True, recycle=Duration(3600)),
    "asyncpg": Pool("asyncpg", 3, timeout=Duration(5)),
    "psycopg-pool": Pool("psycopg-pool", 3, pre_ping=True, recycle=Duration(3600)),
}


@pytest.fixture(scope="module")
def small_server(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A server that these tests may fill and restart: 17 sessions for services, 3 for superusers."""
    server = EmbeddedServer.start(binaries, settings={"max_connections": 20})
    yield server
    server.stop()


@pytest.fixture
def small(small_server: EmbeddedServer) -> Iterator[EmbeddedTarget]:
    """A database on it."""
    target = small_server.create_target("pools")
    yield target
    target.close()


def known(target: EmbeddedTarget, *pools: Pool, **more: Any) -> dict[str, Any]:
    """What the runner tells the check: the pools of `api` and others, and all that a disposable server allows."""
    named = dict(zip(("api", "web", "worker"), pools, strict=False))
    return {"pools": named, "socket": target.socket_endpoint, "restart": target.restart, **more}


def by_code(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings}


@pytest.mark.parametrize("driver", SOUND)
def test_a_sound_pool_holds(driver: str, small: EmbeddedTarget) -> None:
    """Every part is proven on the library itself, and nothing stays behind on the server."""
    pool = SOUND[driver]
    found = by_code(check_holds("pool", "", small, **known(small, pool)))
    expected = {"pool.exhausted", "pool.leak_named", "pool.recovered", "pool.fair", "pool.survives", "pool.last_slot"}
    assert set(found) == expected | ({"pool.recycled"} if pool.recycle else set())
    assert found["pool.exhausted"].evidence[0]["sessions on the server"] == 3
    assert "shortened to 100 ms; `--full` waits for it" in found["pool.exhausted"].sentence
    assert "the task that leaks" in found["pool.leak_named"].sentence
    assert "remaining connection slots are reserved" in found["pool.last_slot"].sentence
    assert "SQLSTATE 53300" in found["pool.last_slot"].sentence
    with small.server.connect() as connection:
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgrunbook %'"
        until = time.monotonic() + 5
        while connection.execute(left).fetchone() != (0,):
            assert time.monotonic() < until
        assert connection.execute("SELECT FROM pg_roles WHERE rolname = 'pgrunbook_service'").fetchone() is None


def test_the_librarys_own_words_are_shown(small: EmbeddedTarget) -> None:
    """What a service logs when its pool is empty is what is searched for at night."""
    found = by_code(findings_of("pool", "", small, **known(small, SOUND["sqlalchemy-asyncpg"])))
    assert "TimeoutError: QueuePool limit of size 2 overflow 1 reached" in found["pool.exhausted"].sentence


def test_in_full_the_declared_time_is_waited_for(small: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool's own time-out is what ends the wait, and nothing is said of shortening."""
    monkeypatch.setattr(exercise, "FULL_LOAD", 0.2)
    pool = replace(SOUND["sqlalchemy-psycopg"], timeout=Duration(0.4))
    found = by_code(check_holds("pool", "", small, **known(small, pool, full=True)))
    assert found["pool.exhausted"].expected == "a time-out after 400 ms"
    assert "shortened" not in found["pool.exhausted"].sentence


@pytest.mark.parametrize("driver", ["sqlalchemy-psycopg", "sqlalchemy-asyncpg", "psycopg-pool"])
def test_dead_connections_are_handed_out_without_pre_ping(driver: str, small: EmbeddedTarget) -> None:
    """Terminated one by one or by a restart, each answers one request with an error."""
    params = params_of("pool", "")
    pool = replace(SOUND[driver], pre_ping=None, recycle=None)
    broken = [one for one in findings_of("pool", params, small, **known(small, pool)) if not one.holds]
    assert [one.code for one in broken] == ["pool.stale", "pool.stale"]
    assert [one.evidence[0]["ended by"] for one in broken] == ["pg_terminate_backend", "a server restart"]
    assert {one.evidence[0]["dead"] for one in broken} == {pool.size}
    ignored = check_holds("pool", "stale: ignore", small, **known(small, pool, restart=small.restart))
    assert any("The page says that this is known" in one.sentence for one in ignored)


def test_without_a_time_out_whoever_asks_waits_for_ever(small: EmbeddedTarget) -> None:
    """asyncpg has none by itself."""
    finding = check_fails("pool", "", small, code="pool.no_timeout", **known(small, Pool("asyncpg", 2)))
    assert "waits for ever" in finding.sentence


@pytest.mark.parametrize("driver", SOUND)
def test_a_server_smaller_than_the_pool_fails(driver: str, small: EmbeddedTarget) -> None:
    """The refusal comes from the server, in its own words, before the pool is full."""
    pool = replace(SOUND[driver], size=19)
    finding = check_fails("pool", "", small, code="pool.server_full", **known(small, pool))
    assert re.search("remaining connection slots are reserved|too many clients", finding.sentence)


@pytest.mark.parametrize("driver", SOUND)
def test_a_service_that_may_not_connect_is_no_full_server(driver: str, small: EmbeddedTarget) -> None:
    """Whatever else keeps a connection from being opened says nothing of the pool."""
    with small.server.connect() as connection:
        connection.execute(f"REVOKE CONNECT ON DATABASE {small.database} FROM PUBLIC".encode())
    with pytest.raises(CouldNotTell) as reason:
        findings_of("pool", "", small, **known(small, SOUND[driver]))
    assert reason.value.code == "pool.lost"
    assert "permission denied for database" in reason.value.sentence


def test_two_runs_do_not_end_each_others_sessions(small: EmbeddedTarget) -> None:
    """Each ends by name, and has a name of its own, however long the service's is."""
    ones = [exercise.Exercise("a" * 80, SOUND["asyncpg"], small.socket_endpoint, full=False) for _ in range(2)]
    names = {one.reach.application for one in ones}
    assert len(names) == 2
    assert {len(name) for name in names} == {63}


def test_a_superuser_without_a_slot_of_its_own_is_locked_out(binaries: Binaries) -> None:
    """Where none is kept, nobody can look who has them."""
    server = EmbeddedServer.start(binaries, settings={"max_connections": 15, "superuser_reserved_connections": 0})
    try:
        target = server.create_target("open")
        finding = check_fails("pool", "", target, code="pool.locked_out", **known(target, SOUND["asyncpg"]))
        assert "too many clients already" in finding.sentence
    finally:
        server.stop()


def test_a_leak_that_nothing_names_fails(small: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without hooks a pool counts what is out, and cannot say whose it is."""
    monkeypatch.setattr(Ledger, "took", lambda self, backend: None)
    monkeypatch.setattr(exercise, "_SETTLING", 0.1)
    check_fails("pool", "", small, code="pool.leak_unnamed", **known(small, SOUND["sqlalchemy-psycopg"]))


def test_a_pool_that_does_not_reset_leaves_transactions_open(
    small: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes back in a transaction keeps its locks, and is seen on the server: raw connections, and no reset."""
    without = partial(sqlalchemy.create_engine, pool_reset_on_return=None)
    monkeypatch.setattr(sqlalchemy, "create_engine", without)
    monkeypatch.setattr(
        QueuePool, "begin", lambda self, taken: taken.handle.connection.dbapi_connection.execute("SELECT 1")
    )
    monkeypatch.setattr(watch, "_SETTLING", 0.1)
    pool = replace(SOUND["sqlalchemy-psycopg"], overflow=0, pre_ping=None)  # a ping would roll back, and hide it
    finding = check_fails("pool", "stale: ignore", small, code="pool.not_recovered", **known(small, pool))
    assert finding.evidence[0]["idle in transaction"] == 1


def test_a_time_out_shorter_than_the_work_starves_somebody(small: EmbeddedTarget) -> None:
    """Under twice the load half of the workers wait for as long as the work takes, which is longer than they may."""
    pool = replace(SOUND["sqlalchemy-psycopg"], timeout=Duration(0.002))
    finding = check_fails("pool", "", small, code="pool.starved", **known(small, pool))
    assert "somebody starved" in finding.sentence


class WhoeverIsOdd(QueuePool):
    """A pool that serves some and lets others wait, as one without a queue does."""

    def take(self, task: str) -> Taken:
        if task == "worker 1" and self.served:
            time.sleep(0.3)
        self.served = self.served or task == "worker 1"
        return super().take(task)

    served = False


def test_a_pool_that_serves_some_and_not_others_starves_somebody(
    small: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is refused, and one has a quarter of the turns of the others."""
    monkeypatch.setattr(queue_pool, "QueuePool", WhoeverIsOdd)
    monkeypatch.setattr(exercise, "SHORT_LOAD", 0.3)
    finding = check_fails("pool", "", small, code="pool.starved", **known(small, SOUND["sqlalchemy-psycopg"]))
    assert finding.evidence[0]["refused"] == 0


def test_too_few_turns_prove_nothing() -> None:
    """On a machine that is too slow it is not known who would starve, and that is no pass."""
    crowd = Crowd(Load(4, 0.1))
    for turn in range(3):
        for number in range(4):
            crowd.serve(number, 0.01 * turn)
    facts = Facts("api", SOUND["asyncpg"], Full(0.2, None, 3, 0.2, "TimeoutError"), crowd=crowd)
    assert [one.code for one in judged(facts, full=False) if not one.holds] == ["pool.unproven"]


def test_one_who_is_passed_over_is_seen() -> None:
    """The first turn of each does not count: it is spent on opening connections."""
    crowd = Crowd(Load(4, 0.1))
    for number in range(4):
        crowd.serve(number, 1.0)
    for number in [0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]:
        crowd.serve(number, 0.01)
    assert (crowd.turns, crowd.middle, crowd.passed_over) == ([1, 4, 4, 4], 4, True)
    assert max(crowd.waits) == 0.01
    crowd.serve(0, 0.01)
    assert not crowd.passed_over


def misbuilt(monkeypatch: pytest.MonkeyPatch, **attributes: float) -> None:
    """Every engine's pool is built otherwise than it was asked for, as by a service with a default of its own."""
    create = sqlalchemy.create_engine

    def wrong(*arguments: Any, **options: Any) -> sqlalchemy.Engine:
        engine = create(*arguments, **options)
        for name, value in attributes.items():
            setattr(engine.pool, name, value)
        return engine

    monkeypatch.setattr(sqlalchemy, "create_engine", wrong)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("_timeout", 0.01, "TimeoutError: QueuePool limit of size 2 overflow 1 reached"),
        ("_timeout", 1.5, "TimeoutError: QueuePool limit of size 2 overflow 1 reached"),
        ("_max_overflow", -1, "the next check-out was not refused"),
    ],
)
def test_a_pool_that_is_not_the_declared_one_misses_its_time_out(
    small: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch, option: str, value: float, said: str
) -> None:
    """It gives up at once, waits on, or opens one more than the budget knows."""
    misbuilt(monkeypatch, **{option: value})
    pool = replace(SOUND["sqlalchemy-psycopg"], timeout=Duration(0.1))
    found = by_code(findings_of("pool", "", small, **known(small, pool)))
    assert not found["pool.timeout_missed"].holds
    assert said in found["pool.timeout_missed"].sentence


def test_a_connection_that_is_not_replaced_in_time_fails(
    small: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be the one that a firewall drops."""
    misbuilt(monkeypatch, _recycle=-1)
    check_fails("pool", "", small, code="pool.not_recycled", **known(small, SOUND["sqlalchemy-psycopg"]))


def test_a_slow_server_is_no_full_one(small: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """psycopg_pool opens its connections in threads of its own, for which a check-out's short time is not meant."""
    connect = psycopg.Connection.connect

    def slowly(*arguments: Any, **options: Any) -> psycopg.Connection[Any]:
        time.sleep(2 * SHORT)
        return connect(*arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "connect", slowly)
    found = by_code(findings_of("pool", "", small, **known(small, SOUND["psycopg-pool"])))
    assert found["pool.exhausted"].holds
    assert "pool.server_full" not in found


def test_several_pools_are_proven_side_by_side(small: EmbeddedTarget) -> None:
    """And one where it is named."""
    both = known(small, SOUND["asyncpg"], SOUND["sqlalchemy-psycopg"])
    sentences = [one.sentence for one in check_holds("pool", "", small, **both)]
    assert {sentence.partition(":")[0] for sentence in sentences} >= {"api", "web"}
    alone = check_holds("pool", "service: web", small, **both)
    assert not any(one.sentence.startswith("api") for one in alone)


def live_known(*pools: Pool) -> dict[str, Any]:
    """What the runner tells the check of a live server."""
    return {"pools": dict(zip(("api", "web"), pools, strict=False)), "disposable": False}


def test_a_live_server_is_not_filled_and_not_restarted(target: EmbeddedTarget) -> None:
    """What is then not proven is said, and warns."""
    findings = findings_of("pool", "", Elsewhere(target.socket_endpoint), **live_known(SOUND["sqlalchemy-psycopg"]))
    found = by_code(findings)
    assert "pool.last_slot" not in found
    assert found["pool.survives"].evidence[0]["ended by"] == "pg_terminate_backend"
    finding = found["pool.unproven"]
    assert (finding.holds, finding.severity) == (False, "warn")
    assert "its last slot" in finding.sentence
    assert "a server restart" in finding.sentence


def test_on_a_live_server_only_its_own_sessions_are_ended(target: EmbeddedTarget) -> None:
    """A session of the same role, and of the service itself, lives through it."""
    with target.server.connect(target.database) as bystander:
        bystander.execute("SET application_name = 'api'")
        findings_of("pool", "", Elsewhere(target.socket_endpoint), **live_known(SOUND["asyncpg"]))
        assert bystander.execute("SELECT 1").fetchone() == (1,)


def test_a_live_servers_last_slots_are_left_alone(small: EmbeddedTarget) -> None:
    """A pool that would leave less than a tenth is not opened."""
    with pytest.raises(ConnectionFailed) as refused:
        findings_of("pool", "", Elsewhere(small.socket_endpoint), **live_known(Pool("asyncpg", 15)))
    assert refused.value.code == "connectivity.slots_scarce"


@pytest.mark.parametrize("pool", [Pool("asyncpg", 2, timeout=Duration(5)), Pool("psycopg-pool", 2, role="postgres")])
def test_a_live_service_that_left_a_transaction_open_leaks(pool: Pool, target: EmbeddedTarget) -> None:
    """It is found by the application's name or the service's role, and named by its process."""
    where = Elsewhere(target.socket_endpoint)
    with psycopg.connect(
        host=target.socket_endpoint.host,
        port=target.socket_endpoint.port,
        user="postgres",
        dbname=target.database,
        application_name="api" if pool.role is None else "something else",
    ) as leaking:
        leaking.execute("SELECT 1")
        findings = findings_of("pool", "leaked: 1us", where, **live_known(pool))
        finding = next(one for one in findings if one.code == "pool.leak")
        assert leaking.info.backend_pid in {row["pid"] for row in finding.evidence}
        assert "pool.leak" not in by_code(findings_of("pool", "leaked: 1h", where, **live_known(pool)))


def test_a_page_without_pools_cannot_be_proven(target: EmbeddedTarget) -> None:
    """Nothing declared is not nothing wrong."""
    for params, pools in (("", {}), ("service: wbe", {"web": SOUND["asyncpg"]})):
        with pytest.raises(CouldNotTell) as reason:
            findings_of("pool", params, target, pools=pools)
        assert reason.value.code == "pool.not_declared"


def test_a_library_that_is_not_installed_is_named(target: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    for module in ("asyncpg_pool", "asynchronous"):
        monkeypatch.delitem(sys.modules, f"checks.pools.{module}", raising=False)
    with pytest.raises(CouldNotTell) as reason:
        findings_of("pool", "", target, **known(target, SOUND["asyncpg"]))
    assert reason.value.code == "pool.no_library"
    assert reason.value.hint == "Run `pip install 'pgrunbook[pools]'`."


def test_a_server_that_is_lost_is_no_verdict(small: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is the server's doing is not blamed on the pool."""
    crowded = exercise.Exercise.crowd

    def cut_off(one: exercise.Exercise) -> None:
        small.server._halt()
        crowded(one)

    monkeypatch.setattr(exercise.Exercise, "crowd", cut_off)
    try:
        with pytest.raises(CouldNotTell) as reason:
            findings_of("pool", "", small, **known(small, SOUND["sqlalchemy-psycopg"]))
        assert reason.value.code == "pool.lost"
    finally:
        small.server._launch()


def test_the_time_it_takes_is_planned(small: EmbeddedTarget) -> None:
    """In full it waits for the declared time-outs, and its own time is longer by that."""
    front = FrontMatter("page", "Page", pools={"api": Pool("sqlalchemy-psycopg", 5)})
    params = params_of("pool", "")
    assert seconds(params, front, full=True) > 30 > seconds(params, front, full=False)
