"""teller's page on the file a developer has by default: what SQLite can answer it answers, the rest is skipped."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from checks.check import SQLITE
from checks.result import Result, Status
from checks.targets.live import LiveTarget
from checks.targets.session import Endpoint
from tests.systems.tools import FOLDER, ask, page_of, told

FILLING = """
INSERT INTO accounts VALUES ('acc_1', 'Account 1', 'example_bank', 'depository', 'checking', '0001');
INSERT INTO balance_snapshots (account_id, available, ledger, as_of)
VALUES ('acc_1', 10, 12, datetime('now', '-1 minute') || '.000000');
INSERT INTO transactions VALUES ('txn_1', 'acc_1', date('now'), 'Payment', -2.50, '{"status": "posted"}');
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A developer's file: migrated, with one account in it."""
    path = tmp_path / "devin_teller.db"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path}")
    command.upgrade(Config(str(FOLDER / "migrations/teller/alembic.ini"), stdout=io.StringIO()), "head")
    change(path, FILLING)
    return path


def change(path: Path, sql: str) -> None:
    """Run statements on the file, as SQLite does by default: without looking at foreign keys."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def ask_file(path: Path) -> dict[str, Result]:
    """The page's checks in its environment `dev`."""
    return ask(page_of("teller"), LiveTarget("dev", Endpoint(engine=SQLITE, path=str(path))), environment="dev")


def test_the_page_holds_on_sqlite(file: Path) -> None:
    """Tables, types, indexes, revision and rules are asked of SQLite as of PostgreSQL; the rest is skipped."""
    results = ask_file(file)
    skipped = {name for name, result in results.items() if result.status is Status.SKIPPED}
    assert skipped == {
        "pool",
        "pool_budget",
        "the container is healthy",
        "TLS is required",
        "TLS is sound",
        "create, read, persist",
        "the service is up",
        "connections are left",
        "no slow queries",
        "storage is left",
        "the release is current",
        "a dump of today",
        "a dump was restored this quarter",
    }
    assert told({name: result for name, result in results.items() if name not in skipped}) == {}


@pytest.mark.parametrize(
    ("check", "sql", "code"),
    [
        ("the three tables", "DROP TABLE balance_snapshots", "schema.table_missing"),
        ("the three tables", "DROP INDEX ix_transactions_account_id_date", "schema.index_missing"),
        ("migrations at head", "UPDATE alembic_version SET version_num = '3c8e5b12f7a0'", "migrations.behind"),
        ("migrations at head", "DROP TABLE alembic_version", "migrations.unmanaged"),
        ("Every balance and transaction belongs to an account", "DELETE FROM accounts", "query.rows"),
        (
            "No balance is from the future",
            "UPDATE balance_snapshots SET as_of = datetime('now', '+1 day') || '.000000'",
            "query.rows",
        ),
    ],
)
def test_sabotage_is_noticed_on_sqlite(check: str, sql: str, code: str, file: Path) -> None:
    """SQLite enforces less than PostgreSQL, so the page's checks are what notices."""
    change(file, sql)
    result = ask_file(file)[check]
    assert (result.status, result.codes[0]) == (Status.FAILED, code), result


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A developer who never started Teller has no file, and none is made by asking."""
    path = tmp_path / "devin_teller.db"
    results = ask_file(path)
    asked = results["the database answers"]
    assert (asked.status, asked.codes) == (Status.FAILED, ("connectivity.database_missing",))
    section = page_of("teller").fix_for("connectivity.database_missing")
    assert section is not None
    assert section.title == "There is no such database"
    assert Status.PASSED not in {result.status for result in results.values()}
    assert not path.exists()
