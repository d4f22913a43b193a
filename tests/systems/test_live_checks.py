"""The checks of the pages that are about a live server, a service or its variables: each holds, and each notices."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from checks.catalog import CATALOG, version
from checks.catalog.codes import documented
from checks.catalog.releases import Major, Releases
from checks.result import Result, Status
from checks.runbook.model import Runbook
from checks.runbook.reader import read
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.session import Target
from tests.catalog.counting import LIBRARY, with_the_library
from tests.catalog.tools import Elsewhere
from tests.systems.tools import FOLDER, Copier, ask, execute, page_of, page_with
from tests.web import WebService

LONG_AND_RANDOM = "made for this test and no other"
Verdict = tuple[Status, str]


def asked(page: Runbook, target: Target, check: str, environment: str = "prod") -> Result:
    """One check's result; where it does not hold, the page has a section for it."""
    result = ask(page, target, environment=environment, only=[check])[check]
    if result.status is not Status.PASSED:
        assert page.fix_for(result.codes[0], check), f"{check} has no section for {result.codes[0]}"
    return result


def verdict(result: Result) -> Verdict:
    """The status and its first code."""
    return result.status, result.codes[0]


# connections: a session that holds on


@contextmanager
def idle_in_transaction(target: EmbeddedTarget) -> Iterator[psycopg.Connection]:
    """Somebody's session that began a transaction some time ago and left it."""
    with target.server.connect(target.database) as connection:
        connection.autocommit = False
        connection.execute("SELECT 1")
        time.sleep(0.05)
        yield connection
        connection.rollback()


CONNECTIONS = [
    ("relay", "connections are left", "  idle_in_transaction: 10min", "  idle_in_transaction: 10ms"),
    ("gaia", "connections are left", "  idle: 10min\n  idle_in_transaction: 10min", "  idle_in_transaction: 10ms"),
    ("teller", "connections are left", "{teller_storage_user: 15}", "{}\n  idle_in_transaction: 10ms"),
    ("blackroad", "the pool is not exhausted", "  held: 1s", "  idle_in_transaction: 10ms"),
]
POOLS = [
    ("blackroad", "the pool is not exhausted", "pools: {postgres: 30}\n  held: 1s"),
    ("gaia", "connections are left", "pools: {gaia: 25, gaia_app: 25}"),
    ("teller", "connections are left", "pools: {teller_storage_user: 15}"),
]


@pytest.mark.parametrize(("system", "check", "written", "shorter"), CONNECTIONS)
def test_a_forgotten_transaction_is_noticed(
    system: str, check: str, written: str, shorter: str, copy_of: Copier
) -> None:
    """The page's own minutes are not reached in a test; made short, they are, and the session is named."""
    whole, target = copy_of(system)
    with idle_in_transaction(target):
        assert asked(whole.page, target, check).status is Status.PASSED
        result = asked(page_with(system, written, shorter), target, check)
    assert verdict(result) == (Status.FAILED, "connections.idle_in_transaction")


@pytest.mark.parametrize(("system", "check", "written"), POOLS)
def test_an_exhausted_pool_is_noticed(system: str, check: str, written: str, copy_of: Copier) -> None:
    """A pool of one, whose one session does not come back."""
    _, target = copy_of(system)
    page = page_with(system, written, "pools: {postgres: 1}\n  held: 10ms")
    assert asked(page, target, check).status is Status.PASSED
    with idle_in_transaction(target):
        result = asked(page, target, check)
    assert verdict(result) == (Status.FAILED, "connections.pool_exhausted")


@pytest.mark.parametrize(("system", "check"), [(system, check) for system, check, *_ in CONNECTIONS])
def test_slots_that_run_out_are_noticed(system: str, check: str, copy_of: Copier) -> None:
    """Over the page's share of the slots it warns; here the share is none, and one session is over it."""
    _, target = copy_of(system)
    page = page_with(system, "used: 80%", "used: 0%")
    with target.server.connect(target.database):
        result = asked(page, target, check)
    assert verdict(result) == (Status.WARNED, "connections.nearly_exhausted")


def test_a_queue_for_a_lock_is_noticed(copy_of: Copier) -> None:
    """A migration that waits behind a forgotten transaction, and the one to end is named first."""
    _, target = copy_of("relay")
    page = page_with("relay", "  idle_in_transaction: 10min", "  blocked: 1s")
    with idle_in_transaction(target) as holder, target.server.connect(target.database) as waiter:
        holder.execute("LOCK TABLE audit_log")
        migration = threading.Thread(target=_until_cancelled, args=(waiter, "ALTER TABLE audit_log ADD by_hand int"))
        migration.start()
        time.sleep(1.2)
        result = asked(page, target, "connections are left")
        waiter.cancel()
        migration.join()
    assert verdict(result) == (Status.FAILED, "connections.blocked")


def _until_cancelled(connection: psycopg.Connection, sql: str) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(sql.encode())


# slow queries

SLOW = [
    ("relay", "no slow queries"),
    ("blackroad", "no query over 1 s"),
    ("gaia", "no slow queries"),
    ("teller", "no slow queries"),
]


@pytest.fixture(scope="module")
def counting_server() -> Iterator[EmbeddedServer]:
    """A server that keeps statistics of statements."""
    server = EmbeddedServer.start(with_the_library()[0], settings={"shared_preload_libraries": LIBRARY})
    yield server
    server.stop()


@pytest.mark.parametrize(("system", "check"), SLOW)
def test_a_slow_query_is_noticed(system: str, check: str, counting_server: EmbeddedServer) -> None:
    """A query of a fiftieth of a second is quick by the page, and slow by one that allows less."""
    target = counting_server.create_target(f"counting_{system}")
    try:
        live = Elsewhere(target.endpoint)
        assert verdict(asked(page_of(system), live, check)) == (Status.ERRORED, "slow_queries.not_installed")
        execute(target, f"CREATE EXTENSION {LIBRARY}; SELECT pg_stat_statements_reset()")
        with target.server.connect(target.database) as connection:
            for _ in range(5):
                connection.execute("SELECT pg_sleep(0.02)")
        assert asked(page_of(system), live, check).status is Status.PASSED
        result = asked(page_with(system, "  mean: 1s", "  mean: 10ms"), live, check)
    finally:
        target.close()
    assert verdict(result) == (Status.FAILED, "slow_queries.slow")


@pytest.mark.parametrize(("system", "check"), SLOW)
def test_a_server_without_statistics_is_told_apart_from_a_quick_one(system: str, check: str, copy_of: Copier) -> None:
    """Nothing is known of slow queries there, which is no good news."""
    whole, target = copy_of(system)
    result = asked(whole.page, Elsewhere(target.endpoint), check)
    assert verdict(result) == (Status.ERRORED, "slow_queries.not_preloaded")


# the release


@pytest.mark.parametrize("system", ["relay", "blackroad", "gaia", "teller"])
def test_a_server_without_the_newest_repairs_is_noticed(
    system: str, copy_of: Copier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it holds depends on the table of releases alone, which the test makes."""
    whole, target = copy_of(system)
    major, minor = (int(number) for number in target.server.binaries.version.split("."))
    today = datetime.now(UTC).date()

    def newest(number: int) -> None:
        table = {major: Major(major, number, today + timedelta(days=900))}
        monkeypatch.setattr(version, "releases", lambda: Releases(today, "https://www.postgresql.org", table))

    live = Elsewhere(target.endpoint)
    newest(minor)
    assert asked(whole.page, live, "the release is current").status is Status.PASSED
    newest(minor + 3)
    assert verdict(asked(whole.page, live, "the release is current")) == (Status.FAILED, "version.minor_behind")


# the services over the databases


class Endpoint(NamedTuple):
    """What a page's check asks of a service, and the variable that says where that is."""

    system: str
    check: str
    environment: str
    variable: str
    path: str


API = "PLATFORM_API_DEV_URL"
ENDPOINTS = (
    Endpoint("platform-api", "the API is up", "dev", API, "/health"),
    Endpoint("platform-api", "the API serves the page sales-report", "dev", API, "/app-config/pages/sales-report"),
    Endpoint("platform-api", "the API serves sales_report_view", "dev", API, "/app-config/data/sales_report_view"),
    Endpoint("teller", "the service is up", "prod", "TELLER_PROD_URL", "/health"),
)


@pytest.mark.parametrize("one", ENDPOINTS, ids=lambda one: f"{one.system}: {one.check}")
def test_a_service_that_answers_badly_is_noticed(
    one: Endpoint, copy_of: Copier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds over one that answers, and names what is wrong with one that does not, or is gone."""
    whole, target = copy_of(one.system)
    live = Elsewhere(target.endpoint)
    monkeypatch.delenv(one.variable, raising=False)
    assert verdict(asked(whole.page, live, one.check, one.environment)) == (Status.ERRORED, "http.no_address")
    pages: dict[str, tuple[int, Any]] = {one.path: (200, {"status": "ok"})}
    with WebService(pages) as service:
        monkeypatch.setenv(one.variable, service.url)
        assert asked(whole.page, live, one.check, one.environment).status is Status.PASSED
        assert [path for path, _ in service.asked] == [one.path]
        pages[one.path] = (500, {"error": "no database"})
        assert verdict(asked(whole.page, live, one.check, one.environment)) == (Status.FAILED, "http.status")
    assert verdict(asked(whole.page, live, one.check, one.environment)) == (Status.FAILED, "http.refused")


# the services' variables

Variables = Callable[[str, str, str], Runbook]


@pytest.fixture
def page_beside(tmp_path: Path) -> Variables:
    """A system's page in a folder of its own, with the variables and a local file as the test has them."""

    def beside(system: str, variables: str, local: str = "") -> Runbook:
        shutil.copytree(FOLDER / "runbooks", tmp_path / "runbooks", dirs_exist_ok=True)
        (tmp_path / "runbooks" / f"{system}.env").write_text(variables, encoding="utf-8")
        if local:
            (tmp_path / ".env").write_text(local, encoding="utf-8")
        return read(tmp_path / "runbooks" / f"{system}.md", CATALOG, documented())

    return beside


@pytest.mark.parametrize(
    ("system", "variables", "code"),
    [
        ("platform-api", "DATABASE_URL=postgresql://postgres:hunter2hunter2@host:5432/railway", "literal"),
        ("platform-api", "DATABASE_URL=${{postgres-og9n.DATABASE_URL}}", "unknown_service"),
        ("platform-api", "DATABASE_URL=${{platform-db.DATABASE_URL}}", "unknown_service"),
        ("platform-api", "DATABASE_URL=${{Postgres-OG9n.DATABASE_PUBLIC_URL}}", "other_reference"),
        ("platform-api", "OTHER=1", "missing"),
        ("blackroad", "DATABASE_URL=postgresql://postgres:hunter2hunter2@host:5432/railway", "literal"),
        ("blackroad", "DATABASE_URL=${{postgres.DATABASE_URL}}", "unknown_service"),
        ("blackroad", "", "missing"),
    ],
)
def test_a_variable_that_is_not_its_reference_is_noticed(
    system: str, variables: str, code: str, page_beside: Variables, copy_of: Copier
) -> None:
    """A pasted URL, a service of another name or spelling, the public URL, or none; and no value is shown."""
    _, target = copy_of(system)
    result = asked(page_beside(system, f"{variables}\n", ""), target, "DATABASE_URL is a reference", "")
    assert verdict(result) == (Status.FAILED, f"variables.{code}")
    assert "hunter2" not in str(result)


def test_the_public_url_in_a_service_is_noticed(page_beside: Variables, copy_of: Copier) -> None:
    """A service that has it leaves the private network sooner or later."""
    _, target = copy_of("platform-api")
    right = "DATABASE_URL=${{Postgres-OG9n.DATABASE_URL}}\n"
    more = "DATABASE_PUBLIC_URL=${{Postgres-OG9n.DATABASE_PUBLIC_URL}}\n"
    result = asked(page_beside("platform-api", right + more, ""), target, "DATABASE_URL is a reference", "")
    assert verdict(result) == (Status.FAILED, "variables.forbidden")


def test_a_local_file_that_hides_the_real_value_is_noticed(page_beside: Variables, copy_of: Copier) -> None:
    """Prisma would take what the file says; one that says nothing of it is no matter."""
    _, target = copy_of("platform-api")
    right, check = "DATABASE_URL=${{Postgres-OG9n.DATABASE_URL}}\n", "no .env hides DATABASE_URL"
    assert asked(page_beside("platform-api", right, "OTHER=1\n"), target, check, "dev").status is Status.PASSED
    local = "DATABASE_URL=postgresql://postgres:hunter2hunter2@localhost/railway\n"
    result = asked(page_beside("platform-api", right, local), target, check, "dev")
    assert verdict(result) == (Status.WARNED, "variables.shadowed")
    assert "hunter2" not in str(result)


# gaia's role, and its log

ROLE = "the role and its password"


@pytest.fixture
def as_gaia_app(copy_of: Copier) -> Iterator[tuple[EmbeddedTarget, Elsewhere]]:
    """gaia's database, and the same as the application's role logs in to it."""
    _, target = copy_of("gaia")
    execute(target, f"CREATE ROLE gaia_app LOGIN PASSWORD '{LONG_AND_RANDOM}'")
    execute(target, "GRANT USAGE ON SCHEMA auth, game, audit TO gaia_app")
    yield target, Elsewhere(replace(target.endpoint, user="gaia_app", password=LONG_AND_RANDOM))
    execute(target, "DROP OWNED BY gaia_app; DROP ROLE gaia_app")


def test_gaias_role_holds_as_it_should_be(as_gaia_app: tuple[EmbeddedTarget, Elsewhere]) -> None:
    """No superuser, a long password, its three schemas, and nothing of its own in public."""
    _, role = as_gaia_app
    assert asked(page_of("gaia"), role, ROLE).status is Status.PASSED


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("GRANT CREATE ON SCHEMA public TO gaia_app", "roles.privilege_held"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "roles.privilege_held"),
        ("REVOKE USAGE ON SCHEMA audit FROM gaia_app", "roles.privilege_missing"),
        ("ALTER ROLE gaia_app SUPERUSER", "roles.superuser"),
        ("ALTER ROLE gaia_app NOLOGIN", "roles.attribute"),
    ],
)
def test_a_role_that_may_too_much_or_too_little_is_noticed(
    sql: str, code: str, as_gaia_app: tuple[EmbeddedTarget, Elsewhere]
) -> None:
    """Whatever was granted, or taken, by hand."""
    target, role = as_gaia_app
    if "NOLOGIN" in sql:
        role = Elsewhere(target.endpoint)
    execute(target, sql)
    result = asked(page_of("gaia"), role, ROLE)
    assert result.status is Status.FAILED
    assert code in result.codes


@pytest.mark.parametrize(
    ("password", "code"),
    [("gaia_secure_password", "roles.password_default"), ("kE9-vT4.wq", "roles.password_short")],
)
def test_a_poor_password_is_noticed(password: str, code: str, as_gaia_app: tuple[EmbeddedTarget, Elsewhere]) -> None:
    """The repository's default, and one of ten characters; neither is shown."""
    target, role = as_gaia_app
    execute(target, f"ALTER ROLE gaia_app PASSWORD '{password}'")
    result = asked(page_of("gaia"), Elsewhere(replace(role.endpoint, password=password)), ROLE)
    assert verdict(result) == (Status.FAILED, code)
    assert password not in str(result)


def test_a_role_that_nobody_made_is_noticed(copy_of: Copier) -> None:
    """Roles are in no dump of a database, and are forgotten when it moves."""
    whole, target = copy_of("gaia")
    result = asked(whole.page, Elsewhere(target.endpoint), ROLE)
    assert "roles.role_missing" in result.codes


def test_statements_that_are_not_logged_are_noticed(copy_of: Copier) -> None:
    """A stock server logs none, which is no audit."""
    whole, target = copy_of("gaia")
    check = "statements are logged"
    assert verdict(asked(whole.page, target, check)) == (Status.FAILED, "settings.differs")
    whole.server.execute(f"ALTER DATABASE {target.database} SET log_statement = 'mod'")
    assert asked(whole.page, target, check).status is Status.PASSED
