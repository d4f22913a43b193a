"""Whatever a page promises to notice, it notices: each check fails, by its code, on a database broken in its way."""

from __future__ import annotations

import socket
from typing import NamedTuple

import pytest

from checks.result import Status
from checks.targets.embedded import EmbeddedServer
from checks.targets.live import LiveTarget
from checks.targets.session import Endpoint
from tests.systems.tools import SYSTEMS, Copier, ask, execute, page_of, page_with, value_of


class Sabotage(NamedTuple):
    """What is done to a system's database, and how the check that exists for it must answer."""

    system: str
    check: str
    sql: str
    code: str
    status: Status = Status.FAILED


ASK_NO_DATABASE = {"http", "variables", "backup", "drill"}
RECENT = "created_at > now() - interval '24 hours'"
SABOTAGES = (
    # relay
    Sabotage("relay", "the four tables", "DROP TABLE roles", "schema.table_missing"),
    Sabotage("relay", "the four tables", "ALTER TABLE api_keys DROP revoked_at", "schema.column_missing"),
    Sabotage("relay", "the four indexes", "DROP INDEX ix_audit_log_user_id", "indexes.missing"),
    Sabotage("relay", "the log is counted by its index", "DROP INDEX idx_audit_created", "benchmark.index_lost"),
    Sabotage(
        "relay",
        "the four indexes",
        "CREATE INDEX by_hand ON audit_log (user_id)",
        "indexes.duplicate",
        Status.WARNED,
    ),
    Sabotage(
        "relay", "audited in the last 24 hours", f"DELETE FROM audit_log WHERE {RECENT}", "query.value", Status.WARNED
    ),
    Sabotage("relay", "audited in the last 24 hours", "DROP TABLE audit_log", "run.relation_missing", Status.ERRORED),
    Sabotage(
        "relay", "migrations at head", "UPDATE alembic_version SET version_num = '9e02f6a8d513'", "migrations.behind"
    ),
    Sabotage("relay", "migrations at head", "DROP TABLE alembic_version", "migrations.unmanaged"),
    Sabotage("relay", "migrations at head", "DELETE FROM alembic_version", "migrations.empty_version_table"),
    Sabotage("relay", "Every live token belongs to somebody with a role", "DELETE FROM roles", "query.rows"),
    Sabotage("relay", "Every working key belongs to somebody with a role", "DELETE FROM roles", "query.rows"),
    # blackroad's daily queries
    Sabotage("blackroad", "the daily queries stay under 1 s", "DROP INDEX ix_events_user_id", "benchmark.index_lost"),
    # platform-api
    Sabotage("platform-api", "ten tables and the view", "DROP TABLE view_whitelist", "schema.table_missing"),
    Sabotage("platform-api", "ten tables and the view", "DROP VIEW sales_report_view", "schema.view_missing"),
    Sabotage("platform-api", "ten tables and the view", "CREATE TABLE by_hand (id int)", "schema.unexpected"),
    Sabotage("platform-api", "ten tables and the view", "CREATE SCHEMA plaid", "schema.unexpected"),
    Sabotage(
        "platform-api",
        "Everything is in public",
        "CREATE SCHEMA plaid; CREATE TABLE plaid.items (id int)",
        "query.rows",
    ),
    Sabotage(
        "platform-api",
        "Everything belongs to postgres",
        "CREATE VIEW by_hand AS SELECT 1; ALTER VIEW by_hand OWNER TO pg_database_owner",
        "query.rows",
    ),
    Sabotage(
        "platform-api",
        "migrations at head",
        "DELETE FROM _prisma_migrations WHERE migration_name = '20251225172757_platform_api_tables'",
        "migrations.behind",
    ),
    Sabotage(
        "platform-api",
        "migrations at head",
        "UPDATE _prisma_migrations SET checksum = repeat('0', 64)",
        "migrations.edited",
    ),
    Sabotage(
        "platform-api", "migrations at head", "UPDATE _prisma_migrations SET finished_at = NULL", "migrations.failed"
    ),
    Sabotage(
        "platform-api",
        "sales_report_view answers",
        "DROP VIEW sales_report_view",
        "run.relation_missing",
        Status.ERRORED,
    ),
    Sabotage(
        "platform-api",
        "The report shows every entry once",
        "INSERT INTO payer_client_rep_assignments (id, payer_id, client_id, rep_id, valid_from) "
        "SELECT id || '-', payer_id, client_id, rep_id, valid_from + 1 FROM payer_client_rep_assignments",
        "query.rows",
    ),
    Sabotage("platform-api", "page sales-report exists", "DELETE FROM page_configs", "query.value"),
    Sabotage(
        "platform-api",
        "sales_report_view is whitelisted",
        "UPDATE view_whitelist SET is_enabled = false",
        "query.value",
    ),
    Sabotage(
        "platform-api",
        "The whitelist names only views that exist",
        "INSERT INTO view_whitelist (id, view_name) VALUES ('x', 'renamed_view')",
        "query.rows",
    ),
    # blackroad
    Sabotage("blackroad", "the six tables", "DROP TABLE jobs", "schema.table_missing"),
    Sabotage(
        "blackroad",
        "the six tables",
        "ALTER TABLE wallets DROP CONSTRAINT fk_wallets_user_id_users",
        "schema.constraint_missing",
    ),
    Sabotage("blackroad", "the six tables", "ALTER TABLE blocks ALTER nonce TYPE integer", "schema.column_type"),
    Sabotage(
        "blackroad",
        "migrations at head",
        "UPDATE alembic_version SET version_num = 'deadbeef0000'",
        "migrations.unknown_revision",
    ),
    Sabotage(
        "blackroad",
        "Every block carries the hash of the one before it",
        "UPDATE blocks SET previous_hash = repeat('f', 64) WHERE height = 1",
        "query.rows",
    ),
    Sabotage(
        "blackroad",
        "Every block carries the hash of the one before it",
        "UPDATE blocks SET previous_hash = repeat('f', 64) WHERE height = 0",
        "query.rows",
    ),
    Sabotage(
        "blackroad",
        "Every wallet belongs to a user",
        "ALTER TABLE wallets DROP CONSTRAINT fk_wallets_user_id_users; DELETE FROM users",
        "query.rows",
    ),
    Sabotage(
        "blackroad",
        "Only confirmed transactions stand in a block",
        "UPDATE transactions SET block_height = NULL",
        "query.rows",
    ),
    Sabotage(
        "blackroad",
        "Only confirmed transactions stand in a block",
        "UPDATE transactions SET status = 'failed'",
        "query.rows",
    ),
    Sabotage("blackroad", "the five indexes", "DROP INDEX ix_events_created_at", "indexes.missing"),
    Sabotage(
        "blackroad",
        "the five indexes",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_jobs_status_created_at'::regclass",
        "indexes.invalid",
    ),
    Sabotage(
        "blackroad",
        "vacuum keeps up",
        "ALTER TABLE events SET (autovacuum_enabled = off)",
        "vacuum.autovacuum_off",
    ),
    # gaia
    Sabotage("gaia", "the indexes", "DROP INDEX audit.ix_security_events_created_at", "indexes.missing"),
    Sabotage(
        "gaia",
        "sequences have numbers left",
        "SELECT setval(pg_get_serial_sequence('game.chat_history', 'message_id'), 9000000000000000000)",
        "sequences.nearly_used",
    ),
    Sabotage(
        "gaia",
        "sequences have numbers left",
        "ALTER SEQUENCE audit.security_events_event_id_seq CYCLE",
        "sequences.cycles",
    ),
    Sabotage("gaia", "three schemas and eight tables", "DROP TABLE game.chat_history", "schema.table_missing"),
    Sabotage("gaia", "three schemas and eight tables", "DROP SCHEMA audit CASCADE", "schema.schema_missing"),
    Sabotage(
        "gaia", "three schemas and eight tables", "ALTER TABLE auth.sessions SET SCHEMA public", "schema.table_missing"
    ),
    Sabotage(
        "gaia", "migrations at head", "UPDATE alembic_version SET version_num = '2a6f84d0c913'", "migrations.behind"
    ),
    Sabotage("gaia", "Every campaign has an owner", "DELETE FROM auth.users", "query.rows"),
    Sabotage(
        "gaia", "Whoever owns a campaign takes part in it", "DELETE FROM game.campaign_participants", "query.rows"
    ),
    Sabotage(
        "gaia", "No live session is without an active user", "UPDATE auth.users SET is_active = false", "query.rows"
    ),
    Sabotage("gaia", "there is an administrator", "UPDATE auth.users SET is_admin = false", "query.value"),
    Sabotage(
        "gaia",
        "security events in the last 24 hours",
        f"DELETE FROM audit.security_events WHERE {RECENT}",
        "query.value",
        Status.WARNED,
    ),
    # teller
    Sabotage("teller", "the three tables", "DROP TABLE balance_snapshots", "schema.table_missing"),
    Sabotage("teller", "the three tables", "ALTER TABLE transactions DROP raw", "schema.column_missing"),
    Sabotage(
        "teller", "migrations at head", "UPDATE alembic_version SET version_num = '8a40d6c3e915'", "migrations.behind"
    ),
    Sabotage("teller", "create, read, persist", "ALTER TABLE transactions DROP raw", "smoke.write_refused"),
    Sabotage(
        "teller",
        "create, read, persist",
        "CREATE RULE lost AS ON INSERT TO transactions DO INSTEAD NOTHING",
        "smoke.not_read_back",
    ),
    Sabotage(
        "teller",
        "Every balance and transaction belongs to an account",
        "ALTER TABLE transactions DROP CONSTRAINT fk_transactions_account_id_accounts; "
        "INSERT INTO transactions VALUES ('t', 'nobody', current_date, 'd', 1, '{}')",
        "query.rows",
    ),
    Sabotage(
        "teller",
        "No balance is from the future",
        "UPDATE balance_snapshots SET as_of = now() + interval '1 day'",
        "query.rows",
    ),
)


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda one: f"{one.system}: {one.check}: {one.code}")
def test_sabotage_is_noticed_by_the_check_that_exists_for_it(sabotage: Sabotage, copy_of: Copier) -> None:
    """The check the page names for it, and by the code its fix section is tied to."""
    whole, target = copy_of(sabotage.system)
    execute(target, sabotage.sql)
    result = ask(whole.page, target, rehearsal=whole.rehearsal, only=[sabotage.check])[sabotage.check]
    assert (result.status, sabotage.code in result.codes) == (sabotage.status, True), result
    assert whole.page.fix_for(sabotage.code, sabotage.check), "the page has no fix for it"


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_server_that_is_down_is_noticed(system: str) -> None:
    """Nothing listens: the connectivity check fails with the code, and the rest says that it cannot tell."""
    page = page_of(system)
    environment = "prod" if "prod" in page.front.environments else "dev"
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        endpoint = Endpoint(host="127.0.0.1", port=reserved.getsockname()[1], user="nobody", database="none")
        results = ask(page, LiveTarget(environment, endpoint), environment=environment)
    asking = {name: result for name, result in results.items() if result.planned.check.kind not in ASK_NO_DATABASE}
    failed = {name: result.codes for name, result in asking.items() if result.status is Status.FAILED}
    assert set(failed.values()) == {("connectivity.refused",)}
    assert all(results[name].planned.check.kind == "connectivity" for name in failed)
    assert Status.PASSED not in {result.status for result in asking.values()}


@pytest.mark.parametrize(
    ("system", "check", "limit", "code"),
    [
        ("relay", "database size", "1500MB", "size.database"),
        ("blackroad", "storage is left", "1GB", "storage.full"),
        ("gaia", "storage is left", "10GB", "storage.full"),
        ("teller", "storage is left", "1GB", "storage.full"),
    ],
)
def test_a_database_beyond_its_limit_is_noticed(
    system: str, check: str, limit: str, code: str, copy_of: Copier
) -> None:
    """The limit is the page's own, made small here rather than the database large."""
    _, target = copy_of(system)
    written = f"{{lt: {limit}}}" if code == "size.database" else f"limit: {limit}"
    result = ask(page_with(system, written, written.replace(limit, "1MB")), target, only=[check])[check]
    assert (result.status, result.codes[0]) == (Status.FAILED, code), result


@pytest.mark.parametrize("system", ["blackroad", "gaia", "teller"])
def test_a_disk_that_is_four_fifths_full_warns(system: str, copy_of: Copier) -> None:
    """Nine tenths of the limit are a warning, with time left to do something."""
    _, target = copy_of(system)
    size = value_of(target, "SELECT pg_database_size(current_database())")
    limit = "limit: 10GB" if system == "gaia" else "limit: 1GB"
    result = ask(page_with(system, limit, f"limit: {size * 10 // 9 // 1024}kB"), target, only=["storage is left"])
    found = result["storage is left"]
    assert (found.status, found.codes[0]) == (Status.WARNED, "storage.nearly_full"), found


@pytest.mark.parametrize(
    ("system", "check"),
    [
        ("blackroad", "the five settings"),
        ("gaia", "connections and memory"),
        ("gaia", "storage is taken for an SSD"),
    ],
)
def test_a_server_with_other_settings_is_noticed(system: str, check: str, server: EmbeddedServer) -> None:
    """A server started without the page's settings fails every line of its settings check."""
    target = server.create_target(f"stock_{system}_{check}")
    try:
        result = ask(page_of(system), target, only=[check])[check]
    finally:
        target.close()
    assert (result.status, result.codes) == (Status.FAILED, ("settings.differs",))


@pytest.mark.parametrize(
    ("system", "check", "setting", "value"),
    [
        ("blackroad", "the five settings", "work_mem", "8MB"),
        ("blackroad", "the five settings", "maintenance_work_mem", "32MB"),
        ("blackroad", "the five settings", "effective_cache_size", "2GB"),
        ("gaia", "connections and memory", "idle_in_transaction_session_timeout", "0"),
        ("gaia", "storage is taken for an SSD", "random_page_cost", "4"),
        ("gaia", "storage is taken for an SSD", "effective_io_concurrency", "1"),
    ],
)
def test_one_setting_changed_for_the_database_is_noticed(
    system: str, check: str, setting: str, value: str, copy_of: Copier
) -> None:
    """`ALTER DATABASE … SET` is the quiet way to change what a page promises."""
    whole, target = copy_of(system)
    whole.server.execute(f"ALTER DATABASE {target.database} SET {setting} = '{value}'")
    result = ask(whole.page, target, only=[check])[check]
    broken = [finding for finding in result.findings if not finding.holds]
    assert [(finding.code, finding.evidence[0]["setting"]) for finding in broken] == [("settings.differs", setting)]


def test_a_server_that_stops_offering_tls_is_noticed(copy_of: Copier) -> None:
    """TLS switched off on the running server shows to the next client."""
    whole, target = copy_of("blackroad")
    check = "TLS is enforced"
    _set_tls(whole.server, "off")
    try:
        result = ask(whole.page, target, only=[check])[check]
    finally:
        _set_tls(whole.server, "on")
    assert (result.status, result.codes) == (Status.FAILED, ("tls.not_offered",))


def _set_tls(server: EmbeddedServer, value: str) -> None:
    """Switch TLS, and see it done: the reload reaches a server process before it reaches its next client."""
    server.execute(f"ALTER SYSTEM SET ssl = {value}")
    server.execute("SELECT pg_reload_conf()")
    for _ in range(1000):
        with server.connect() as connection:
            if connection.execute("SHOW ssl").fetchone() == (value,):
                return
    raise AssertionError(f"the server never took up ssl = {value}")
