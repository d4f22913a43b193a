"""What happens to a container in the middle of a run: the right code, in time, and nothing left over.

The command runs as a user runs it, and the fault is brought about on the engine, from outside.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from checks.migrations.apply import rehearse
from checks.runbook.model import Migrations
from checks.targets.container import ContainerServer
from checks.targets.container_box import Limits
from checks.targets.container_owner import sweep
from tests.command import BIN, environment, page
from tests.containers.docker import PATIENCE, await_container, client, containers_of

FRONT = "server: {log_statement: all}\nmigrations: {tool: sql, path: migrations}\n"
LONG = "SELECT count(*) FROM (SELECT pg_sleep(0.01) FROM generate_series(1, 5000)) AS here_it_waits"
MARK = "here_it_waits"
MEMORY = "CREATE TABLE large AS SELECT string_agg(repeat(n::text, 99), '') FROM generate_series(1, 1000000) n"
# The check has more time than the fault may take to come.
PATIENT = """```yaml check
query:
  name: nothing
  sql: {check}
  timeout: 60s
```
"""
pytestmark = pytest.mark.timeout(180)
Fault = Callable[[Any, Any], None]


def paused(container: Any, engine: Any) -> None:
    """Stopped where it is, with every connection open."""
    container.pause()


def killed(container: Any, engine: Any) -> None:
    """Its first process ends, and the rest with it."""
    container.kill()


def removed(container: Any, engine: Any) -> None:
    """Cleaned away by somebody."""
    container.remove(force=True, v=True)


def disconnected(container: Any, engine: Any) -> None:
    """Cut off from its network."""
    engine.networks.get("bridge").disconnect(container, force=True)


def short_of_memory(container: Any, engine: Any) -> None:
    """Allowed little more than it has."""
    container.update(mem_limit="200m", memswap_limit="200m")


class Command:
    """`pgrunbook verify --on container`, while it runs."""

    def __init__(self, folder: Path, image: str) -> None:
        self.folder = folder
        command = [str(BIN / "pgrunbook"), "verify", "--on", "container", "--image", image]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def suffers(self, fault: Fault, *, saying: str) -> None:
        """Bring `fault` about once its container runs and its log says this."""
        with client() as engine:
            fault(engine.containers.get(await_container(self.process.pid, saying=saying)), engine)

    def ends(self) -> int:
        """The exit code. Nothing of its containers is left."""
        self.said = self.process.communicate(timeout=PATIENCE)[0]
        assert containers_of(self.process.pid) == []
        return self.process.returncode

    @property
    def codes(self) -> dict[str, str]:
        """The code of each check that has no verdict, by its name, as the report has them."""
        [report] = self.folder.glob("reports/*.json")
        results = json.loads(report.read_text())["checks"]
        return {one["name"]: one["code"] for one in results if one["status"] == "errored"}


@pytest.fixture
def verify(postgres_image: str, tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Start the command on a page that is busy in one of its phases."""
    commands: list[Command] = []

    def start(*, migration: str = "SELECT 1", check: str = "SELECT 1 WHERE false") -> Command:
        page(tmp_path, "busy", "```yaml check\nconnectivity: {}\n```\n\n" + PATIENT.format(check=check), FRONT)
        (tmp_path / "migrations").mkdir()
        (tmp_path / "migrations" / "V1__first.sql").write_text(f"{migration};\n")
        commands.append(Command(tmp_path, postgres_image))
        return commands[-1]

    yield start
    for command in commands:
        command.process.kill()
        command.process.communicate()
        with client() as engine:
            for left in containers_of(command.process.pid):
                engine.api.remove_container(left, force=True, v=True)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (paused, "container.paused"),
        (killed, "container.died"),
        (disconnected, "container.disconnected"),
        (removed, "container.gone"),
    ],
)
def test_while_it_starts(verify: Callable[..., Command], fault: Fault, code: str) -> None:
    """A container that fails before its server answers: no check is asked, and each says why."""
    command = verify()
    command.suffers(fault, saying="")
    assert command.ends() == 3, command.said
    assert set(command.codes.values()) == {code}, command.said


@pytest.mark.parametrize(
    ("fault", "migration", "code"),
    [
        (paused, LONG, "container.paused"),
        (killed, LONG, "container.died"),
        (disconnected, LONG, "container.disconnected"),
        (removed, LONG, "container.gone"),
        (short_of_memory, f"SELECT pg_sleep(1) AS {MARK}; {MEMORY}", "container.out_of_memory"),
    ],
)
def test_while_it_migrates(verify: Callable[..., Command], fault: Fault, migration: str, code: str) -> None:
    """A container that fails while migrations run: that is the reason, and not a migration that fails."""
    command = verify(migration=migration)
    command.suffers(fault, saying=MARK)
    assert command.ends() == 3, command.said
    assert set(command.codes.values()) == {code}, command.said


def test_no_room_while_it_migrates(postgres_image: str, tmp_path: Path) -> None:
    """A migration that fills the memory its data is in: the server answers on, and what ails it is known."""
    (tmp_path / "V1__large.sql").write_text(
        "CREATE TABLE large AS SELECT repeat('x', 999) FROM generate_series(1, 99999);"
    )
    server = ContainerServer.start(postgres_image, limits=Limits(data="64m"))
    try:
        target = server.create_target("filled")
        rehearsal = rehearse(Migrations(tool="sql", path="."), tmp_path, target)
        assert "No space left on device" in rehearsal.failure
        assert target.ailment is not None
        assert target.ailment.code == "container.disk_full"
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (paused, "container.paused"),
        (killed, "container.died"),
        (disconnected, "container.disconnected"),
        (removed, "container.gone"),
    ],
)
def test_while_it_is_asked(verify: Callable[..., Command], fault: Fault, code: str) -> None:
    """A container that fails while checks are asked: those that were not answered say what became of it."""
    command = verify(check=LONG)
    command.suffers(fault, saying=MARK)
    assert command.ends() == 3, command.said
    assert command.codes["nothing"] == code, command.said


@pytest.mark.parametrize("phase", ["start", "migration", "check"])
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(verify: Callable[..., Command], phase: str, ending: signal.Signals) -> None:
    """Ctrl-C, and what CI ends a job with, remove the container in whatever phase they come."""
    command = verify(**({} if phase == "start" else {phase: LONG}))
    await_container(command.process.pid, saying="" if phase == "start" else MARK)
    command.process.send_signal(ending)
    assert command.ends() == 130, command.said


def test_what_a_killed_run_leaves_the_next_one_removes(verify: Callable[..., Command]) -> None:
    """Nobody can tidy up after SIGKILL but the next run, which leaves containers of living runs alone."""
    command = verify(check=LONG)
    with client() as engine:
        left = engine.containers.get(await_container(command.process.pid, saying=MARK))
        assert left.name not in sweep(engine)
        command.process.kill()
        command.process.wait()
        with until(PATIENCE) as again:
            while left.id in containers_of(command.process.pid):
                sweep(engine)
                again()
    assert containers_of(command.process.pid) == []


@contextmanager
def until(patience: float) -> Iterator[Callable[[], None]]:
    """Another run may be sweeping the same container: give it this many seconds."""
    give_up = time.monotonic() + patience

    def again() -> None:
        assert time.monotonic() < give_up
        time.sleep(0.02)

    yield again
