"""Smoke: create, read, read again over a new connection, clean up."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from checks.catalog import CATALOG
from checks.check import Effect
from checks.errors import NotApplicable
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import check_fails, check_holds, findings_of, params_of, run_sql, sqlite_file

ACCOUNTS = "CREATE TABLE accounts (id varchar(20) PRIMARY KEY, ledger numeric(12, 2) NOT NULL)"
PAGE = """
    write: ["INSERT INTO accounts VALUES ('smoke', 12.50)"]
    read: SELECT ledger FROM accounts WHERE id = 'smoke'
    expect: {value: 12.5}
    cleanup: ["DELETE FROM accounts WHERE id = 'smoke'"]
"""


@pytest.fixture
def accounts(target: EmbeddedTarget) -> EmbeddedTarget:
    """A database with the one table the page writes to."""
    run_sql(target, ACCOUNTS)
    return target


def test_what_is_written_persists_and_is_cleaned_up(accounts: EmbeddedTarget) -> None:
    """A table that keeps what it is given holds, as often as it is asked."""
    check_holds("smoke", PAGE, accounts)
    check_holds("smoke", PAGE, accounts)
    check_holds("query", "{sql: SELECT * FROM accounts}", accounts)


def test_the_same_holds_on_sqlite(tmp_path: Path) -> None:
    """A service that runs on SQLite by default is proved on it with the same page."""
    check_holds("smoke", PAGE, sqlite_file(tmp_path / "teller.db", ACCOUNTS))


def test_a_refused_write_does_not_hold(accounts: EmbeddedTarget) -> None:
    """A write the server refuses is named by its number, with the server's reason."""
    run_sql(accounts, "ALTER TABLE accounts ADD CONSTRAINT no_money CHECK (ledger = 0)")
    finding = check_fails("smoke", PAGE, accounts, code="smoke.write_refused")
    assert "Statement 1 of 1" in finding.sentence
    assert "no_money" in finding.sentence


def test_what_cannot_be_read_back_does_not_hold(accounts: EmbeddedTarget) -> None:
    """A rule that swallows the row is found at the first reading."""
    run_sql(accounts, "CREATE RULE swallow AS ON INSERT TO accounts DO INSTEAD NOTHING")
    finding = check_fails("smoke", PAGE, accounts, code="smoke.not_read_back")
    assert finding.observed == "no rows"


def test_what_only_its_own_connection_sees_does_not_hold(target: EmbeddedTarget) -> None:
    """A temporary table passes the first reading, and is found out by the second."""
    written = """
        write: [CREATE TEMPORARY TABLE accounts (id text), INSERT INTO accounts VALUES ('smoke')]
        read: SELECT 1 FROM pg_class WHERE relname = 'accounts' AND pg_table_is_visible(oid)
    """
    check_fails("smoke", written, target, code="smoke.not_persisted")


def test_a_failed_clean_up_does_not_hold(accounts: EmbeddedTarget) -> None:
    """Traces that cannot be taken away are told, although the rest held."""
    page = PAGE.replace("DELETE FROM accounts", "DELETE FROM account")
    finding = check_fails("smoke", page, accounts, code="smoke.cleanup_failed")
    assert "Clean-up statement 1 of 1" in finding.sentence


def test_clean_up_runs_after_a_failure_too(accounts: EmbeddedTarget) -> None:
    """A smoke test that failed half-way leaves no rows behind."""
    written = """
        write: ["INSERT INTO accounts VALUES ('smoke', 1)", INSERT INTO nowhere VALUES (1)]
        read: SELECT 1
        cleanup: [DELETE FROM accounts]
    """
    check_fails("smoke", written, accounts, code="smoke.write_refused")
    check_holds("query", "{sql: SELECT * FROM accounts}", accounts)


def test_nothing_is_written_to_a_database_that_is_kept(accounts: EmbeddedTarget) -> None:
    """On a database that is not disposable the check is skipped, and its effect says so to the plan."""
    with pytest.raises(NotApplicable):
        findings_of("smoke", PAGE, accounts, disposable=False)
    assert CATALOG["smoke"].effect is Effect.CHANGE


@pytest.mark.parametrize(
    "written",
    ["{write: [], read: SELECT 1}", "{write: [''], read: SELECT 1}", "{write: [SELECT 1], read: ' '}"],
)
def test_a_smoke_test_writes(written: str) -> None:
    """A smoke test without a statement that writes, or one that reads, is a mistake of the page."""
    with pytest.raises(ValidationError):
        params_of("smoke", written)
