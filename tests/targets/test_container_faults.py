"""Why no server in a container can be had: each reason has its code and says what to do, and nothing is left over."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.errors import TargetFailed
from checks.targets import container_image, container_launch, engine
from checks.targets.container import ContainerServer
from checks.targets.container_box import Limits
from checks.targets.postmaster import Port
from tests.command import ROOT
from tests.containers.docker import changed, client, containers_of, imported
from tests.proxy import Proxy

SOCKET = "/var/run/docker.sock"
AARCH64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(104)


def refused(image: str, code: str, **options: object) -> TargetFailed:
    """Starting a server of this image fails with this code, says what to do, and leaves no container."""
    before = containers_of(os.getpid())
    with pytest.raises(TargetFailed) as caught:
        ContainerServer.start(image, **options)  # type: ignore[arg-type]  # each test names real options
    assert caught.value.code == code, caught.value
    assert caught.value.hint
    assert containers_of(os.getpid()) == before
    return caught.value


@pytest.fixture
def proxy(postgres_image: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The engine behind a proxy that tests can cut or silence."""
    between = Proxy(SOCKET)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{between.port}")
    yield between
    between.close()


def test_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing listens, that is said, and how to start an engine or do without."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(TargetFailed) as caught:
        ContainerServer.start("postgres:17-alpine")
    assert caught.value.code == "container.no_engine"
    assert "tcp://127.0.0.1:9" in caught.value.sentence
    assert "systemctl start docker" in caught.value.hint


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A DOCKER_HOST that cannot be read is a mistake of the variable."""
    monkeypatch.setenv("DOCKER_HOST", "nonsense")
    with pytest.raises(TargetFailed) as caught:
        engine.engine()
    assert caught.value.code == "container.no_engine"
    assert "DOCKER_HOST" in caught.value.hint


def test_a_socket_that_is_not_ours(tmp_path: Path) -> None:
    """An engine whose socket this user may not use is another case than none at all."""
    asked = (
        "import os, socket, docker.errors, requests\n"
        "from checks.errors import TargetFailed\n"
        "from checks.targets import engine, engine_faults\n"
        "engine.library()\n"
        "os.geteuid() == 0 and (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n"
        "try:\n    engine.engine()\n"
        "except TargetFailed as failed:\n    print(failed.code, failed.hint)\n"
    )
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "docker.sock"))
        listener.listen()
        (tmp_path / "docker.sock").chmod(0)
        environment = os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/docker.sock", "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            [sys.executable, "-c", asked], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
    code, _, hint = ended.stdout.partition(" ")
    assert code == "container.engine_denied", ended.stderr
    assert hint.startswith("add yourself to its group")


def test_an_engine_that_says_nothing() -> None:
    """An engine that takes connections and never answers is given up on in time."""
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{mute.getsockname()[1]}")
        with pytest.raises(TargetFailed) as caught:
            engine.engine(timeout=0.5)
    assert caught.value.code == "container.engine_silent"


def test_an_engine_that_stops_half_way(
    postgres_image: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server whose engine is gone says so, and that its container is left for the next run."""
    server = ContainerServer.start(postgres_image)
    proxy.cut()
    proxy.close()
    try:
        assert server.ailment is not None
        assert server.ailment.code == "container.engine_lost"
        left = server._container.id
    finally:
        server.stop()
        monkeypatch.delenv("DOCKER_HOST")
        with client() as found:
            found.api.remove_container(left, force=True, v=True)
    assert "A container was left behind, for the next run to remove" in capsys.readouterr().err


def test_the_library_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library, the command that installs it is the hint."""
    monkeypatch.setitem(sys.modules, "testcontainers.core.docker_client", None)
    with pytest.raises(TargetFailed) as caught:
        ContainerServer.start("postgres:17-alpine")
    assert (caught.value.code, caught.value.hint) == ("container.no_library", "pip install 'pgrunbook[container]'")


def test_a_registry_that_cannot_be_reached(postgres_image: str) -> None:
    """An image that is not here, from a registry where nothing listens."""
    failed = refused("127.0.0.1:9/postgres:17", "container.image_unreachable")
    assert "docker load" in failed.hint


def test_a_registry_that_says_nothing(postgres_image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull is not waited for without end."""
    monkeypatch.setattr(container_image.obtain, "__kwdefaults__", {"limit": 5.0, "silence": 1.0})
    with socket.create_server(("127.0.0.1", 0)) as mute:
        failed = refused(f"127.0.0.1:{mute.getsockname()[1]}/postgres:17", "container.image_unreachable")
    assert "nothing was heard" in failed.sentence


class NoSuchImage(http.server.BaseHTTPRequestHandler):
    """A registry that is empty."""

    def do_GET(self) -> None:
        """Answer as the protocol has it: https://distribution.github.io/distribution/spec/api/."""
        known = self.path == "/v2/"
        error = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
        body = b"{}" if known else json.dumps(error).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the base class calls it so

    def log_message(self, *arguments: object) -> None:
        """Keep quiet."""


def test_an_image_that_no_registry_has(postgres_image: str) -> None:
    """A registry that knows no such image is another case than one that cannot be reached."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), NoSuchImage) as registry:
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        refused(f"127.0.0.1:{registry.server_port}/postgres:17", "container.image_unknown")
        registry.shutdown()


def test_an_image_of_something_else(postgres_image: str) -> None:
    """An image with a shell and no PostgreSQL is told before anything of it runs."""
    with changed(postgres_image, Env=["PATH=/usr/bin:/bin"]) as image:
        failed = refused(image, "container.not_postgres")
    assert "has no program `postgres`" in failed.sentence


def test_an_image_without_a_shell(postgres_image: str) -> None:
    """An image of one program, as many are, is no image of PostgreSQL either."""
    with imported({"program": b"#!"}) as image:
        refused(image, "container.not_postgres")


def test_an_image_for_another_processor(postgres_image: str) -> None:
    """Programs that this engine's processor cannot run are told from programs that fail."""
    with imported({"bin/sh": AARCH64}, ENV="PATH=/bin") as image:
        refused(image, "container.architecture")


def test_no_port_can_be_had(postgres_image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When every port is taken by the time it is published, that is the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:

        class Unlucky(Port):
            def __init__(self) -> None:
                super().__init__()
                self.number = taken.getsockname()[1]

        monkeypatch.setattr(container_launch, "Port", Unlucky)
        refused(postgres_image, "container.port_taken")


def test_what_the_engine_refuses_is_repeated(postgres_image: str) -> None:
    """A refusal that has no name of its own is told in the engine's words."""
    failed = refused(postgres_image, "container.engine_refused", limits=Limits(memory="1m"))
    assert "emory limit" in failed.sentence


def test_a_server_that_refuses_a_setting(postgres_image: str) -> None:
    """What the server said of the page's setting is in the sentence."""
    failed = refused(postgres_image, "container.died", settings={"work_mem": "plenty"})
    assert 'invalid value for parameter "work_mem": "plenty"' in failed.sentence


def test_no_room_for_data(postgres_image: str) -> None:
    """A data folder that does not fit is told as such, not as a server that died."""
    refused(postgres_image, "container.disk_full", limits=Limits(data="8m"))


def test_no_memory_to_start_in(postgres_image: str) -> None:
    """A server that the kernel kills for want of memory is told as such."""
    failed = refused(postgres_image, "container.out_of_memory", limits=Limits(memory="12m"))
    assert "its limit is 12 MB" in failed.sentence


def test_a_server_that_never_answers(postgres_image: str) -> None:
    """A start that takes too long ends in time, with what the log ends with."""
    with changed(postgres_image, Entrypoint=["sh", "-c", "echo waiting; sleep 60"]) as image:
        failed = refused(image, "container.not_ready", timeout=1.0)
    assert "its log ends: waiting" in failed.sentence
