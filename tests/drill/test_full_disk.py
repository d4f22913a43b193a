"""A disk that is full while a backup is drilled: no verdict on the backup, and nothing left behind."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.backup.copy import Copy
from checks.backup.mentions import Mentions
from checks.drill.request import LIVE, Request
from checks.drilled import Rung
from checks.report.drills import NAME
from checks.result import Status
from checks.targets import runfolder
from checks.targets import server as servers
from checks.targets.embedded import EmbeddedTarget
from tests.backup.shop import Shop
from tests.backup.test_full_disk import SOLID
from tests.command import BIN, HOLDS, pgrunbook
from tests.command import page as write_page
from tests.disks import BALLAST, fill, small_disk
from tests.drill.tools import UNVOUCHED, Watcher, codes, drilled, page, step
from tests.ending import running, waits_for_lock
from tests.targets.embedding import only_as_root

pytestmark = only_as_root


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One of 6 MB, on which artifacts are kept while they are drilled."""
    with small_disk("6m") as folder:
        monkeypatch.setattr("checks.drill.drill.scratch", lambda: folder)
        yield folder


@pytest.fixture
def solid(target: EmbeddedTarget) -> Shop:
    """A database whose dump does not fit on that disk."""
    shop = Shop(target.server, target.database)
    shop.run(SOLID.format(7_000))
    return shop


def test_a_live_dump_that_outgrows_the_disk_is_no_verdict(solid: Shop, disk: Path, tmp_path: Path) -> None:
    """Half of it went into the copy by then, which is not looked at."""
    before = set(servers._running)
    request = Request(page(tmp_path), LIVE, "prod", solid.server.socket_endpoint(solid.database))
    found, _ = drilled(request)
    assert codes(found) == {"drill.no_space"}
    assert Status.FAILED not in {one.status for one in found.steps}
    assert str(disk) in step(found, Rung.ARTIFACT).reason
    assert (list(disk.iterdir()), set(servers._running) - before) == ([], set())


def test_a_disk_without_a_byte_is_no_verdict(solid: Shop, disk: Path, tmp_path: Path) -> None:
    """Not even the folder for the artifact can be had."""
    fill(disk)
    request = Request(page(tmp_path), LIVE, "prod", solid.server.socket_endpoint(solid.database))
    found, _ = drilled(request)
    assert codes(found) == {"drill.no_space"}
    assert [path.name for path in disk.iterdir()] == [BALLAST]


@pytest.fixture
def cramped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk on which the disposable server has its data: room for an empty one, and for a little more."""
    with small_disk("70m") as folder:
        monkeypatch.setattr(runfolder, "SHARED_MEMORY", folder)
        monkeypatch.setattr(runfolder, "ROOM", 2**20)
        monkeypatch.setattr("checks.drill.drill.room_for", lambda _: 2**20)
        monkeypatch.setattr("checks.drill.live.GROWTH", 0)
        yield folder


@pytest.mark.parametrize(("kind", "left"), [("custom", 4), ("directory", 4), ("plain", 4), ("custom", 10)])
def test_a_server_whose_disk_is_full_is_no_verdict(
    kind: str, left: int, solid: Shop, cramped: Path, tmp_path: Path
) -> None:
    """The client's errors are of the disk, and not of the backup; with a little more room, so are the describer's."""
    artifact = tmp_path / "solid"
    solid.dump(f"--format={kind}", f"--file={artifact}")
    before = set(servers._running)
    watcher = Watcher("restoring", lambda: fill(cramped, leave=left * 2**20))
    found, _ = drilled(Request(page(tmp_path), str(artifact), "prod"), watcher)
    assert codes(found) - UNVOUCHED == {"drill.no_space"}
    assert Status.FAILED not in {one.status for one in found.steps}
    assert [path.name for path in cramped.iterdir()] == [BALLAST]
    assert set(servers._running) == before


def test_a_server_whose_disk_is_full_while_a_live_dump_comes_is_no_verdict(
    solid: Shop, cramped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is what it did take of the dump looked at."""
    provide = Copy.provide

    def filled(copy: Copy, mentioned: Mentions) -> None:
        provide(copy, mentioned)
        if not (cramped / BALLAST).exists():
            fill(cramped, leave=4 * 2**20)

    monkeypatch.setattr(Copy, "provide", filled)
    request = Request(page(tmp_path), LIVE, "prod", solid.server.socket_endpoint(solid.database))
    found, _ = drilled(request)
    assert codes(found) == {"drill.no_space"}
    assert Status.FAILED not in {one.status for one in found.steps}
    assert [path.name for path in cramped.iterdir()] == [BALLAST]


def test_a_view_and_a_migration_that_find_no_room_are_no_verdict(
    target: EmbeddedTarget, cramped: Path, tmp_path: Path
) -> None:
    """What the copy's disk does not hold is no fault of the backup, nor of the checkout's migrations."""
    shop = Shop(target.server, target.database)
    shop.run("CREATE TABLE schema_migrations (version text PRIMARY KEY, checksum text)")
    shop.run("INSERT INTO schema_migrations VALUES ('001')")
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "001_first.sql").write_text("SELECT 1;\n")
    (tmp_path / "migrations" / "002_large.sql").write_text(SOLID.format(20_000) + ";\n")
    artifact = tmp_path / "shop.dump"
    shop.dump("--format=custom", f"--file={artifact}")
    runbook = page(tmp_path, "migrations: {tool: sql, path: migrations}\n")
    found, _ = drilled(
        Request(runbook, str(artifact), "prod"), Watcher("verifying", lambda: fill(cramped, leave=18 * 2**20))
    )
    pending = step(found, Rung.PENDING)
    assert (pending.status, pending.code) == (Status.ERRORED, "drill.no_space")
    assert Status.FAILED not in {one.status for one in found.steps}


@pytest.fixture
def project(tmp_path: Path, target: EmbeddedTarget) -> Path:
    """A page and one artifact of it."""
    shop = Shop(target.server, target.database)
    shop.run("CREATE TABLE t AS SELECT 1 AS a")
    write_page(tmp_path, "shop", HOLDS)
    shop.dump("--format=custom", f"--file={tmp_path / 'shop.dump'}")
    return tmp_path


def test_a_report_that_does_not_fit_could_not_tell(project: Path) -> None:
    """What was found is shown; 3 says that there is no evidence of it, and what could be written is whole."""
    with small_disk("12k") as folder:
        ended = pgrunbook("drill", "--from", "shop.dump", "--out", str(folder), folder=project)
        assert (ended.code, "Traceback" in ended.err) == (3, False)
        assert f"{folder}: the report does not fit: No space left on device" in ended.err
        assert "shop  HELD" in ended.out
        assert {path.name for path in folder.iterdir()} <= {NAME, "index.md"}


def test_a_history_that_is_full_keeps_every_line_whole(project: Path) -> None:
    """The line of this drill is not in it, nor is half of it, and what stood there before stays."""
    with small_disk("1m") as folder:
        before = (json.dumps({"kind": "pgrunbook drill", "runbook": "other", "environment": "", "filler": "x" * 3800})
                  + "\n").encode()  # fmt: skip
        (folder / NAME).write_bytes(before)
        command = [str(BIN / "pgrunbook"), "drill", "--from", "shop.dump", "--out", str(folder)]
        with running(command, project, {}) as one:
            with (folder / NAME).open("rb") as history:
                fcntl.flock(history, fcntl.LOCK_EX)  # the drill waits for it when its report has been written
                one.until(lambda one: waits_for_lock(one.process.pid, folder / NAME))
                fill(folder)
            _, said = one.process.communicate(timeout=30)
        assert (one.process.returncode, "Traceback" in said) == (3, False)
        assert f"{folder}: the report does not fit: No space left on device" in said
        assert (folder / NAME).read_bytes() == before
