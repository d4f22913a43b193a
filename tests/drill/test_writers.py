"""Healthy drills of a database that is written to all the while: not one finding that does not hold.

What is dumped, what is described and what is restored are of one snapshot, or writers would show as differences.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from checks.backup.artifact import Format
from checks.backup.contents import Contents
from checks.backup.store import FolderStore
from checks.backup.take import Source, take
from checks.drill.request import LIVE, Request
from checks.drilled import Drill, Rung
from checks.result import Status
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import run_sql
from tests.drill.tools import codes, drilled, page, step

TABLES = """
CREATE TABLE accounts (id bigserial PRIMARY KEY, owner text NOT NULL, balance numeric(12, 2) NOT NULL DEFAULT 0,
    doubled numeric GENERATED ALWAYS AS (balance * 2) STORED);
CREATE INDEX accounts_owner ON accounts (owner);
CREATE TABLE entries (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account bigint NOT NULL REFERENCES accounts,
    amount numeric(12, 2) NOT NULL, note jsonb, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE queue (id int PRIMARY KEY, body text);
CREATE TABLE staged (a int, b text);
CREATE SEQUENCE tickets INCREMENT 7 CACHE 5;
CREATE VIEW standing AS SELECT account, sum(amount) AS total FROM entries GROUP BY account;
CREATE MATERIALIZED VIEW richest AS SELECT id, balance FROM accounts ORDER BY balance DESC LIMIT 10;
INSERT INTO accounts (owner, balance) SELECT 'owner ' || i, i FROM generate_series(1, 300) AS i;
INSERT INTO entries (account, amount, note) SELECT 1 + i % 300, i, '{"a": 1}' FROM generate_series(1, 1500) AS i;
INSERT INTO queue SELECT i, md5(i::text) FROM generate_series(1, 200) AS i;
INSERT INTO staged SELECT i, 'x' FROM generate_series(1, 50) AS i;
"""


def insert(dice: random.Random) -> str:
    """A new account and an entry of it, together."""
    return (
        f"WITH new AS (INSERT INTO accounts (owner, balance) VALUES ('{dice.random()}', {dice.randint(0, 999)}) "
        "RETURNING id) INSERT INTO entries (account, amount) SELECT id, 1 FROM new; SELECT nextval('tickets')"
    )


def transfer(dice: random.Random) -> str:
    """From one account to another: the sum of all is the same before and after."""
    return (
        f"UPDATE accounts SET balance = balance - 1 WHERE id = {dice.randint(1, 150)}; "
        f"UPDATE accounts SET balance = balance + 1 WHERE id = {dice.randint(151, 300)}; "
        f"UPDATE entries SET note = '{{\"b\": {dice.randint(1, 9)}}}' WHERE id = {dice.randint(1, 1500)}"
    )


def dequeue(dice: random.Random) -> str:
    """Rows go and come back with other bodies."""
    row = dice.randint(1, 200)
    return f"DELETE FROM queue WHERE id = {row}; INSERT INTO queue VALUES ({row}, '{dice.random()}')"


def reload(dice: random.Random) -> str:
    """A table is emptied and filled, as a nightly job does; an advanced sequence is set back and forth."""
    return (
        "SET LOCAL lock_timeout = '2s'; TRUNCATE staged; "
        f"INSERT INTO staged SELECT i, '{dice.random()}' FROM generate_series(1, {dice.randint(20, 60)}) AS i; "
        f"SELECT setval('tickets', {dice.randint(1, 10**6)})"
    )


def reindex(dice: random.Random) -> str:
    """An index goes and is made again, and what is materialized is made anew."""
    return (
        "SET LOCAL lock_timeout = '2s'; DROP INDEX accounts_owner; CREATE INDEX accounts_owner ON accounts (owner); "
        "REFRESH MATERIALIZED VIEW richest"
    )


@dataclass
class Writers:
    """How many transactions each has done. A lock that was not had in time is tried for again."""

    target: EmbeddedTarget
    stop: threading.Event = field(default_factory=threading.Event)
    done: dict[str, int] = field(default_factory=dict)
    failures: list[BaseException] = field(default_factory=list)

    def work(self, write: Callable[[random.Random], str], pause: float) -> None:
        """Write until it is told to stop."""
        dice = random.Random(write.__name__)
        try:
            with self.target.server.connect(self.target.database) as connection:
                while not self.stop.wait(pause):
                    try:
                        with connection.transaction():
                            connection.execute(write(dice).encode())
                    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                        continue
                    self.done[write.__name__] = self.done.get(write.__name__, 0) + 1
        except psycopg.Error as failure:
            self.failures.append(failure)


@contextmanager
def writing(target: EmbeddedTarget) -> Iterator[Writers]:
    """While this lasts, five write."""
    writers = Writers(target)
    plan = [(insert, 0.02), (transfer, 0.02), (dequeue, 0.02), (reload, 0.2), (reindex, 0.5)]
    threads = [threading.Thread(target=writers.work, args=one) for one in plan]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        writers.stop.set()
        for thread in threads:
            thread.join()


@dataclass
class Series:
    """Drills of one database, one after the other, live and of backups in turn."""

    target: EmbeddedTarget
    folder: Path

    def one(self, number: int) -> tuple[Drill, object]:
        """The drill of that number, and the content it was of."""
        runbook = page(self.folder)
        where = self.target.socket_endpoint
        kind = (None, Format.CUSTOM, Format.DIRECTORY)[number % 3]
        if kind is None:
            found, _ = drilled(Request(runbook, LIVE, "prod", where))
            return found, found.hashes["artifact"]
        store = FolderStore(self.folder / f"backups-{number}")
        taken = take(Source("shop", "prod", where), store, kind=kind)
        found, _ = drilled(Request(runbook, str(store.folder / taken.name), "prod"))
        return found, _content(taken.manifest.contents)


def _content(contents: Contents) -> object:
    return tuple(sorted((name, table.digest) for name, table in contents.tables.items()))


def check_no_false_alarm(target: EmbeddedTarget, folder: Path, drills: int) -> None:
    """Every rung holds, in each of so many drills, and each is of another content."""
    run_sql(target, TABLES)
    seen: list[object] = []
    with writing(target) as writers:
        for number in range(drills):
            before = sum(writers.done.values())
            found, content = Series(target, folder).one(number)
            assert codes(found) == set(), [one for one in found.steps if one.status is Status.FAILED]
            assert step(found, Rung.DIGESTS).status is Status.PASSED
            assert {one.status for one in found.steps} == {Status.PASSED, Status.SKIPPED}
            assert sum(writers.done.values()) > before
            seen.append(content)
    assert writers.failures == []
    assert writers.done.keys() == {"insert", "transfer", "dequeue", "reload", "reindex"}
    assert len(set(seen)) == drills


def test_drills_under_writers_raise_no_false_alarm(target: EmbeddedTarget, tmp_path: Path) -> None:
    """Live, and of a backup in either format. Fifty of them are in `tests/benchmarks`."""
    check_no_false_alarm(target, tmp_path, drills=6)
