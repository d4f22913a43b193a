"""Settings: values in PostgreSQL's units, and none that waits for a restart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import ValidationError

from checks.errors import TargetFailed
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.catalog.tools import Elsewhere, check_fails, check_holds, params_of, run_sql


def set_for_new_sessions(target: EmbeddedTarget, setting: str) -> None:
    """As an administrator sets it for one database, without touching the shared server."""
    run_sql(target, f"ALTER DATABASE {target.database} SET {setting}")


def test_settings_as_expected_hold(target: EmbeddedTarget) -> None:
    """Values hold in whatever unit they are written, and are shown as SHOW writes them."""
    set_for_new_sessions(target, "work_mem = '4MB'")
    set_for_new_sessions(target, "idle_in_transaction_session_timeout = '10min'")
    set_for_new_sessions(target, "random_page_cost = 1.1")
    written = """
        work_mem: 4096kB
        idle_in_transaction_session_timeout: 600s
        random_page_cost: 1.1
        enable_seqscan: on
        wal_level: {one_of: [minimal, replica, logical]}
        max_connections: {ge: 1, le: 1000}
        TimeZone: {ne: Mars}
    """
    [finding] = check_holds("settings", written, target)
    assert finding.sentence == "7 settings are as expected; none waits for a restart."
    assert "work_mem 4MB, idle_in_transaction_session_timeout 10min, random_page_cost 1.1" in finding.observed


def test_what_the_session_sets_for_itself_is_not_seen(target: EmbeddedTarget) -> None:
    """The run's own guards are no settings of the server: a new session's value is what is compared."""
    set_for_new_sessions(target, "statement_timeout = '17min'")
    check_holds("settings", "{statement_timeout: 17min}", target)


def test_another_value_does_not_hold(target: EmbeddedTarget) -> None:
    """A differing setting is named with both values and what it takes to change it."""
    set_for_new_sessions(target, "work_mem = '8MB'")
    finding = check_fails("settings", "{work_mem: {lt: 8MB}}", target, code="settings.differs")
    assert (finding.expected, finding.observed) == ("less than 8MB", "8MB")
    finding = check_fails("settings", "{max_connections: 7}", target, code="settings.differs")
    assert finding.sentence.endswith("not 7; changing it takes a restart.")


def test_a_bare_number_is_in_the_settings_own_unit(target: EmbeddedTarget) -> None:
    """`work_mem: 4096` is 4096 kB, as it is in postgresql.conf."""
    set_for_new_sessions(target, "work_mem = '4MB'")
    check_holds("settings", "{work_mem: 4096}", target)


def test_an_unknown_setting_does_not_hold(target: EmbeddedTarget) -> None:
    """A misspelt setting is named with the one that was meant."""
    finding = check_fails("settings", "{max_conections: 100}", target, code="settings.unknown")
    assert finding.sentence == "The server knows no setting max_conections; did you mean `max_connections`?"


def test_a_setting_of_the_applications_own_is_found(target: EmbeddedTarget) -> None:
    """Settings with a prefix are not listed by the server, and are asked for by name."""
    set_for_new_sessions(target, "game.season = 'autumn'")
    check_holds("settings", "{game.season: autumn}", target)


def test_a_setting_that_may_hold_a_secret_is_not_shown(target: EmbeddedTarget) -> None:
    """Applications keep keys in settings of their own, and the server passwords: they are compared, and not shown."""
    set_for_new_sessions(target, "game.signing_key = 'hunter2hunter2'")
    finding = check_fails("settings", "{game.signing_key: {ne: hunter2hunter2}}", target, code="settings.differs")
    assert finding.observed == "a text of 14 characters"
    finding = check_fails("settings", "{primary_conninfo: host=standby}", target, code="settings.differs")
    assert finding.sentence.startswith("primary_conninfo is empty")


@pytest.mark.parametrize(
    "written",
    ["{work_mem: 10min}", "{work_mem: plenty}", "{wal_level: {ge: 4kB}}", "{fsync: maybe}", "{port: 1MB}"],
)
def test_what_can_never_be_is_told_apart(target: EmbeddedTarget, written: str) -> None:
    """A value of the wrong kind says nothing of the server, and has a code of its own."""
    check_fails("settings", written, target, code="settings.incomparable")


@pytest.mark.parametrize(
    "amount", ["25GBB", "4 pebble", "replica", "5m", "4mb", "''", "true", "[1]"], ids=lambda amount: f"[{amount}]"
)
def test_no_setting_is_more_or_less_than_what_is_no_amount(amount: str) -> None:
    """That much is known without a server, and told while the page is read."""
    with pytest.raises(ValidationError):
        params_of("settings", f"{{shared_buffers: {{ge: {amount}}}}}")


@pytest.mark.parametrize("amount", ["25GB", "4", "-1", "0.00001", "'5 min'", "1e3", "100us", "0x10", "12 B"])
def test_an_amount_may_have_any_unit_there_is(amount: str) -> None:
    """Which of them a setting takes, only its server knows."""
    params_of("settings", f"{{shared_buffers: {{ge: {amount}}}}}")


@pytest.mark.parametrize("written", ["{}", "{pending_restart: false}"])
def test_a_check_that_asks_nothing_is_refused(written: str) -> None:
    """It could not fail, and so would prove nothing."""
    with pytest.raises(ValidationError, match="names at least one setting"):
        params_of("settings", written)


@pytest.fixture
def server_to_restart(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A server of the test's own: once a setting waits for a restart, only a restart ends that."""
    server = EmbeddedServer.start(binaries)
    yield server
    server.stop()


def wait_until(server: EmbeddedServer, condition: str) -> None:
    """Until new sessions see `condition`; a reload reaches them a moment after it is asked for."""
    give_up = time.monotonic() + 20
    while True:
        try:
            return server.execute(f"DO $$ BEGIN ASSERT {condition}; END $$")
        except TargetFailed:
            if time.monotonic() > give_up:
                raise


def test_a_setting_that_waits_for_a_restart_does_not_hold(server_to_restart: EmbeddedServer) -> None:
    """A pending restart is told although the page names no such setting, unless the page says it may be."""
    target = server_to_restart.create_target("waiting")
    server_to_restart.execute("ALTER SYSTEM SET max_prepared_transactions = 7")
    server_to_restart.execute("SELECT pg_reload_conf()")
    wait_until(server_to_restart, "EXISTS (SELECT FROM pg_settings WHERE pending_restart)")
    finding = check_fails("settings", "{port: {gt: 0}}", target, code="settings.pending_restart")
    assert finding.sentence == "1 setting will change at the next restart: max_prepared_transactions."
    check_fails("settings", "{pending_restart: true}", target, code="settings.pending_restart")
    check_holds("settings", "{port: {gt: 0}, pending_restart: false}", target)
    server_to_restart.restart()
    check_holds("settings", "{max_prepared_transactions: 7}", target)


@pytest.fixture
def stranger(server: EmbeddedServer, target: EmbeddedTarget) -> Iterator[Elsewhere]:
    """The same database as seen by a role without any privilege."""
    server.execute("CREATE ROLE stranger LOGIN PASSWORD 'only for this test'")
    yield Elsewhere(replace(target.endpoint, user="stranger", password="only for this test"))
    server.execute("DROP ROLE stranger")


def test_a_setting_the_role_may_not_see_does_not_hold(stranger: Elsewhere) -> None:
    """A setting hidden from the role is neither unknown nor as expected."""
    check_fails("settings", "{data_directory: /var/lib/postgresql}", stranger, code="settings.not_visible")


def test_whether_one_may_wait_for_a_restart_is_yes_or_no() -> None:
    """The reserved key takes a boolean only."""
    with pytest.raises(ValidationError, match="pending_restart is true"):
        params_of("settings", "{pending_restart: sometimes}")
