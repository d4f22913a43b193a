"""A check that does more than read is refused, whatever the transaction would have let it do."""

from __future__ import annotations

import pytest

from checks.check import Query
from checks.targets.embedded import EmbeddedTarget
from checks.targets.side_effects import side_effect

CALLS = {
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity": "pg_terminate_backend",
    "SELECT pg_catalog.pg_reload_conf ()": "pg_reload_conf",
    'SELECT "pg_switch_wal"()': "pg_switch_wal",
    "SELECT PG_CREATE_PHYSICAL_REPLICATION_SLOT('left_behind')": "pg_create_physical_replication_slot",
    "SELECT pg_stat_reset()": "pg_stat_reset",
    "SELECT pg_stat_statements_reset()": "pg_stat_statements_reset",
    "SELECT pg_try_advisory_lock(42)": "pg_try_advisory_lock",
    "SELECT set_config('statement_timeout', '0', false)": "set_config",
    "SELECT set_config('search_path', 'elsewhere', false)": "set_config",
    "SELECT query_to_xml('SELECT 1', true, true, '')": "query_to_xml",
    "SELECT pg_read_file('/etc/passwd')": "pg_read_file",
    "WITH x AS (SELECT lo_export(1, 'f')) TABLE x": "lo_export",
    "SELECT 'it''s', pg_notify('a', 'b')": "pg_notify",
}
HARMLESS = [
    "SELECT pg_is_in_recovery(), pg_size_pretty(pg_database_size(current_database()))",
    "SELECT 1 -- pg_terminate_backend(1)",
    "SELECT 'pg_switch_wal()' AS advice /* pg_notify() */",
    "SELECT $$ pg_reload_conf() $$",
    "SELECT last_value FROM numbers_nextval",
    "SELECT count(*) FROM pg_stat_archiver WHERE stats_reset > now()",
    "SELECT my_set_config(1)",
    "SELECT set_config('search_path', '', true)",
]


@pytest.mark.parametrize("sql", CALLS)
def test_a_call_with_a_side_effect_is_found(sql: str) -> None:
    """However it is spelt, the function is named."""
    assert side_effect(sql) == CALLS[sql]


@pytest.mark.parametrize("sql", HARMLESS)
def test_reading_is_no_side_effect(sql: str) -> None:
    """Comments, literals and names that merely look alike are not refused."""
    assert side_effect(sql) == ""


def test_the_server_is_not_asked_to_end_a_session(target: EmbeddedTarget) -> None:
    """The other session lives on, although this role may end it and the transaction would allow it."""
    other = target.open()
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    session = target.open()
    [answer] = session.ask([Query(ending)], patience=5)
    assert answer.error is not None
    assert (answer.error.code, answer.error.sqlstate) == ("run.read_only", "25006")
    assert other.ask([Query("SELECT 1")], patience=5)[0].value == 1
    session.close()
    other.close()
