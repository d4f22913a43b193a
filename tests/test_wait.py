"""Waiting: a server that comes up late is asked when it is there, and one that does not is diagnosed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.live import LiveTarget
from checks.wait import Wait, wait_for
from tests.command import BIN, HOLDS, environment, heeds_interrupts, page, pgrunbook

LIVE = 'environments:\n  dev: {url: "${SMALL_DATABASE_URL}"}\n'
CONNECTIVITY = "```yaml check\nconnectivity: {}\n```\n"


@pytest.fixture
def late(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A server that is down, with its port kept for it; `restart` brings it up."""
    server = EmbeddedServer.start(binaries)
    os.kill(server.process_id, signal.SIGQUIT)
    while server.is_running:
        threading.Event().wait(0.01)
    yield server
    server.stop()


@pytest.fixture
def target(late: EmbeddedServer) -> LiveTarget:
    """That server as somebody's environment."""
    return LiveTarget("dev", late.endpoint())


def wait(seconds: float) -> Wait:
    """A wait with a hurried rhythm."""
    now = time.monotonic()
    return Wait(interval=0.05, patience=5.0, begun=now, until=now + seconds)


@pytest.mark.parametrize(
    ("seconds", "interval", "patience"), [(60, 10, 5), (300, 10, 5), (50, 10, 5), (20, 4, 4), (1, 0.2, 0.2)]
)
def test_the_rhythm_is_a_health_checks(seconds: float, interval: float, patience: float) -> None:
    """A try every 10 seconds that may take 5; a short wait still has five tries."""
    begun = Wait.begin(seconds)
    assert (begun.interval, begun.patience) == (interval, patience)
    assert begun.until - begun.begun == pytest.approx(seconds)


def test_a_server_that_starts_late_is_waited_for(late: EmbeddedServer, target: LiveTarget) -> None:
    """Each try that failed is told with its reason, and the first one that succeeds ends the wait."""
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        if len(told) == 2:
            late.restart()

    assert wait_for(target, wait(30), tell=tell, stop=threading.Event())
    assert len(told) >= 2
    assert all("Trying for" in sentence for sentence in told)


def test_a_server_that_never_starts_is_given_up(target: LiveTarget) -> None:
    """With the last diagnosis, once the time is over."""
    told: list[str] = []
    assert not wait_for(target, wait(0.2), tell=told.append, stop=threading.Event())
    assert "in vain" in told[-1]
    assert str(target.endpoint.port) in told[-1]


def test_a_wait_that_is_over_still_tries_once(late: EmbeddedServer, target: LiveTarget) -> None:
    """The second page of one server does not wait anew, and is not refused a server that came up meanwhile."""
    late.restart()
    assert wait_for(target, wait(0), tell=pytest.fail, stop=threading.Event())


def test_a_wait_ends_when_it_is_told_to(target: LiveTarget) -> None:
    """Ctrl-C does not have to wait for the next try."""
    stop = threading.Event()
    assert not wait_for(target, Wait.begin(3600), tell=lambda _: stop.set(), stop=stop)


def url_of(server: EmbeddedServer) -> str:
    there = server.endpoint()
    options = "&".join(f"{name}={value}" for name, value in there.options.items())
    return f"postgresql://{there.user}:{there.password}@{there.host}:{there.port}/{there.database}?{options}"


def started(folder: Path, server: EmbeddedServer, how_long: str) -> subprocess.Popen[str]:
    """`check --wait` on that server, running."""
    return subprocess.Popen(
        [str(BIN / "pgrunbook"), "check", "--env", "dev", "--wait", how_long], cwd=folder,
        env=environment({"PYTHONUNBUFFERED": "1", "SMALL_DATABASE_URL": url_of(server)}), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, preexec_fn=heeds_interrupts,  # noqa: PLW1509 - it takes no lock
    )  # fmt: skip


def test_check_waits_and_then_asks(late: EmbeddedServer, tmp_path: Path) -> None:
    """A line says what is waited for; when the server is there, the page's checks are asked as ever."""
    page(tmp_path, "small", CONNECTIVITY + HOLDS, LIVE)
    running = started(tmp_path, late, "10s")
    assert running.stdout is not None
    first = running.stdout.readline()
    late.restart()
    rest, _ = running.communicate(timeout=40)
    assert first.startswith("WAITING  small  ")
    assert running.returncode == 0, rest


def test_an_interrupted_wait_ends_at_once(late: EmbeddedServer, tmp_path: Path) -> None:
    """With 130, and every check named as not asked."""
    page(tmp_path, "small", CONNECTIVITY, LIVE)
    running = started(tmp_path, late, "1h")
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=20)
    assert running.returncode == 130, rest
    assert "Traceback" not in rest


def test_a_wait_in_vain_ends_with_the_diagnosis(late: EmbeddedServer, tmp_path: Path) -> None:
    """The run is what it would have been without waiting: connectivity fails, with its code."""
    page(tmp_path, "small", CONNECTIVITY, LIVE)
    variables = {"SMALL_DATABASE_URL": url_of(late)}
    ended = pgrunbook("check", "--env", "dev", "--wait", "500ms", folder=tmp_path, variables=variables)
    assert ended.code == 1
    assert "in vain" in ended.out
    assert "connectivity.refused" in ended.out


@pytest.mark.parametrize("how_long", ["60", "soon", "0s"])
def test_a_wait_needs_a_duration(tmp_path: Path, how_long: str) -> None:
    """A bare number has no unit."""
    page(tmp_path, "small", HOLDS, LIVE)
    ended = pgrunbook("check", "--env", "dev", "--wait", how_long, folder=tmp_path)
    assert ended.code == 2
    assert ended.err.startswith(f"--wait {how_long}: ")
