"""Drills that are stopped, killed, or lose a server: no verdict, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import BinaryIO

import psycopg
import pytest

from checks.backup.contents import Contents
from checks.backup.dumping import Dump
from checks.backup.staging import PREFIX, SUFFIX, sweep
from checks.backup.written import pieces
from checks.drill.halting import GLANCE
from checks.drill.request import LIVE, Request
from checks.result import Status
from checks.targets import runfolder
from checks.targets import server as servers
from checks.targets.account import server_account
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.backup.shop import Shop
from tests.command import ROOT, environment
from tests.drill.tools import TABLES, Watcher, codes, drilled, page
from tests.majors import start
from tests.targets.embedding import is_alive

STAGES = ("dumping", "acquiring", "restoring", "verifying", "asking")
# Restoring this takes until somebody ends it.
ENDLESS = """--
-- PostgreSQL database dump
--

CREATE TABLE public.t (a integer);
COPY public.t (a) FROM stdin;
1
\\.
SELECT pg_sleep(600);
--
-- PostgreSQL database dump complete
--
"""


@pytest.fixture(scope="module")
def source(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A server that tests may kill: it is started again by whoever finds it gone."""
    server = start(binaries)
    server.create_database("shop")
    Shop(server, "shop").run(TABLES)
    yield server
    server.stop()


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where drills keep their artifacts, looked at afterwards."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("checks.drill.drill.scratch", lambda: folder)
    return folder


def left(scratch: Path, before: set[servers.Server]) -> tuple[list[Path], list[servers.Server]]:
    """Folders of artifacts, and servers that still run."""
    return sorted(scratch.iterdir()), [one for one in servers._running if one not in before]


BODY = "## One\n\n```sql check\nSELECT 1 WHERE false\n```\n"


def request_of(stage: str, source: EmbeddedServer, folder: Path) -> Request:
    """A drill that has this stage."""
    runbook = page(folder, body=BODY)
    if stage == "dumping":
        return Request(runbook, LIVE, "prod", source.socket_endpoint("shop"))
    artifact = folder / "shop.dump"
    Shop(source, "shop").dump("--format=custom", f"--file={artifact}")
    return Request(runbook, str(artifact), "prod")


@pytest.mark.parametrize("stage", STAGES)
def test_whoever_stops_a_drill_finds_nothing_left(
    stage: str, source: EmbeddedServer, scratch: Path, tmp_path: Path
) -> None:
    """In whichever stage, as Ctrl-C and SIGTERM do it."""
    stop, before = threading.Event(), set(servers._running)
    _, results = drilled(request_of(stage, source, tmp_path), Watcher(stage, stop.set), stop)
    assert results.interrupted
    assert left(scratch, before) == ([], [])


def test_a_stop_before_the_source_is_connected_ends_what_begins_after_it(
    source: EmbeddedServer, scratch: Path, tmp_path: Path
) -> None:
    """Connecting may take long, and there is nothing to end by then; the dump does not go on for hours for that."""
    stop, before = threading.Event(), set(servers._running)

    def stopping() -> None:
        stop.set()
        time.sleep(5 * GLANCE)  # whoever ends things has looked by then

    found, results = drilled(request_of("dumping", source, tmp_path), Watcher("dumping", stopping), stop)
    assert results.interrupted
    assert Status.PASSED not in {one.status for one in found.steps}
    assert left(scratch, before) == ([], [])


def test_a_stop_between_two_pieces_of_a_dump_is_no_bug_of_ours(
    source: EmbeddedServer, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the dump finds its end where another thread has ended pg_dump, and no closed file."""
    stop, ended, before = threading.Event(), threading.Event(), set(servers._running)
    end = Dump.end

    def ending(dump: Dump) -> None:
        end(dump)
        ended.set()

    def stopping(dump: BinaryIO, beside: Future[Contents] | None = None) -> Iterator[bytes]:
        for piece in pieces(dump, beside):
            stop.set()
            assert ended.wait(30)
            yield piece

    monkeypatch.setattr(Dump, "end", ending)
    monkeypatch.setattr("checks.backup.written.pieces", stopping)
    _, results = drilled(request_of("dumping", source, tmp_path), stop=stop)
    assert results.interrupted
    assert left(scratch, before) == ([], [])


def test_a_restore_that_hangs_is_ended_by_a_stop(scratch: Path, tmp_path: Path) -> None:
    """Without waiting for the server, or for its limit."""
    artifact = tmp_path / "endless.sql"
    artifact.write_text(ENDLESS)
    stop, before = threading.Event(), set(servers._running)
    watcher = Watcher("restoring", lambda: threading.Thread(target=_when_it_sleeps, args=(before, stop.set)).start())
    found, results = drilled(Request(page(tmp_path), str(artifact), "prod"), watcher, stop)
    assert results.interrupted
    assert "drill.restored" not in {finding.code for one in found.steps for finding in one.findings}
    assert left(scratch, before) == ([], [])


def test_a_disposable_server_that_is_killed_is_no_verdict(scratch: Path, tmp_path: Path) -> None:
    """On the backup; and nothing of it stays."""
    artifact = tmp_path / "endless.sql"
    artifact.write_text(ENDLESS)
    before = set(servers._running)

    def kill() -> None:
        [copy] = set(servers._running) - before
        os.kill(copy.process_id, signal.SIGKILL)

    watcher = Watcher("restoring", lambda: threading.Thread(target=_when_it_sleeps, args=(before, kill)).start())
    found, _ = drilled(Request(page(tmp_path), str(artifact), "prod"), watcher)
    assert "drill.copy_lost" in codes(found)
    assert Status.FAILED not in {one.status for one in found.steps}
    assert left(scratch, before) == ([], [])


@pytest.mark.parametrize("how", ["verifying", "asking"])
def test_a_copy_that_is_lost_while_it_is_looked_at_is_no_verdict(
    how: str, source: EmbeddedServer, scratch: Path, tmp_path: Path
) -> None:
    """Every rung that was not climbed says why."""
    before = set(servers._running)

    def kill() -> None:
        [copy] = set(servers._running) - before
        os.kill(copy.process_id, signal.SIGQUIT)
        copy._postmaster.process.wait()  # type: ignore[union-attr]  # it runs

    found, results = drilled(request_of(how, source, tmp_path), Watcher(how, kill))
    assert Status.FAILED not in {one.status for one in found.steps}
    errored = {one.status for one in found.steps} | {one.status for one in results.results}
    assert Status.ERRORED in errored
    assert left(scratch, before) == ([], [])


# A server plans a view's query when it is asked for no row of it, and works out what never changes.
SLOW_VIEW = (
    "CREATE FUNCTION slow() RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT pg_sleep(50)::text';"
    "CREATE VIEW slow_view AS SELECT slow()"
)


@pytest.mark.parametrize("while_", ["a view is planned", "a migration is applied"])
def test_a_copy_that_is_lost_in_the_middle_of_a_rung_is_no_verdict(
    while_: str, source: EmbeddedServer, scratch: Path, tmp_path: Path
) -> None:
    """A view that could not be read for want of a server is not unreadable, nor is a migration broken."""
    shop, front = Shop(source, "shop"), ""
    if while_ == "a migration is applied":
        made = "CREATE TABLE schema_migrations AS SELECT '001' AS version, ''::text AS checksum"
        (tmp_path / "migrations").mkdir()
        (tmp_path / "migrations" / "001_first.sql").write_text("SELECT 1;\n")
        (tmp_path / "migrations" / "002_slow.sql").write_text("SELECT pg_sleep(50);\n")
        front = "migrations: {tool: sql, path: migrations}\n"
    else:
        made = SLOW_VIEW
    before = set(servers._running)

    def kill() -> None:
        [copy] = set(servers._running) - before
        os.kill(copy.process_id, signal.SIGKILL)

    with shop.changed(made) as changed:
        changed.dump("--format=custom", f"--file={tmp_path / 'shop.dump'}")
    watcher = Watcher("verifying", lambda: threading.Thread(target=_when_it_sleeps, args=(before, kill)).start())
    found, _ = drilled(Request(page(tmp_path, front), str(tmp_path / "shop.dump"), "prod"), watcher)
    assert Status.FAILED not in {one.status for one in found.steps}
    assert "drill.copy_lost" in codes(found)
    assert left(scratch, before) == ([], [])


def test_a_source_that_is_killed_is_no_verdict(binaries: Binaries, scratch: Path, tmp_path: Path) -> None:
    """The dump is given up, and not restored as if it were whole."""
    victim = start(binaries)
    try:
        victim.create_database("shop")
        Shop(victim, "shop").run(TABLES)
        before = set(servers._running)
        request = Request(page(tmp_path), LIVE, "prod", victim.socket_endpoint("shop"))

        def kill() -> None:
            os.kill(victim.process_id, signal.SIGQUIT)
            victim._postmaster.process.wait()  # type: ignore[union-attr]  # it runs

        found, _ = drilled(request, Watcher("dumping", kill))
        assert {code for code in codes(found) if code.startswith("connectivity.")}
        assert left(scratch, before) == ([], [])
    finally:
        victim.stop()


KILLED = """
import os, signal, sys, threading
from pathlib import Path
from checks.drill import drill as module
from checks.drill.request import Request
from checks.targets import server as servers
from tests.drill.tools import Watcher, page

def die():
    for one in servers._running:
        print(one.folder.path, one.process_id)
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
module.scratch = lambda: folder / "scratch"
module.drill(Request(page(folder), str(folder / "shop.dump"), "prod"), Watcher(sys.argv[2], die), threading.Event())
"""


@pytest.mark.parametrize("stage", ["acquiring", "restoring", "verifying"])
def test_what_a_killed_drill_leaves_the_next_one_sweeps(
    stage: str, source: EmbeddedServer, scratch: Path, tmp_path: Path
) -> None:
    """Its server and its folders, and nobody else's."""
    Shop(source, "shop").dump("--format=custom", f"--file={tmp_path / 'shop.dump'}")
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), stage]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    runs = [line.split() for line in done.stdout.splitlines()]
    assert len(runs) == (stage != "acquiring")
    assert [path for path in scratch.iterdir() if path.name.startswith(PREFIX) and path.name.endswith(SUFFIX)]
    for root in runfolder.roots(server_account()):
        runfolder.sweep(root)
    sweep(scratch)
    assert not list(scratch.iterdir())
    for folder, number in runs:
        assert not Path(folder).exists()
        assert not is_alive(int(number))


def test_a_machine_without_room_could_not_tell(
    source: EmbeddedServer, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before anything is restored."""
    monkeypatch.setattr("checks.drill.drill.room_for", lambda _: 2**60)
    before = set(servers._running)
    found, _ = drilled(request_of("restoring", source, tmp_path))
    assert codes(found) - {"drill.artifact_unproven"} == {"run.no_target"}
    assert left(scratch, before) == ([], [])


def _when_it_sleeps(before: set[servers.Server], do: Callable[[], None]) -> None:
    """Wait until the restore of ENDLESS is at its sleep, then do it."""
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while not (new := set(servers._running) - before):
        pass
    [copy] = new
    with psycopg.connect(
        host=str(copy.folder.socket), port=copy.port, user=copy.superuser, dbname="postgres", autocommit=True
    ) as connection:
        while connection.execute(sleeping).fetchone() == (0,):
            pass
    do()
