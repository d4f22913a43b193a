"""Ryuk, where its image is at hand, removes what a killed run leaves; where it is not, nobody waits for it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from testcontainers.core.config import testcontainers_config

from tests.command import ROOT, environment
from tests.containers.docker import PATIENCE, changed, client, containers_of

REAPER = Path(__file__).parents[1] / "containers" / "reaper.pl"
START = (
    "import sys\n"
    "from checks.targets.container import ContainerServer\n"
    "ContainerServer.start(sys.argv[1])\n"
    "print('ready', flush=True)\n"
    "sys.stdin.read()\n"
)
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def ryuk(postgres_image: str) -> Iterator[str]:
    """Ryuk's own image where it is here, else a stand-in that speaks its protocol, in the Perl of Debian's images."""
    with client() as engine:
        here = {tag for image in engine.images.list() for tag in image.tags}
    if testcontainers_config.ryuk_image in here:
        yield testcontainers_config.ryuk_image
        return
    script = REAPER.read_text()
    with changed(postgres_image, Entrypoint=["perl", "-e", script], Cmd=[]) as image:
        yield image


def started(image: str, ryuk: str) -> subprocess.Popen[str]:
    """A process of its own with a server in a container, which answers."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, image], cwd=ROOT, env=environment({"RYUK_CONTAINER_IMAGE": ryuk}),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()
    return process


def test_it_removes_what_a_killed_process_leaves(postgres_image: str, ryuk: str) -> None:
    """Nobody runs anything afterwards, and the container goes."""
    process = started(postgres_image, ryuk)
    with process:
        assert len(containers_of(process.pid)) == 1
        process.kill()
    give_up = time.monotonic() + PATIENCE
    while containers_of(process.pid):
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_one_that_does_not_start_is_done_without(postgres_image: str) -> None:
    """An image under Ryuk's name that is none costs no verdict: the next run sweeps."""
    with changed(postgres_image, Entrypoint=["no-such-program"], Cmd=[]) as broken:
        process = started(postgres_image, broken)
        said, complaints = process.communicate("")
    assert (process.returncode, said, complaints) == (0, "", "")
    assert containers_of(process.pid) == []
