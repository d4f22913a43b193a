"""Every check of every page holds on the database the project itself makes, whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from checks.result import Status
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedTarget
from tests.systems.tools import SYSTEMS, Copier, Filled, ask, execute, fill, filled, told, value_of

# Asked of live environments alone: about what runs there, or about what a disposable server does not keep.
ONLY_LIVE = {
    "relay": {"no slow queries", "the release is current", "the daily dump has arrived"},
    "platform-api": {
        "the API is up",
        "the API serves the page sales-report",
        "the API serves sales_report_view",
        "no .env hides DATABASE_URL",
        "a dump of this week",
    },
    "blackroad": {"no query over 1 s", "the release is current", "thirty days of backups"},
    "gaia": {
        "the container is healthy",
        "it is PostgreSQL 16",
        "the release is current",
        "TLS is required",
        "no slow queries",
        "the role and its password",
        "statements are logged",
        "ten exports, the newest of today",
    },
    "teller": {
        "the container is healthy",
        "TLS is required",
        "the service is up",
        "no slow queries",
        "the release is current",
        "a dump of today",
    },
}
DRILL = "drill"  # what it rehearses is what `verify` makes it of; here there is nothing to make it with


def assert_all_hold(system: str, whole: Filled, target: EmbeddedTarget) -> None:
    """Everything passed, but for the checks that name live environments."""
    results = ask(whole.page, target, rehearsal=whole.rehearsal)
    skipped = {name for name, result in results.items() if result.status is Status.SKIPPED}
    drills = {name for name, result in results.items() if result.planned.check.kind == DRILL}
    assert (skipped, len(drills)) == (ONLY_LIVE[system] | drills, 1)
    assert told({name: result for name, result in results.items() if name not in skipped}) == {}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_check_holds_on_ten_rows(system: str, copy_of: Copier) -> None:
    """The smallest filling satisfies every foreign key and every rule of the page."""
    whole, target = copy_of(system)
    assert_all_hold(system, whole, target)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_check_holds_on_ten_thousand_rows(system: str, filled_system: Callable[[str], Filled]) -> None:
    """So does the filling that `verify` loads."""
    small = filled_system(system)
    target = small.server.create_target("ten_thousand")
    try:
        rehearsal = fill(small.page, target, 10_000)
        assert rows_in(target) == pytest.approx(10_000, rel=0.1)
        assert_all_hold(system, Filled(small.page, small.server, "ten_thousand", rehearsal), target)
    finally:
        target.close()


def rows_in(target: EmbeddedTarget) -> int:
    """How many rows all tables of the database hold, by the planner's count after an ANALYZE."""
    execute(target, "ANALYZE")
    sql = "SELECT sum(reltuples) FROM pg_class JOIN pg_stat_user_tables ON relid = pg_class.oid"
    return int(value_of(target, sql))


@pytest.mark.parametrize(("system", "name"), [("gaia", "TLS is required"), ("teller", "TLS is required")])
def test_rules_of_production_hold_where_they_are_kept(system: str, name: str, copy_of: Copier) -> None:
    """A rule that names production is asked there, and a server that keeps it passes."""
    whole, target = copy_of(system)
    result = ask(whole.page, target, environment="prod", only=[name])[name]
    assert result.status is Status.PASSED, result


@pytest.fixture
def on_every_major(every_major: Binaries) -> Iterator[Filled]:
    """The system with the most settings, on a server of each major in turn."""
    whole = filled("gaia", every_major)
    yield whole
    whole.server.stop()


def test_a_page_holds_on_every_major(on_every_major: Filled) -> None:
    """Schemas, settings and rules do not depend on the major; what does is asked of live servers only."""
    target = on_every_major.copy("again")
    assert_all_hold("gaia", on_every_major, target)
