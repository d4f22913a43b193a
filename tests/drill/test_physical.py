"""A drill to a point in time from its command line: rehearsed, of files, and refused where it makes no sense."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from checks.catalog import CATALOG
from checks.catalog.codes import documented
from checks.drill import pitr_rehearsal
from checks.drill.physical import drill_to_point
from checks.drill.recovery import Point
from checks.drill.request import Request
from checks.drill.to_point import Files, ToPoint
from checks.result import Status
from checks.runbook.reader import read
from checks.targets import server as servers_here
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget, start_target
from checks.targets.url_forms import sqlalchemy_url
from tests.command import ROOT, run
from tests.systems.tools import Unwatched

PAGE = """---
runbook: shop
title: The shop's PostgreSQL
environments: {prod: {url: "${SHOP_DATABASE_URL}"}}
---
# Shop

```yaml check
drill: {every: 90d, rto: 10min, rpo: 1h, marker: SELECT placed FROM orders}
```

### Every order has a time

```sql check
SELECT id FROM orders WHERE placed IS NULL
```

### The point is out of reach <!-- fixes: drill.pitr_not_reached -->

Ask the archive's keeper for the segments of that hour.
"""
ORDERS = """
    CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, placed timestamptz);
    INSERT INTO orders (placed) SELECT now() FROM generate_series(1, 100);
"""


@contextmanager
def files_of_a_shop(folder: Path) -> Iterator[tuple[Path, Path, str]]:
    """A base backup, an archive, and a time after which one more order was placed, of a server that is gone."""
    with pitr_rehearsal.archive_folder() as kept:
        target: EmbeddedTarget = start_target(settings=pitr_rehearsal.archiving(kept), database="shop")
        server: EmbeddedServer = target.server
        try:
            with server.connect("shop") as connection:
                connection.execute(ORDERS.encode())
                pitr_rehearsal.take_base_backup(server, folder / "base")
                connection.execute("INSERT INTO orders (placed) VALUES (now())")
                row = connection.execute("SELECT clock_timestamp()").fetchone()
                connection.execute("SELECT pg_create_restore_point('before_the_mistake')")
                connection.execute("INSERT INTO orders (placed) VALUES (now())")
            pitr_rehearsal.archive_all(server)
            shutil.copytree(kept / "wal", folder / "wal")
        finally:
            target.close()
    assert row is not None
    yield folder / "base", folder / "wal", row[0].isoformat()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, Path, str]]:
    """The page, and the files of its database."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "runbooks").mkdir()
    page = folder / "runbooks" / "shop.md"
    page.write_text(PAGE, encoding="utf-8")
    with files_of_a_shop(folder) as (base, wal, time):
        yield page, base, wal, time


def drilled(page: Path, out: Path, *flags: str) -> tuple[int, dict[str, Any], str]:
    """`drill --pitr` of the page: the exit code, the report, and what it wrote to the terminal."""
    ended = run(["./inv", "drill", "--pitr", "--runbook", str(page), "--out", str(out), *flags], ROOT, {})
    reports = sorted(out.glob("*.json"))
    report = json.loads(reports[-1].read_text(encoding="utf-8")) if reports else {}
    return ended.code, report, ended.out + ended.err


def statuses(report: dict[str, Any]) -> dict[str, str]:
    """The rungs' statuses by name."""
    return {rung["name"].removeprefix("drill: "): rung["status"] for rung in report["drill"]["ladder"]}


@pytest.mark.parametrize("by", ["--to-time", "--restore-point"])
def test_files_are_recovered_and_the_page_is_asked_of_them(
    shop: tuple[Path, Path, Path, str], tmp_path: Path, by: str
) -> None:
    """Both sides are proven by the page's marker, times are measured, and the drill stands in the history."""
    page, base, wal, time = shop
    point = time if by == "--to-time" else "before_the_mistake"
    code, report, said = drilled(page, tmp_path, "--env", "prod", "--from", str(base), "--wal", str(wal), by, point)
    assert code == 0, said
    assert statuses(report)["boundary"] == "passed"
    [_, marked] = report["drill"]["ladder"][2]["findings"]
    assert marked["observed"] == "101 before, 0 after"
    assert {check["name"]: check["status"] for check in report["checks"]}["Every order has a time"] == "passed"
    assert report["drill"]["rto_verified"] > report["drill"]["rto_usable"] > 0
    assert [one["within"] for one in report["drill"]["measures"]] == [True, True, True]
    [line] = (tmp_path / "drills.jsonl").read_text(encoding="utf-8").splitlines()
    assert (json.loads(line)["environment"], json.loads(line)["physical"]) == ("prod", True)


def test_a_point_out_of_reach_fails_with_the_pages_own_words(
    shop: tuple[Path, Path, Path, str], tmp_path: Path
) -> None:
    """The exit code is 1, the rungs above are not climbed, and the page says what to do."""
    page, base, wal, _ = shop
    code, report, said = drilled(page, tmp_path, "--from", str(base), "--wal", str(wal), "--to-time", "2099-01-01")
    assert code == 1, said
    assert (statuses(report)["restored"], statuses(report)["integrity"]) == ("failed", "skipped")
    assert "Ask the archive's keeper" in said
    assert report["run"]["verdict"] == "failed"


def test_a_rehearsal_makes_its_own_files(tmp_path: Path) -> None:
    """Base backup, archive and both markers, of the page's migrations and fixtures; no environment has it."""
    code, report, said = drilled(ROOT / "runbooks" / "teller.md", tmp_path)
    assert code == 0, said
    assert statuses(report)["boundary"] == "passed"
    assert report["drill"]["ladder"][2]["findings"][1]["observed"] == "1 before, 0 after"
    assert report["run"]["environment"] == ""
    assert "rehearsal" in report["drill"]["origin"]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--from", "live", "--env", "prod"], "--from live is a database"),
        (["--from", "/nowhere"], "needs the archive by --wal"),
        (["--from", "/nowhere", "--wal", "/nowhere", "--to-time", "now"], "this is no time"),
        (["--from", "/nowhere", "--wal", "/nowhere", "--to-time", "2026-01-01"], "this is no base backup"),
        (["--from", "/n", "--wal", "/n", "--to-time", "2026-01-01", "--restore-point", "x"], "one of --to-time"),
        (["--wal", "/nowhere"], "--wal: without --from PATH"),
    ],
)
def test_flags_that_make_no_sense_are_refused(
    shop: tuple[Path, Path, Path, str], tmp_path: Path, flags: list[str], told: str
) -> None:
    """Before anything is copied or started, with exit code 2 and an example."""
    code, report, said = drilled(shop[0], tmp_path, *flags)
    assert (code, report) == (2, {}), said
    assert told in said


def test_only_a_drill_to_a_point_takes_a_point(shop: tuple[Path, Path, Path, str]) -> None:
    """Else a time would be ignored, and whoever typed it believe that it was kept to."""
    ended = run(["./inv", "drill", "--runbook", str(shop[0]), "--to-time", "2026-01-01"], ROOT, {})
    assert (ended.code, "add --pitr" in ended.err) == (2, True)


def test_an_interrupted_drill_leaves_nothing_running(shop: tuple[Path, Path, Path, str], tmp_path: Path) -> None:
    """Stopped while it recovers: no verdict, no server, and no drill that held in the history."""
    page, base, wal, _ = shop
    request = Request(read(page, CATALOG, documented()), str(base))
    stop, servers = threading.Event(), set(servers_here._running)

    class Impatient(Unwatched):
        def stage(self, sentence: str) -> None:
            if sentence.startswith("recovering"):
                stop.set()

    files = Files(base, wal, Point(name="before_the_mistake"))
    drill, results = drill_to_point(request, ToPoint(files), Impatient(), stop)
    assert results.interrupted
    assert Status.ERRORED in {step.status for step in drill.steps}
    assert not any(step.status is Status.FAILED for step in drill.steps)
    assert servers_here._running == servers


def test_check_knows_when_the_last_drill_was(
    shop: tuple[Path, Path, Path, str], tmp_path: Path, server: EmbeddedServer
) -> None:
    """Never drilled fails; drilled holds; and a drill of no environment is none of prod's."""
    page, base, wal, time = shop
    variables = {"SHOP_DATABASE_URL": sqlalchemy_url(server.endpoint())}
    asked = ["./inv", "check", "--runbook", str(page), "--env", "prod", "--only", "drill", "--out", str(tmp_path)]
    never = run(asked, ROOT, variables)
    assert (never.code, "drill.never" in never.out) == (1, True), never
    files = ["--from", str(base), "--wal", str(wal), "--to-time", time]
    assert drilled(page, tmp_path, *files)[0] == 0
    assert run(asked, ROOT, variables).code == 1
    assert drilled(page, tmp_path, *files, "--env", "prod")[0] == 0
    recent = run(asked, ROOT, variables)
    assert (recent.code, "The last good drill, of base on" in recent.out) == (0, True), recent
