"""A run in which something did not hold takes one look at the server, which shows names and counts and no secret."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.check import POSTGRESQL, SQLITE, Asking, Query
from checks.errors import ConnectionFailed, CouldNotTell
from checks.plan import Mode, plan
from checks.report.compose import report_of
from checks.report.jsonfile import from_json, to_json
from checks.report.junit import junit
from checks.report.markdown import markdown
from checks.result import Results
from checks.run import run
from checks.runbook.model import CheckEntry, Fence, FrontMatter, Runbook, Section
from checks.runbook.parcel import Parcel
from checks.targets.embedded import EmbeddedTarget
from checks.targets.session import Target
from tests.catalog.tools import params_of, run_sql, sqlite_file
from tests.report.builders import CODES, provenance
from tests.standins import (
    BLOCKS,
    HANGS,
    LOSES_CONNECTION,
    Onlooker,
    StandInSession,
    StandInTarget,
    asks,
    plan_of,
    planned,
)

SECRET = "4111-1111-hunter2"
FAILS = "SELECT 1"
HOLDS = "SELECT 1 WHERE false"


def page_asking(*queries: str) -> Runbook:
    entries = tuple(
        CheckEntry("query", f"question {number}", Parcel(params_of("query", {"sql": sql})), number)
        for number, sql in enumerate(queries, 1)
    )
    fence = Fence("yaml", "", 1, entries)
    return Runbook(Path("page.md"), "0" * 64, FrontMatter("page", "Page"), (Section(1, "Page", 1, parts=(fence,)),))


def run_of(target: Target, *queries: str) -> Results:
    known = Circumstances(Path(), target.engine, target.endpoint, disposable=True)
    asked = plan(page_asking(*queries), CATALOG, mode=Mode.VERIFY, engine=target.engine, timeout=2.0)
    return run(asked, target, known, watch=Onlooker(), stop=threading.Event())


@contextmanager
def a_lock_is_waited_for(target: EmbeddedTarget) -> Iterator[None]:
    """One session holds a row and a table, another waits for it; both have the secret in their queries."""
    run_sql(target, "CREATE TABLE cards (number text); INSERT INTO cards VALUES ('none')")
    with ExitStack() as stack:
        holder = stack.enter_context(target.server.connect(target.database))
        waiter = stack.enter_context(target.server.connect(target.database))
        holder.execute("BEGIN")
        holder.execute(f"UPDATE cards SET number = '{SECRET}'")
        waiter.execute(f"SET application_name = '{SECRET}'")
        waiting = threading.Thread(target=wait_for_it, args=[waiter])
        waiting.start()
        while not target_waits(target):
            time.sleep(0.01)
        try:
            yield
        finally:
            holder.execute("ROLLBACK")
            waiting.join()


def wait_for_it(waiter: psycopg.Connection) -> None:
    waiter.execute(f"ALTER TABLE cards ADD COLUMN owner text DEFAULT '{SECRET}'")


def target_waits(target: EmbeddedTarget) -> bool:
    with target.server.connect(target.database) as connection:
        row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row is not None and row[0] > 0


def test_a_failed_check_brings_the_sessions_the_locks_the_settings_and_the_archiver(
    target_of_every_major: EmbeddedTarget,
) -> None:
    """Who waits for whom is told by process, role and table, and no form of the report holds a query's literal."""
    target = target_of_every_major
    run_sql(target, f"ALTER DATABASE {target.database} SET work_mem = '7MB'")
    with a_lock_is_waited_for(target):
        results = run_of(target, FAILS)
    seen = results.snapshot
    assert seen is not None
    assert seen.missing == ()
    blocker, waiter = seen.locks
    assert (waiter["blocked_by"], waiter["on"]) == (str(blocker["pid"]), "public.cards")
    assert (waiter["lock"], waiter["role"], waiter["wait_event"]) == (
        "wants AccessExclusiveLock",
        "postgres",
        "relation",
    )
    assert (blocker["blocked_by"], blocker["on"]) == ("", "public.cards")
    assert (blocker["lock"], blocker["state"]) == ("holds RowExclusiveLock", "idle in transaction")
    states = {row["state"]: row["sessions"] for row in seen.sessions}
    assert (states["idle in transaction"], states["active"]) == (1, 1)
    assert {"setting": "work_mem", "value": "7MB"} in seen.settings
    assert [set(row) >= {"archived_count", "failed_count", "last_failed"} for row in seen.archiver] == [True]
    report = report_of(results, provenance=provenance(), codes=CODES)
    texts = [to_json(report), markdown(report), junit([report])]
    assert [text for text in texts if SECRET in text or "cards SET" in text] == []
    assert ["wants AccessExclusiveLock" in text for text in texts] == [True, True, False]
    assert from_json(to_json(report), path=Path("report.json")) == report


def test_nothing_is_looked_at_where_everything_holds(target: EmbeddedTarget) -> None:
    """A good run asks nothing beyond its checks."""
    results = run_of(target, HOLDS)
    assert results.snapshot is None
    assert "at the end of the run" not in markdown(report_of(results, provenance=provenance(), codes=CODES))


def test_an_errored_check_brings_it_too(target: EmbeddedTarget) -> None:
    """No verdict is no good news either."""
    assert run_of(target, HOLDS, "SELECT * FROM nowhere").snapshot is not None


def test_a_setting_that_may_hold_a_secret_shows_its_length(target: EmbeddedTarget) -> None:
    """The name is evidence enough."""
    target.server.execute(f"ALTER SYSTEM SET archive_command = 'curl -u me:{SECRET} %p'")
    try:
        target.server.execute("SELECT pg_reload_conf()")
        give_up = time.monotonic() + 20
        while True:
            results = run_of(target, FAILS)
            seen = results.snapshot
            assert seen is not None, results
            shown = {row["setting"]: row["value"] for row in seen.settings}
            if "archive_command" in shown or time.monotonic() > give_up:
                break
        assert shown["archive_command"] == f"a text of {len(SECRET) + 14} characters"
    finally:
        target.server.execute("ALTER SYSTEM RESET archive_command")
        target.server.execute("SELECT pg_reload_conf()")


def test_sqlite_has_no_such_thing(tmp_path: Path) -> None:
    """There is nothing to look at."""
    target = sqlite_file(tmp_path / "file.db")
    assert target.engine == SQLITE
    assert run_of(target, FAILS).snapshot is None


def stand_in_run(target: StandInTarget, ask: Callable[[Any, Any], Asking]) -> Results:
    known = Circumstances(Path(), POSTGRESQL, target.endpoint, disposable=True)
    asked = plan_of(planned("a check", ask, timeout=0.2))
    return run(asked, target, known, watch=Onlooker(), stop=threading.Event())


def cannot_tell(_parameters: Any, _circumstances: Any) -> Asking:
    """A check without a verdict, over a session that lives on."""
    yield [Query("1")]
    raise CouldNotTell("this says nothing")


def test_the_look_goes_over_the_session_that_is_there() -> None:
    """It costs the server no further connection, and one flight; a server that says nothing fails nothing."""
    target = StandInTarget()
    results = stand_in_run(target, cannot_tell)
    assert (len(target.sessions), target.looks, target.sessions[0].closed) == (1, 1, True)
    assert results.snapshot is not None
    assert [line.partition(":")[0] for line in results.snapshot.missing] == [
        "sessions",
        "locks",
        "settings",
        "archiver",
    ]


@pytest.mark.parametrize("sql", [HANGS, LOSES_CONNECTION, BLOCKS])
def test_where_that_session_was_lost_a_new_one_is_opened(sql: str) -> None:
    """A query that hangs is when the locks are worth most."""
    target = StandInTarget()
    assert stand_in_run(target, asks(sql)).snapshot is not None
    assert target.looks == 1


def test_a_server_that_is_gone_by_then_fails_nothing() -> None:
    """The results are what they were."""

    class Gone(StandInTarget):
        def open(self, *, writable: bool = False, timeout: float = 5.0) -> StandInSession:
            if self.sessions:
                raise ConnectionFailed("gone", code="connectivity.refused")
            return super().open(writable=writable, timeout=timeout)

    results = stand_in_run(Gone(), asks(LOSES_CONNECTION))
    assert results.snapshot is None
    assert [result.code for result in results.results] == ["connectivity.lost"]


def test_who_never_answered_is_not_asked_again() -> None:
    """Nobody listens: another attempt would only take longer."""
    target = StandInTarget(refuses="connectivity.refused")
    assert stand_in_run(target, asks("1")).snapshot is None
    assert target.looks == 0
