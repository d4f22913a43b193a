"""What happens to a container in the middle of a run: the right code, in time, and nothing left over.

The command runs as a user runs it, and the fault is brought about on the engine, from outside.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from checks.targets.container_owner import sweep
from tests.command import BIN, ROOT, environment, heeds_interrupts, page
from tests.containers.docker import PATIENCE, await_container, client, containers_of

# The command, with as little room for data as its first argument says.
LIMITED = """
import sys
from checks.program import main
from checks.servers import Recipe
from checks.targets.container import ContainerServer
from checks.targets.container_box import Limits
limits = Limits(data=sys.argv.pop(1))
Recipe.start = lambda self: ContainerServer.start(self.image, settings=dict(self.settings), limits=limits)
main()
"""
FRONT = "server: {log_statement: all}\nmigrations: {tool: sql, path: migrations}\n"
LONG = "SELECT count(*) FROM (SELECT pg_sleep(0.01) FROM generate_series(1, 5000)) AS here_it_waits"
MARK = "here_it_waits"
# The sleep is first, so that the fault comes before the memory is asked for.
GREEDY = (
    f"WITH {MARK} AS MATERIALIZED (SELECT pg_sleep(1)) "
    f"SELECT 1 FROM {MARK}, generate_series(1, 1000000) n HAVING string_agg(repeat(n::text, 99), '') IS NULL"
)
LARGE = {
    "migration": "CREATE TABLE large AS SELECT repeat('x', 999) FROM generate_series(1, 99999)",
    "check": "SELECT 1 FROM (SELECT repeat('x', 999) || n FROM generate_series(1, 99999) n ORDER BY 1 OFFSET 1) AS m "
    "HAVING count(*) = 0",
}
MEMORY = (
    f"SELECT pg_sleep(1) AS {MARK}; "
    "CREATE TABLE large AS SELECT string_agg(repeat(n::text, 99), '') FROM generate_series(1, 1000000) n"
)
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


FAULTS: list[Fault] = [paused, killed, disconnected, removed]
CODES: dict[Fault, str] = {
    paused: "container.paused",
    killed: "container.died",
    disconnected: "container.disconnected",
    removed: "container.gone",
    short_of_memory: "container.out_of_memory",
}


class Command:
    """`pgrunbook verify --on container`, while it runs."""

    def __init__(self, folder: Path, image: str, data: str) -> None:
        self.folder = folder
        command = [sys.executable, "-c", LIMITED, data] if data else [str(BIN / "pgrunbook")]
        self.process = subprocess.Popen(
            [*command, "verify", "--on", "container", "--image", image],
            cwd=folder, env=environment({"PYTHONPATH": str(ROOT)}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, preexec_fn=heeds_interrupts,  # noqa: PLW1509 - it takes no lock
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

    def start(*, migration: str = "SELECT 1", check: str = "SELECT 1 WHERE false", data: str = "") -> Command:
        page(tmp_path, "busy", "```yaml check\nconnectivity: {}\n```\n\n" + PATIENT.format(check=check), FRONT)
        (tmp_path / "migrations").mkdir()
        (tmp_path / "migrations" / "V1__first.sql").write_text(f"{migration};\n")
        commands.append(Command(tmp_path, postgres_image, data))
        return commands[-1]

    yield start
    for command in commands:
        command.process.kill()
        command.process.communicate()
        with client() as engine:
            for left in containers_of(command.process.pid):
                engine.api.remove_container(left, force=True, v=True)


@pytest.mark.parametrize("fault", FAULTS)
def test_while_it_starts(verify: Callable[..., Command], fault: Fault) -> None:
    """A container that fails before its server answers: no check is asked, and each says why."""
    command = verify()
    command.suffers(fault, saying="")
    assert command.ends() == 3, command.said
    assert set(command.codes.values()) == {CODES[fault]}, command.said


@pytest.mark.parametrize("fault", [*FAULTS, short_of_memory])
def test_while_it_migrates(verify: Callable[..., Command], fault: Fault) -> None:
    """A container that fails while migrations run: that is the reason, and not a migration that fails."""
    command = verify(migration=MEMORY if fault is short_of_memory else LONG)
    command.suffers(fault, saying=MARK)
    assert command.ends() == 3, command.said
    assert set(command.codes.values()) == {CODES[fault]}, command.said


@pytest.mark.parametrize("phase", ["migration", "check"])
def test_no_room(verify: Callable[..., Command], phase: str) -> None:
    """What fills the memory that data is in, a migration or a sort: the server answers on, and what ails it is said."""
    command = verify(**{phase: LARGE[phase]}, data="64m")
    assert command.ends() == 3, command.said
    assert command.codes["nothing"] == "container.disk_full", command.said


@pytest.mark.parametrize("fault", [*FAULTS, short_of_memory])
def test_while_it_is_asked(verify: Callable[..., Command], fault: Fault) -> None:
    """A container that fails while checks are asked: those that were not answered say what became of it."""
    command = verify(check=GREEDY if fault is short_of_memory else LONG)
    command.suffers(fault, saying=MARK)
    assert command.ends() == 3, command.said
    assert command.codes["nothing"] == CODES[fault], command.said


@pytest.mark.parametrize(
    ("phase", "ending"), [("start", signal.SIGTERM), ("migration", signal.SIGINT), ("check", signal.SIGINT)]
)
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
