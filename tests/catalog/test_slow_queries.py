"""Slow queries: told by their mean time, shown without a value, and told apart from statistics that nobody keeps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from checks.catalog.sql import statements
from checks.check import Query
from checks.errors import CouldNotTell, NotApplicable
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.catalog.counting import LIBRARY, with_the_library
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of, run_sql

SLEEPS = "SELECT pg_sleep(0.2), 'hunter2hunter2'"
_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=with_the_library(), ids=lambda one: str(one.major))
def counting_server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    """A server of the module's own that keeps statistics of statements."""
    server = EmbeddedServer.start(request.param, settings={"shared_preload_libraries": LIBRARY})
    yield server
    server.stop()


@pytest.fixture
def counting(counting_server: EmbeddedServer) -> Iterator[EmbeddedTarget]:
    """A fresh database of it, with the extension."""
    target = counting_server.create_target(f"counting_{next(_numbers)}")
    run_sql(target, f"CREATE EXTENSION {LIBRARY}; SELECT pg_stat_statements_reset()")
    yield target
    target.close()


def test_every_statement_runs_where_the_extension_is(counting: EmbeddedTarget) -> None:
    """No statement leans on a column that only some major's extension has."""
    session = counting.open()
    answers = session.ask([Query(sql) for sql in statements("slow_queries").values()], patience=10)
    session.close()
    assert [answer.error for answer in answers] == [None] * len(answers)


def run(target: EmbeddedTarget, sql: str, *, times: int = 1) -> None:
    """As an application does, each a statement of its own."""
    with target.server.connect(target.database) as connection:
        for _ in range(times):
            connection.execute(sql.encode())


def test_quick_queries_hold_and_the_slowest_are_shown(counting: EmbeddedTarget) -> None:
    """The check says what the slowest took; their constants are gone."""
    run(counting, SLEEPS)
    [finding] = check_holds("slow_queries", "", counting, disposable=False)
    assert finding.code == "slow_queries.measured"
    assert finding.sentence.startswith("Since the statistics were reset ")
    slowest = finding.evidence[0]
    assert (slowest["query"], slowest["calls"], slowest["role"]) == ("SELECT pg_sleep($1), $2", 1, "postgres")
    assert len(finding.evidence) <= 10
    [finding] = check_holds("slow_queries", "top: 2", counting, disposable=False)
    assert len(finding.evidence) == 2


def test_a_query_that_is_slow_on_average_fails(counting: EmbeddedTarget) -> None:
    """Over the limit in five calls or more, the query is named; over one second is the default."""
    run(counting, SLEEPS, times=5)
    finding = check_fails("slow_queries", "mean: 100ms", counting, code="slow_queries.slow", disposable=False)
    assert (finding.severity, finding.expected) == ("fail", "at most 100 ms")
    assert finding.sentence.startswith("1 query takes more than 100 ms on average; the slowest 2")
    assert [row["query"] for row in finding.evidence] == ["SELECT pg_sleep($1), $2"]
    check_holds("slow_queries", "", counting, disposable=False)


def test_a_slow_query_that_ran_once_warns(counting: EmbeddedTarget) -> None:
    """Somebody's report at noon warns; the page may ask for fewer or for more calls."""
    run(counting, SLEEPS)
    finding = check_fails("slow_queries", "mean: 100ms", counting, code="slow_queries.slow_seldom", disposable=False)
    assert finding.severity == "warn"
    written = "{mean: 100ms, calls: 1}"
    check_fails("slow_queries", written, counting, code="slow_queries.slow", disposable=False)


def test_the_default_limit_is_a_second(counting: EmbeddedTarget) -> None:
    """A page that says nothing of it finds a query of over a second."""
    run(counting, "SELECT pg_sleep(1.01)")
    check_fails("slow_queries", "calls: 1", counting, code="slow_queries.slow", disposable=False)


def test_what_defines_or_maintains_is_not_judged(counting: EmbeddedTarget) -> None:
    """An index that took long to build is no slow query, and a procedure none either; no text of theirs is shown."""
    run(counting, "DO $$ BEGIN PERFORM pg_sleep(0.1), 'hunter2hunter2'; END $$", times=5)
    run(counting, "CREATE ROLE hunter PASSWORD 'hunter2hunter2'")
    run(counting, "DROP ROLE hunter")
    run(counting, "CREATE TABLE taken AS SELECT pg_sleep(0.1) IS NULL AS slept, 'hunter2hunter2' AS word")
    findings = check_holds("slow_queries", "{mean: 90ms, calls: 1, top: 100}", counting, disposable=False)
    assert "hunter2" not in repr(findings)


def test_a_text_that_was_not_normalised_shows_no_value(counting: EmbeddedTarget) -> None:
    """PostgreSQL keeps a query's own text where its entry was dropped while it ran, and every comment."""
    forgetful = "SELECT pg_stat_statements_reset() IS NULL, pg_sleep(0.03), 'hunter2hunter2', 4111111111111111"
    run(counting, forgetful + " -- for jane@example.org")
    with counting.server.connect(counting.database) as connection:
        kept = connection.execute("SELECT query FROM pg_stat_statements WHERE query LIKE '%jane%'").fetchall()
    assert "hunter2hunter2" in repr(kept), "the server has changed its ways: this test proves nothing any more"
    findings = check_holds("slow_queries", "top: 100", counting, disposable=False)
    assert [word for word in ("hunter2", "4111", "jane") if word in repr(findings)] == []


def test_other_databases_queries_do_not_count(counting_server: EmbeddedServer, counting: EmbeddedTarget) -> None:
    """The page speaks of one database; what is slow in another belongs to another page."""
    other = counting_server.create_target("another")
    run(other, SLEEPS, times=5)
    check_holds("slow_queries", "mean: 15ms", counting, disposable=False)
    other.close()


def test_an_extension_in_a_schema_of_its_own_is_found(counting: EmbeddedTarget) -> None:
    """Its schema need not be on the search path, and its name may be odd."""
    run_sql(
        counting, f'DROP EXTENSION {LIBRARY}; CREATE SCHEMA "Odd""one"; CREATE EXTENSION {LIBRARY} SCHEMA "Odd""one"'
    )
    check_holds("slow_queries", "", counting, disposable=False)


def test_a_database_without_the_extension_is_told_apart(counting: EmbeddedTarget) -> None:
    """The server keeps statistics, and this database cannot show them: no verdict, and what to do."""
    run_sql(counting, f"DROP EXTENSION {LIBRARY}")
    told = unanswered(counting)
    assert told.code == "slow_queries.not_installed"
    assert "CREATE EXTENSION pg_stat_statements" in told.hint


def test_an_extension_from_before_an_upgrade_is_told_apart(counting: EmbeddedTarget) -> None:
    """Its view lacks columns until it is updated."""
    run_sql(counting, f"DROP EXTENSION {LIBRARY}; CREATE EXTENSION {LIBRARY} VERSION '1.8'")
    assert unanswered(counting).code == "slow_queries.outdated"
    run_sql(counting, f"ALTER EXTENSION {LIBRARY} UPDATE")
    check_holds("slow_queries", "", counting, disposable=False)


def test_a_server_that_was_told_to_count_nothing_is_told_apart(counting: EmbeddedTarget) -> None:
    """Old figures are no figures."""
    run_sql(counting, f"ALTER DATABASE {counting.database} SET pg_stat_statements.track = 'none'")
    assert unanswered(counting).code == "slow_queries.not_tracked"


def test_a_server_without_the_library_is_told_apart(target: EmbeddedTarget) -> None:
    """Without the library there is nothing to read, whether or not the extension is installed."""
    assert unanswered(target).code == "slow_queries.not_preloaded"
    if any(one == target.server.binaries for one in with_the_library()):
        run_sql(target, f"CREATE EXTENSION {LIBRARY}")
        assert unanswered(target).code == "slow_queries.not_preloaded"


def test_a_disposable_server_is_not_asked(target: EmbeddedTarget, counting: EmbeddedTarget) -> None:
    """A server started for the run has no history: the check is skipped there, unless it keeps statistics."""
    with pytest.raises(NotApplicable, match="collects no statistics"):
        findings_of("slow_queries", "", target, disposable=True)
    check_holds("slow_queries", "", counting, disposable=True)


def unanswered(target: EmbeddedTarget | Elsewhere, written: str = "") -> CouldNotTell:
    """Why a live target gives no verdict."""
    with pytest.raises(CouldNotTell) as told:
        findings_of("slow_queries", written, target, disposable=False)
    return told.value


@pytest.fixture
def stranger(counting_server: EmbeddedServer, counting: EmbeddedTarget) -> Iterator[Elsewhere]:
    """The same database as seen by a role without any privilege."""
    counting_server.execute("CREATE ROLE stranger LOGIN PASSWORD 'only for this test'")
    yield Elsewhere(replace(counting.endpoint, user="stranger", password="only for this test"))
    with counting_server.connect(counting.database) as connection:
        connection.execute("DROP OWNED BY stranger")
        connection.execute("DROP ROLE stranger")


def test_statements_the_role_may_not_see_are_not_called_quick(
    counting_server: EmbeddedServer, counting: EmbeddedTarget, stranger: Elsewhere
) -> None:
    """A slow statement of another role leaves no verdict, and the grant that is missing is named; quick ones do."""
    run(counting, SLEEPS, times=5)
    told = unanswered(stranger, "mean: 10ms")
    assert (told.code, "pg_read_all_stats" in told.hint) == ("run.not_permitted", True)
    [finding] = check_holds("slow_queries", "", stranger, disposable=False)
    assert finding.evidence[0]["query"] == "not visible to this role"
    counting_server.execute("GRANT pg_read_all_stats TO stranger")
    check_fails("slow_queries", "mean: 10ms", stranger, code="slow_queries.slow", disposable=False)


def test_a_schema_the_role_may_not_use_is_told(counting: EmbeddedTarget, stranger: Elsewhere) -> None:
    """The grant that is missing is that on the schema."""
    run_sql(counting, f"DROP EXTENSION {LIBRARY}; CREATE SCHEMA closed; CREATE EXTENSION {LIBRARY} SCHEMA closed")
    told = unanswered(stranger)
    assert (told.code, told.hint) == ("run.not_permitted", "GRANT USAGE ON SCHEMA closed TO the role.")
