"""A healthy server that works hard is healthy: none of what tells trouble is told while an application runs on it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.catalog.counting import LIBRARY, with_the_library
from tests.catalog.tools import check_holds, run_sql

CLIENTS = 4
ROUNDS = 20
ACCOUNTS = 2000
KINDS = {
    "connections": f"pools: {{bench: {CLIENTS}}}",
    "storage": "limit: 1GB",
    "slow_queries": "",
    "indexes": "declared: {accounts: [accounts_branch]}",
}


@pytest.fixture(params=with_the_library()[:1], ids=lambda one: str(one.major))
def busy(request: pytest.FixtureRequest) -> Iterator[EmbeddedTarget]:
    """A database on which clients move money about, as pgbench's do, all of them through the row of one branch."""
    target = bank(EmbeddedServer.start(request.param, settings={"shared_preload_libraries": LIBRARY}))
    enough = threading.Event()
    clients = [
        threading.Thread(target=move_money, args=(target, enough, random.Random(seed))) for seed in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    yield target
    enough.set()
    for client in clients:
        client.join()
    target.server.stop()


def bank(server: EmbeddedServer) -> EmbeddedTarget:
    """pgbench's tables, small."""
    target = server.create_target("bank")
    run_sql(
        target,
        f"""
        CREATE EXTENSION pg_stat_statements;
        CREATE TABLE branches (id integer PRIMARY KEY, balance bigint NOT NULL);
        CREATE TABLE accounts (id integer PRIMARY KEY, branch integer NOT NULL, balance bigint NOT NULL);
        CREATE INDEX accounts_branch ON accounts (branch);
        CREATE TABLE history (account integer, delta integer, at timestamptz);
        INSERT INTO branches VALUES (1, 0);
        INSERT INTO accounts SELECT n, 1, 0 FROM generate_series(1, {ACCOUNTS}) AS n;
        ANALYZE;
        """,
    )
    return target


def move_money(target: EmbeddedTarget, enough: threading.Event, chance: random.Random) -> None:
    """pgbench's transaction, over and over."""
    with target.server.connect(target.database) as connection:
        connection.execute("SET application_name = 'bench'")
        while not enough.is_set():
            account, delta = chance.randint(1, ACCOUNTS), chance.randint(-500, 500)
            with connection.transaction():
                connection.execute("UPDATE accounts SET balance = balance + %s WHERE id = %s", (delta, account))
                connection.execute("SELECT balance FROM accounts WHERE id = %s", (account,))
                connection.execute("UPDATE branches SET balance = balance + %s WHERE id = 1", (delta,))
                connection.execute("INSERT INTO history VALUES (%s, %s, now())", (account, delta))


def test_a_busy_server_is_a_healthy_one(busy: EmbeddedTarget) -> None:
    """Clients that wait for each other for a moment, again and again, are no finding in any of many looks."""
    for _ in range(ROUNDS):
        for kind, written in KINDS.items():
            check_holds(kind, written, busy, disposable=False)
    [measured] = check_holds("slow_queries", "top: 100", busy, disposable=False)
    assert any(str(row["query"]).startswith("UPDATE branches") for row in measured.evidence), "nobody moved any money"
