"""A look at a live database cannot hurt it: proven from outside, against real servers, locks and silent peers."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from checks import pipeline
from checks.catalog import CATALOG
from checks.catalog.codes import documented
from checks.check import POSTGRESQL, Effect, Query
from checks.choice import Leave, Output, Selection
from checks.errors import NothingSelected
from checks.plan import Mode, Plan, plan
from checks.run import run
from checks.runbook.model import Runbook
from checks.runbook.reader import read
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.live import MOST_SESSIONS, LiveTarget
from checks.targets.session import Endpoint, Session
from checks.targets.sessions import open_session
from tests.catalog.tools import circumstances_of, run_sql
from tests.command import HOLDS, Ended, page, pgrunbook, sql_check
from tests.proxy import Proxy
from tests.standins import Onlooker, StandInTarget, asks, plan_of, planned
from tests.targets.patients import silenced as silenced_server
from tests.test_run import run_of
from tests.test_tasks import url_of

LIVE = 'environments:\n  dev: {url: "${SMALL_DATABASE_URL}"}\n  prod: {url: "${SMALL_DATABASE_URL}", protected: true}\n'
SMOKE = "```yaml check\nsmoke: {write: [CREATE TABLE left_behind ()], read: SELECT 1, expect: {value: 1}}\n```\n"
SIZE = "```yaml check\nsize: {}\n```\n"


def socket_of(target: EmbeddedTarget) -> str:
    endpoint = target.socket_endpoint
    return f"{endpoint.host}/.s.PGSQL.{endpoint.port}"


def check(target: EmbeddedTarget, folder: Path, *arguments: str, env: str = "dev", url: str = "") -> Ended:
    """`pgrunbook check` of the pages in `folder`, with the target as its environment."""
    variables = {"SMALL_DATABASE_URL": url or url_of(target)}
    return pgrunbook("check", "--env", env, *arguments, folder=folder, variables=variables)


def report_in(folder: Path) -> dict[str, Any]:
    (path,) = (folder / "reports").glob("*-small-*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_every_form_of_the_report_shows_what_held_the_session_back(target: EmbeddedTarget, tmp_path: Path) -> None:
    """Who reads the report sees that writes were refused, and how long anything could have waited."""
    page(tmp_path, "small", HOLDS, LIVE)
    ended = check(target, tmp_path)
    guards = report_in(tmp_path)["guards"]
    (markdown,) = (tmp_path / "reports").glob("*-small-dev.md")
    assert ended.code == 0
    assert (guards["transaction_read_only"], guards["write_attempt"]) == ("on", "refused (25006)")
    assert (guards["lock_timeout"], guards["application_name"]) == ("100ms", "pgrunbook")
    said = "read-only, a write was tried and refused (25006); lock_timeout 100ms, statement_timeout 10s; "
    assert said in ended.out
    assert f"- Safety: {said}" in markdown.read_text()
    assert "`write_attempt = refused (25006)`" in markdown.read_text()


def test_scarce_slots_end_the_run_before_a_question(
    target: EmbeddedTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run says why it stopped: a finding for the check that asks about connections, no verdict for the others."""
    monkeypatch.setattr("checks.targets.slots.LEAST_SHARE_LEFT", 0.999)
    page(tmp_path, "small", "```yaml check\nconnectivity: {}\n```\n" + HOLDS, LIVE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMALL_DATABASE_URL", url_of(target))
    code = pipeline.check(Selection(), Output(format="json"), environment="dev", env_file="", leave=Leave())
    (report,) = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [(one["status"], one["code"]) for one in report["checks"]] == [
        ("failed", ""),
        ("errored", "connectivity.slots_scarce"),
    ]
    assert report["checks"][0]["findings"][0]["code"] == "connectivity.slots_scarce"


@pytest.fixture
def silenced(target: EmbeddedTarget) -> Iterator[Proxy]:
    """A server behind a peer that falls silent once the question has passed it."""

    def watched(data: bytes) -> bytes:
        if b"the question" in data:
            proxy.fall_silent()
        return data

    proxy = Proxy(socket_of(target), rewrite=watched)
    with proxy:
        yield proxy


def test_the_deadline_ends_a_run_whose_peer_fell_silent(
    target: EmbeddedTarget, silenced: Proxy, tmp_path: Path
) -> None:
    """In the middle of a query, long before the check's own time is up: who is silent is said, and no session left."""
    patient = "```yaml check\nquery: {name: Asks, timeout: 50s, sql: \"SELECT 'the question'\"}\n```\n"
    page(tmp_path, "small", patient, LIVE)
    url = f"postgresql://{target.endpoint.user}@127.0.0.1:{silenced.port}/{target.database}?sslmode=disable"
    ended = check(target, tmp_path, "--deadline", "4s", url=url)
    (asked,) = report_in(tmp_path)["checks"]
    assert (ended.code, asked["status"], asked["code"]) == (3, "errored", "connectivity.silent")
    assert "when the run's time was up" in asked["reason"]
    silenced.close()
    assert no_session_is_left(target)


@pytest.mark.parametrize("written", ["", "```yaml check\nquery: {name: Asks, sql: SELECT 1}\n```\n"])
def test_a_stopped_server_is_silent_however_short_the_deadline(
    binaries: Binaries, tmp_path: Path, written: str
) -> None:
    """The time to connect ends before the run's does, so that the check of connectivity has its verdict."""
    server = EmbeddedServer.start(binaries)
    target = server.create_target("stopped")
    page(tmp_path, "small", f"```yaml check\nconnectivity: {{}}\n```\n{written}", LIVE)
    try:
        with silenced_server(server):
            ended = check(target, tmp_path, "--deadline", "3s")
    finally:
        server.stop()
    asked, *others = report_in(tmp_path)["checks"]
    assert ended.code in {1, 3}, ended
    assert (asked["status"], asked["findings"][0]["code"]) == ("failed", "connectivity.silent")
    assert [one["code"] for one in others] == ["connectivity.silent" for _ in others]


def test_a_slow_query_is_not_blamed_on_the_peer(target: EmbeddedTarget, tmp_path: Path) -> None:
    """A server that would have answered later ends the query itself before the run's deadline."""
    slow = "```yaml check\nquery: {name: Asks, timeout: 50s, sql: SELECT pg_sleep(20)}\n```\n"
    page(tmp_path, "small", slow, LIVE)
    ended = check(target, tmp_path, "--deadline", "3s")
    (asked,) = report_in(tmp_path)["checks"]
    assert (ended.code, asked["status"], asked["code"]) == (3, "errored", "run.timeout")
    assert "(SQLSTATE 57014)" in asked["reason"], asked["reason"]


def test_a_silent_peer_fails_who_asks_about_it(target: EmbeddedTarget, silenced: Proxy, tmp_path: Path) -> None:
    """A check's own time suffices too: what came before it is known, and the report says who fell silent."""
    asks = "```yaml check\nquery: {name: Asks, timeout: 200ms, sql: \"SELECT 'the question'\"}\n```\n"
    page(tmp_path, "small", HOLDS + asks, LIVE)
    url = f"postgresql://{target.endpoint.user}@127.0.0.1:{silenced.port}/{target.database}?sslmode=disable"
    ended = check(target, tmp_path, "--only", "Asks", url=url)
    assert (ended.code, report_in(tmp_path)["checks"][0]["code"]) == (3, "connectivity.silent")


def no_session_is_left(target: EmbeddedTarget) -> bool:
    """Whether the server has none of ours, which it notices a moment after its end."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrunbook' AND pid <> pg_backend_pid()"
    with target.server.connect() as connection:
        for _ in range(100):
            row = connection.execute(count).fetchone()
            if row is not None and row[0] == 0:
                return True
            time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("arguments", "env", "says"),
    [
        (["--allow", "change"], "dev", "a live environment is never written to, and nothing can allow it."),
        (["--allow", "everything"], "dev", "no such effect."),
        (["--allow", "load"], "prod", "HINT: Add `--confirm prod`"),
        (["--allow", "load", "--confirm", "dev"], "prod", "--confirm dev: the environment is prod."),
        (["--confirm", "prod"], "dev", "--confirm prod: the environment is dev."),
        (["--deadline", "60"], "dev", "--deadline 60: '60' is not a duration"),
        (["--deadline", "0s"], "dev", "a duration above 0 is wanted."),
    ],
)
def test_what_may_not_be_allowed_is_said_before_any_server_is_touched(
    target: EmbeddedTarget, tmp_path: Path, arguments: list[str], env: str, says: str
) -> None:
    """A wrong command line ends at once with one sentence, and asks nobody anything."""
    page(tmp_path, "small", HOLDS, LIVE)
    ended = check(target, tmp_path, *arguments, env=env, url="postgresql://user@127.0.0.1:9/db")
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert not (tmp_path / "reports").exists()


LOAD = frozenset({Effect.LOAD})


@pytest.fixture
def heavy(target: EmbeddedTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Leave], int]:
    """Look at an environment by a page whose one check puts load on the server; the exit code."""
    monkeypatch.setattr("checks.pipeline.CATALOG", {**CATALOG, "size": replace(CATALOG["size"], effect=Effect.LOAD)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMALL_DATABASE_URL", url_of(target))
    page(tmp_path, "small", SIZE, LIVE)
    return lambda env, leave: pipeline.check(Selection(), Output(), environment=env, env_file="", leave=leave)


@pytest.mark.parametrize(("environment", "leave"), [("dev", Leave(LOAD)), ("prod", Leave(LOAD, "prod"))])
def test_load_is_put_on_a_live_server_when_it_is_allowed(
    heavy: Callable[[str, Leave], int], tmp_path: Path, environment: str, leave: Leave
) -> None:
    """A heavy check is asked of whoever may be asked it: a protected environment by its name."""
    assert heavy(environment, leave) == 0
    assert [one["status"] for one in report_in(tmp_path)["checks"]] == ["passed"]


@pytest.mark.parametrize(("environment", "leave"), [("dev", Leave()), ("prod", Leave(confirmed="prod"))])
def test_load_is_spared_a_live_server_unless_it_is_allowed(
    heavy: Callable[[str, Leave], int], environment: str, leave: Leave
) -> None:
    """Typing a name is no leave by itself."""
    with pytest.raises(NothingSelected, match="a live one is spared without `--allow load`"):
        heavy(environment, leave)


@pytest.mark.parametrize("front", ["", ", environments: [dev]", ", severity: warn", ", timeout: 1s", ", name: Writes"])
@pytest.mark.parametrize("only", [(), ("smoke",), ("smoke", "Writes")])
def test_no_selection_and_no_leave_plans_a_write(tmp_path: Path, front: str, only: tuple[str, ...]) -> None:
    """Whatever the page says of a check and the command line selects and allows, one that writes is never planned."""
    written = SMOKE.replace("{value: 1}}", f"{{value: 1}}{front}}}")
    runbook = page_of(tmp_path, written + HOLDS)
    for environment, allow in itertools.product(("dev", "prod"), ((), (Effect.LOAD,), tuple(Effect))):
        try:
            made = plan(
                runbook,
                CATALOG,
                mode=Mode.CHECK,
                engine=POSTGRESQL,
                environment=environment,
                only=only,
                allow=allow,
            )
        except NothingSelected:
            continue
        assert [one.check.effect for one in made.checks if not one.skip] == [Effect.OBSERVE]


def test_a_plan_to_write_to_a_live_environment_cannot_be_made() -> None:
    """Not by hand either, nor by changing one that could: the value does not exist."""
    writes = planned("writes", asks("INSERT …"), effect=Effect.CHANGE)
    skipped = plan_of(replace(writes, skip="it writes"))
    with pytest.raises(AssertionError, match="writes: a check that writes was planned for a live environment"):
        Plan(skipped.runbook, Mode.CHECK, "dev", (writes,))
    with pytest.raises(AssertionError):
        replace(replace(skipped, mode=Mode.CHECK), checks=(writes,))


def test_a_disposable_plan_is_not_run_on_a_live_target() -> None:
    """A plan made for a disposable server, handed a live one by mistake, opens no session."""
    target = StandInTarget(disposable=False)
    with pytest.raises(AssertionError, match="not disposable"):
        run_of(target, planned("writes", asks("INSERT …"), effect=Effect.CHANGE))
    assert target.sessions == []


def test_a_write_through_the_task_is_skipped_and_leaves_nothing(target: EmbeddedTarget, tmp_path: Path) -> None:
    """From outside: beside a check that observes, one that writes is reported as not asked, and nothing was made."""
    page(tmp_path, "small", SMOKE + HOLDS, LIVE)
    ended = check(target, tmp_path, "--allow", "load", "--confirm", "prod", env="prod")
    assert ended.code == 0
    assert [one["status"] for one in report_in(tmp_path)["checks"]] == ["skipped", "passed"]
    session = target.open()
    (answer,) = session.ask([Query("SELECT to_regclass('left_behind')")], patience=10)
    session.close()
    assert answer.value is None


@pytest.fixture
def lock_holder(target: EmbeddedTarget) -> Iterator[Callable[[], int]]:
    """A table of the application's under its strongest lock; gives how many sessions wait for it now."""
    run_sql(target, "CREATE TABLE audit_log (id bigserial PRIMARY KEY, at timestamptz DEFAULT now())")
    with target.server.connect(target.database) as holder, target.server.connect(target.database) as onlooker:
        onlooker.autocommit = True
        holder.execute("BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE")

        def waiting() -> int:
            row = onlooker.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            return int(row[0]) if row else -1

        yield waiting


def test_a_locked_table_is_left_after_a_tenth_of_a_second(
    target: EmbeddedTarget, lock_holder: Callable[[], int], tmp_path: Path
) -> None:
    """While a migration holds a table, a check of it has no verdict, says why, and stands in nobody's way."""
    page(tmp_path, "small", HOLDS + sql_check("Audited", "SELECT 1 FROM audit_log WHERE false"), LIVE)
    ended = check(target, tmp_path)
    asked = {one["name"]: (one["status"], one["code"]) for one in report_in(tmp_path)["checks"]}
    assert ended.code == 3
    assert asked == {"Nothing is wrong": ("passed", ""), "Audited": ("errored", "run.lock_timeout")}
    assert lock_holder() == 0


OBSERVING = [kind for kind, one in CATALOG.items() if one.effect is Effect.OBSERVE and POSTGRESQL in one.engines]


@pytest.mark.parametrize("kind", OBSERVING)
def test_no_kind_of_check_waits_for_a_lock(
    target: EmbeddedTarget, lock_holder: Callable[[], int], kind: str, tmp_path: Path
) -> None:
    """Each either needs no lock the application holds, or gives up by the lock's own time limit."""
    example = import_module(f"checks.catalog.{kind}").EXAMPLE
    runbook = page_of(tmp_path, f"```yaml check\n{example}\n```\n")
    live = LiveTarget("dev", target.endpoint)
    circumstances = replace(circumstances_of(live, disposable=False), folder=tmp_path)
    made = plan(runbook, CATALOG, mode=Mode.CHECK, engine=POSTGRESQL, environment="dev")
    results = run(made, live, circumstances, watch=Onlooker(), stop=threading.Event())
    assert "run.timeout" not in {code for result in results.results for code in result.codes}
    assert lock_holder() == 0


def page_of(folder: Path, body: str) -> Runbook:
    """A page with this body, read."""
    return read(page(folder, "small", body, LIVE), CATALOG, documented())


def test_pages_on_one_server_take_turns(
    target: EmbeddedTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three pages with three lanes each still open no more than four sessions at once with the server they share."""
    for name in ("one", "two", "three"):
        many = "".join(
            sql_check(f"Check {number}", f"SELECT pg_sleep(0.001) WHERE {number} < 0") for number in range(24)
        )
        page(tmp_path, name, many, LIVE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMALL_DATABASE_URL", url_of(target))
    opened: list[int] = []
    allowed_at_once = threading.BoundedSemaphore(MOST_SESSIONS)

    def counting(endpoint: Endpoint, *, on_close: Callable[[], None], **options: Any) -> Session:
        assert allowed_at_once.acquire(blocking=False), "a fifth session"
        opened.append(1)

        def closed() -> None:
            allowed_at_once.release()
            on_close()

        return open_session(endpoint, on_close=closed, **options)

    monkeypatch.setattr("checks.targets.live.open_session", counting)
    assert pipeline.check(Selection(), Output(), environment="dev", env_file="", leave=Leave()) == 0
    assert len(opened) == 9
