"""The budget of connections: the sum is right, every limit counts, and PgBouncer's own figures are asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from checks.check import Finding
from checks.errors import CouldNotTell
from checks.runbook.pools import Pool
from checks.targets.embedded import EmbeddedTarget
from checks.targets.session import Endpoint
from checks.units import Duration
from tests.catalog.test_connections import wait_for
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of
from tests.pools.bouncer import bouncer_before

API = Pool("sqlalchemy-asyncpg", 10, 20, instances=3, role="api")
WORKER = Pool("asyncpg", 5, timeout=Duration(5), role="worker")
POOLS = {"api": API, "worker": WORKER}
BEHIND = {"api": replace(API, pgbouncer=True), "worker": replace(WORKER, pgbouncer=True)}
FIGURES = "{default_pool_size: 20, max_client_conn: 100}"


def lines(finding: Finding) -> list[tuple[Any, ...]]:
    """The arithmetic as it is shown."""
    return [tuple(row.values()) for row in finding.evidence]


def test_the_sum_that_fits_is_shown_line_by_line(target_of_every_major: EmbeddedTarget) -> None:
    """Every service, whoever else needs sessions, and what the server keeps for superusers."""
    [finding] = check_holds(
        "pool_budget", "{max_connections: 110, also: {people: 5}}", target_of_every_major, pools=POOLS
    )
    assert finding.code == "pool_budget.fits"
    assert lines(finding) == [
        ("api", "3 * (10 + 20)", 90),
        ("worker", "1 * 5", 5),
        ("people", "also", 5),
        ("superuser_reserved_connections", "kept", 3),
        ("in all", "90 + 5 + 5 + 3", 103),
        ("max_connections", "the limit", 110),
        ("left", "110 - 103", 7),
    ]


def test_one_session_too_many_fails(target: EmbeddedTarget) -> None:
    """A sum equal to the limit fits; one less does not."""
    check_holds("pool_budget", "max_connections: 98", target, pools=POOLS)
    finding = check_fails("pool_budget", "max_connections: 97", target, code="pool_budget.server", pools=POOLS)
    assert finding.sentence == (
        "With all pools full 98 connections are needed, and the server admits 97: "
        "api 90 + worker 5 + superuser_reserved_connections 3."
    )
    assert lines(finding)[-1] == ("missing", "97 - 98", -1)


def test_the_library_opens_ten_more_where_the_page_says_nothing(target: EmbeddedTarget) -> None:
    """SQLAlchemy's own overflow counts, which is what people forget."""
    pools = {"web": Pool("sqlalchemy-psycopg", 5)}
    finding = check_fails("pool_budget", "max_connections: 10", target, code="pool_budget.server", pools=pools)
    assert lines(finding)[0] == ("web", "1 * (5 + 10)", 15)


def test_in_ci_the_declared_settings_count(target: EmbeddedTarget) -> None:
    """A disposable server's own limit says nothing of production's."""
    check_holds("pool_budget", "", target, pools=POOLS, settings={"max_connections": 200})
    check_fails("pool_budget", "", target, code="pool_budget.server", pools=POOLS, settings={"max_connections": 60})
    with pytest.raises(CouldNotTell) as reason:
        findings_of("pool_budget", "", target, pools=POOLS)
    assert reason.value.code == "pool_budget.no_limit"


def test_live_the_servers_own_limit_counts(target: EmbeddedTarget) -> None:
    """Whatever the page declares: the server admits 50."""
    live = Elsewhere(target.socket_endpoint)
    finding = check_fails(
        "pool_budget", "max_connections: 500", live, code="pool_budget.server", pools=POOLS, disposable=False
    )
    assert finding.observed == "98 of 50"


@contextmanager
def limited(target: EmbeddedTarget, statement: str, back: str) -> Iterator[None]:
    """A limit of the server's, for a while."""
    target.server.execute(statement)
    try:
        yield
    finally:
        target.server.execute(back)


def test_a_roles_own_limit_counts(target: EmbeddedTarget) -> None:
    """The pools of all services that log in as it; others are another's."""
    params = "max_connections: 500"
    with limited(target, "CREATE ROLE api CONNECTION LIMIT 89", "DROP ROLE api"):
        finding = check_fails("pool_budget", params, target, code="pool_budget.role", pools=POOLS)
        assert (finding.observed, lines(finding)[0]) == ("90 of 89", ("api", "3 * (10 + 20)", 90))
        target.server.execute("ALTER ROLE api CONNECTION LIMIT 90")
        check_holds("pool_budget", params, target, pools=POOLS)


def test_a_databases_own_limit_counts(target: EmbeddedTarget) -> None:
    """Whoever connects to it, people too."""
    params = "{max_connections: 500, also: {people: 5}}"
    of = f"ALTER DATABASE {target.database} CONNECTION LIMIT"
    with limited(target, f"{of} 99", f"{of} -1"):
        finding = check_fails("pool_budget", params, target, code="pool_budget.database", pools=POOLS)
        assert finding.observed == "100 of 99"
        target.server.execute(f"{of} 100")
        check_holds("pool_budget", params, target, pools=POOLS)


def test_what_pgbouncer_passes_on_counts(target: EmbeddedTarget) -> None:
    """One pool for each role, and not what the services open with it."""
    [finding] = check_holds("pool_budget", f"{{max_connections: 50, pgbouncer: {FIGURES}}}", target, pools=BEHIND)
    assert lines(finding)[0] == ("PgBouncer for api, worker", "2 * 20", 40)
    check_fails(
        "pool_budget", f"{{max_connections: 42, pgbouncer: {FIGURES}}}", target, code="pool_budget.server", pools=BEHIND
    )
    capped = "{default_pool_size: 20, max_client_conn: 100, reserve_pool_size: 5, max_db_connections: 30}"
    [finding] = check_holds("pool_budget", f"{{max_connections: 42, pgbouncer: {capped}}}", target, pools=BEHIND)
    assert lines(finding)[0] == ("PgBouncer for api, worker", "2 * (20 + 5), at most 30", 30)


def test_more_clients_than_pgbouncer_admits_fail(target: EmbeddedTarget) -> None:
    """The services' own sum is for PgBouncer to hold."""
    params = "{max_connections: 100, pgbouncer: {default_pool_size: 20, max_client_conn: 94}}"
    finding = check_fails("pool_budget", params, target, code="pool_budget.pgbouncer", pools=BEHIND)
    assert finding.observed == "95 of 94"


def test_pgbouncer_must_be_known(target: EmbeddedTarget) -> None:
    """A service behind one of which nothing is said cannot be added up."""
    with pytest.raises(CouldNotTell) as reason:
        findings_of("pool_budget", "max_connections: 100", target, pools=BEHIND)
    assert reason.value.code == "pool_budget.pgbouncer_unknown"


def asked_live(target: EmbeddedTarget, console: Endpoint) -> list[Finding]:
    """What is found on a live server behind a PgBouncer; its sum fits the server's 50."""
    pools = {"api": replace(BEHIND["api"], instances=1)}
    live = Elsewhere(target.socket_endpoint)
    return findings_of("pool_budget", "", live, pools=pools, disposable=False, pgbouncer=console)


def test_a_live_pgbouncer_is_asked_itself(target: EmbeddedTarget) -> None:
    """Its console's figures count, whatever the page declares."""
    with bouncer_before(target, {"default_pool_size": 7, "max_client_conn": 100}) as console:
        [finding] = asked_live(target, console)
        assert finding.holds
        assert lines(finding)[0] == ("PgBouncer for api", "1 * 7", 7)
    with bouncer_before(target, {"default_pool_size": 60, "max_client_conn": 20}) as console:
        found = asked_live(target, console)
        assert [one.code for one in found] == ["pool_budget.server", "pool_budget.pgbouncer"]
        assert [one.observed for one in found] == ["63 of 50", "30 of 20"]


def test_clients_that_wait_at_pgbouncer_are_counted(target: EmbeddedTarget) -> None:
    """One connection, held by one client: the next one waits, and is seen."""
    with bouncer_before(target, {"default_pool_size": 1, "max_client_conn": 100}) as console:
        where: dict[str, Any] = {
            "host": console.host,
            "port": console.port,
            "dbname": target.database,
            "sslmode": "disable",
        }
        with psycopg.connect(**where, user="api", autocommit=True) as holder:
            holder.execute("BEGIN")
            waiting = psycopg.Connection.connect(**where, user="api", autocommit=True)
            waiting.pgconn.send_query(b"SELECT 1")
            wait_for(lambda: len(asked_live(target, console)) == 2)
            fits, waits = asked_live(target, console)
            holder.execute("COMMIT")
            waiting.close()
    assert (fits.code, waits.code, waits.severity) == ("pool_budget.fits", "pool_budget.pgbouncer_waiting", "warn")
    assert waits.sentence.startswith("1 client of PgBouncer wait")
    assert waits.evidence[0]["waiting"] == 1


def test_a_console_that_is_not_there_is_no_verdict(target: EmbeddedTarget) -> None:
    """A closed port, a role it does not know, and a server that is no PgBouncer: each is said, without a password."""
    with bouncer_before(target, {}) as console:
        stranger = replace(console, user="api", password="not to be seen")
    server = replace(target.endpoint, database="postgres")
    for endpoint in (console, stranger, server):
        with pytest.raises(CouldNotTell) as reason:
            asked_live(target, endpoint)
        assert reason.value.code == "pool_budget.pgbouncer_unreachable"
        assert "not to be seen" not in str(reason.value)
