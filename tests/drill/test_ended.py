"""`pgrunbook drill`, ended by each signal in each of its phases: no verdict, nothing running, nothing left, and the
source as it was."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from checks.backup import staging
from checks.report.drills import NAME
from checks.targets import client, runfolder
from checks.targets.embedded import EmbeddedTarget
from checks.targets.url_forms import sqlalchemy_url
from tests.backup.shop import Shop
from tests.backup.test_cut import cut_off, digest_of
from tests.backup.test_full_disk import SOLID
from tests.command import BIN, HOLDS, page, sql_check
from tests.drill.test_interrupted import ENDLESS, SLOW_VIEW
from tests.drill.tools import TABLES
from tests.ending import Child, Running, gone, in_copy, run_folders, running, waits_for_lock

FRONT = 'environments: {dev: {url: "${DEV}"}}\n'


@dataclass
class Phase:
    """How a drill comes to be in it: its arguments and variables, and how it is told that it is there."""

    arguments: tuple[str, ...]
    reached: Callable[[Running], bool]
    variables: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def acquiring(target: EmbeddedTarget, folder: Path) -> Iterator[Phase]:
    """A bucket that takes the question and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        asked: list[socket.socket] = []

        def reached(_: Running) -> bool:
            try:
                asked.append(silent.accept()[0])
            except BlockingIOError:
                return False
            return True

        known = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}", "AWS_ACCESS_KEY_ID": "testing",
                 "AWS_SECRET_ACCESS_KEY": "swordfish9", "AWS_REGION": "us-east-1"}  # fmt: skip
        yield Phase(("--from", "s3://backups/shop.dump"), reached, known)
        for one in asked:
            one.close()


@contextmanager
def reading(target: EmbeddedTarget, folder: Path) -> Iterator[Phase]:
    """An artifact of which there is much to hash: a hole of a terabyte behind it."""
    arguments = _dumped(target, folder)
    os.truncate(folder / "shop.dump", 2**40)
    yield Phase(arguments, lambda one: _reads(one, folder / "shop.dump"))


@contextmanager
def restoring(target: EmbeddedTarget, folder: Path) -> Iterator[Phase]:
    """A dump that takes until somebody ends it."""
    (folder / "shop.sql").write_text(ENDLESS)
    yield Phase(("--from", "shop.sql"), in_copy)


@contextmanager
def verifying(target: EmbeddedTarget, folder: Path) -> Iterator[Phase]:
    """A view that takes as long to plan."""
    Shop(target.server, target.database).run(SLOW_VIEW)
    yield Phase(_dumped(target, folder), in_copy)


@contextmanager
def asking(target: EmbeddedTarget, folder: Path) -> Iterator[Phase]:
    """A check of the page that does."""
    page(folder, "shop", sql_check("Sleeps", "SELECT pg_sleep(50) WHERE true"), FRONT)
    yield Phase(_dumped(target, folder), in_copy)


@contextmanager
def reporting(target: EmbeddedTarget, folder: Path) -> Iterator[Phase]:
    """Another drill writes into the history just now."""
    (folder / "reports").mkdir()
    path = folder / "reports" / NAME
    path.write_text(json.dumps({"kind": "pgrunbook drill", "runbook": "other", "verdict": "other"}) + "\n")
    with path.open("rb") as history:
        fcntl.flock(history, fcntl.LOCK_EX)
        yield Phase(_dumped(target, folder), lambda one: waits_for_lock(one.process.pid, path))


@contextmanager
def locking(target: EmbeddedTarget, folder: Path) -> Iterator[Phase]:
    """Somebody holds a table of the live database."""
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with target.server.connect(target.database) as holder, target.server.connect() as looks:
        holder.autocommit = False
        holder.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        live = {"DEV": _url(target)}
        yield Phase(("--env", "dev", "--from", "live"), lambda _: looks.execute(waits).fetchone() != (0,), live)
        holder.rollback()


@contextmanager
def dumping(target: EmbeddedTarget, folder: Path) -> Iterator[Phase]:
    """The line to the live database has fallen silent."""
    Shop(target.server, target.database).run(SOLID.format(2_000))
    with cut_off(target, "silent") as (endpoint, fuse):
        live = {"DEV": sqlalchemy_url(endpoint).replace("+psycopg", "")}
        yield Phase(("--env", "dev", "--from", "live"), lambda _: fuse.passed > 2**20, live)


Entering = Callable[[EmbeddedTarget, Path], AbstractContextManager[Phase]]
PHASES: tuple[Entering, ...] = (acquiring, reading, restoring, verifying, asking, reporting, locking, dumping)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A page, and a folder for temporary files."""
    page(tmp_path, "shop", HOLDS, FRONT)
    (tmp_path / "tmp").mkdir()
    return tmp_path


@pytest.fixture
def shop(target: EmbeddedTarget) -> EmbeddedTarget:
    """A database with some rows."""
    Shop(target.server, target.database).run(TABLES)
    return target


@contextmanager
def in_phase(phase: Entering, shop: EmbeddedTarget, project: Path) -> Iterator[Running]:
    """The command, once it is in a phase; afterwards the database is as it was, and no session of ours is on it."""
    with ExitStack() as stack:
        before = digest_of(shop) if phase is locking else None
        told = stack.enter_context(phase(shop, project))
        before = before or digest_of(shop)
        variables = {"DEV": _url(shop), "TMPDIR": str(project / "tmp"), **told.variables}
        command = [str(BIN / "pgrunbook"), "drill", "--runbook", "shop", *told.arguments]
        one = stack.enter_context(running(command, project, variables))
        one.until(told.reached)
        yield one
    assert digest_of(shop) == before


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
@pytest.mark.parametrize("phase", PHASES, ids=lambda one: one.__name__)
def test_a_drill_that_is_ended_leaves_nothing(
    phase: Entering, ending: signal.Signals, shop: EmbeddedTarget, project: Path
) -> None:
    """130, without a traceback, and every line of the history is whole."""
    with in_phase(phase, shop, project) as one:
        code, said, ran = one.end(ending)
        assert (code, "Traceback" in said) == (130, False), said
        assert gone(ran)
        assert [folder for folder in run_folders(ran) if folder.exists()] == []
        assert list((project / "tmp").iterdir()) == []
    assert _verdicts(project) <= {"other", "interrupted"}


@pytest.mark.parametrize("phase", PHASES, ids=lambda one: one.__name__)
def test_what_a_killed_drill_leaves_is_swept(phase: Entering, shop: EmbeddedTarget, project: Path) -> None:
    """By whoever looks into the same folders next: its server, what it fetched or dumped, and its password."""
    with in_phase(phase, shop, project) as one:
        code, _, ran = one.end(signal.SIGKILL)
        assert code == -signal.SIGKILL
        _sweep(project / "tmp", ran)
        assert [folder for folder in run_folders(ran) if folder.exists()] == []
        assert list((project / "tmp").iterdir()) == []
    assert gone(ran)
    assert _verdicts(project) <= {"other"}


def _url(target: EmbeddedTarget) -> str:
    return sqlalchemy_url(target.endpoint).replace("+psycopg", "")


def _dumped(target: EmbeddedTarget, folder: Path) -> tuple[str, ...]:
    Shop(target.server, target.database).dump("--format=custom", f"--file={folder / 'shop.dump'}")
    return ("--from", "shop.dump")


def _reads(one: Running, artifact: Path) -> bool:
    """Whether it is some way into the artifact."""
    for handle in Path(f"/proc/{one.process.pid}/fd").iterdir():
        try:
            about = Path(f"/proc/{one.process.pid}/fdinfo/{handle.name}").read_text()
            if handle.readlink() == artifact and int(about.split()[1]) > 2**24:
                return True
        except FileNotFoundError:
            continue
    return False


def _sweep(temporary: Path, ran: Sequence[Child]) -> None:
    """What the next run does first. A password file is left alone in its first minute, which has passed here."""
    for root in {folder.parent for folder in run_folders(ran)}:
        runfolder.sweep(root)
    staging.sweep(temporary)
    for path in temporary.glob("*.pgpass"):
        os.utime(path, (0, 0))
    client.sweep(temporary)


def _verdicts(project: Path) -> set[str]:
    """What the history says, each line of which can be read."""
    path = project / "reports" / NAME
    lines = path.read_text().splitlines() if path.exists() else []
    return {json.loads(line)["verdict"] for line in lines}
