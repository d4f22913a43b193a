"""Servers in containers, as seen from outside: what they are set to, who gets in, and that nothing is left of them."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import psycopg
import pytest

from checks.errors import TargetFailed
from checks.targets import cache, container_certificate, container_launch
from checks.targets.container import ContainerServer, ContainerTarget, default_image, start_target
from checks.targets.container_box import Limits
from checks.targets.postmaster import Port
from checks.targets.url import conninfo
from tests.containers.docker import changed, client, containers_of


def ask(target: ContainerTarget, sql: str) -> object:
    """The one value of a query."""
    with target.server.connect(target.database) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return row[0]


def test_every_image_gives_a_server(postgres_images: list[str]) -> None:
    """An empty database of any image answers over TLS that a client can believe, and names its image in the report."""
    for image in postgres_images:
        target = start_target(image, settings={"work_mem": "5MB", "track_io_timing": True})
        try:
            assert ask(target, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            assert target.endpoint.options["sslmode"] == "verify-full"
            assert ask(target, "SELECT current_setting('work_mem') || current_setting('track_io_timing')") == "5MBon"
            assert ask(target, "SHOW fsync") == "off"
            session = target.open()
            assert f"image {image}" in session.server.obtained
            session.close()
        finally:
            target.close()
        target.close()


def test_nothing_is_left_of_a_server(postgres_image: str) -> None:
    """When a server was stopped its container is gone, which had no volume. Stopping it twice is harmless."""
    with client() as engine:
        server = ContainerServer.start(postgres_image)
        [container] = [one for one in containers_of(os.getpid()) if one == server._container.id]
        assert not [mount for mount in engine.containers.get(container).attrs["Mounts"] if mount["Type"] == "volume"]
        server.stop()
        server.stop()
        assert container not in containers_of(os.getpid())
    assert not server.is_running


def test_whoever_stops_it_second_waits_for_the_first(postgres_image: str) -> None:
    """A process that ends while a thread still removes its container would leave it behind."""
    server = ContainerServer.start(postgres_image)
    container = server._container.id
    first = threading.Thread(target=server.stop)
    first.start()
    while not server._stopped:
        time.sleep(0.001)
    server.stop()
    assert container not in containers_of(os.getpid())
    first.join()


def test_data_is_in_memory(container_target: ContainerTarget) -> None:
    """The data folder is a tmpfs, so that nothing is written to a disk."""
    with client() as engine:
        container = engine.containers.get(container_target.server._container.id)
        [folder] = container.attrs["HostConfig"]["Tmpfs"]
    assert str(ask(container_target, "SHOW data_directory")).startswith(f"{folder}/")


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_restart_keeps_data_and_endpoint(container_target: ContainerTarget, how: signal.Signals) -> None:
    """However the server is shut down, it comes back on the same port with what was committed."""
    container_target.server.execute("CREATE TABLE kept AS SELECT 7 AS answer", database=container_target.database)
    before, born = container_target.endpoint, ask(container_target, "SELECT pg_postmaster_start_time()")
    container_target.restart(how=how)
    assert container_target.endpoint == before
    assert ask(container_target, "SELECT answer FROM kept") == 7
    assert ask(container_target, "SELECT pg_postmaster_start_time()") != born


def test_a_restarted_server_can_still_die(postgres_image: str) -> None:
    """Only a restart that was asked for starts a server again: one that ends later has ended."""
    server = ContainerServer.start(postgres_image)
    try:
        server.restart()
        server._container.exec_run(["sh", "-c", "kill -QUIT $(head -n 1 $PGDATA/postmaster.pid)"])
        server._container.wait(timeout=10)
        assert server.ailment is not None
        assert server.ailment.code == "container.died"
        assert "starting up" not in server.ailment.sentence  # which answered our own questions
    finally:
        server.stop()


def test_without_tls_nobody_gets_in(container_target: ContainerTarget) -> None:
    """As on the embedded server, a connection that is not encrypted is refused."""
    given = conninfo(container_target.endpoint) | {"sslmode": "disable"}
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba.conf entry|no encryption"):
        psycopg.connect(psycopg.conninfo.make_conninfo("", **given))


def test_without_the_password_nobody_gets_in(container_target: ContainerTarget) -> None:
    """The password is random, and the port asks for it."""
    given = conninfo(container_target.endpoint) | {"password": "postgres"}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(psycopg.conninfo.make_conninfo("", **given))


def test_a_page_may_switch_tls_off(postgres_image: str) -> None:
    """`ssl: off` gives a server that clients reach without it."""
    target = start_target(postgres_image, settings={"ssl": False})
    try:
        assert target.endpoint.options == {"sslmode": "disable"}
        assert not ask(target, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    finally:
        target.close()


def test_the_port_is_published_to_this_machine_alone(container_server: ContainerServer) -> None:
    """Other machines cannot reach a disposable server."""
    with client() as engine:
        ports = engine.containers.get(container_server._container.id).attrs["NetworkSettings"]["Ports"]
    assert ports["5432/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(container_server.port)}]


def test_the_password_is_shown_nowhere(container_server: ContainerServer) -> None:
    """It is in the container's variables, as its image wants it, and neither in its command, labels nor log."""
    with client() as engine:
        said = engine.containers.get(container_server._container.id).attrs
    everywhere = f"{said['Config']['Cmd']}{said['Config']['Labels']}{said['Args']}{said['Path']}{said['Name']}"
    assert container_server.password not in everywhere + container_server.log_tail(500) + repr(container_server)


def test_an_image_that_steps_down_by_itself_serves(postgres_image: str) -> None:
    """An image whose user is `postgres` from the start can read the key as well."""
    with changed(postgres_image, "install -d -o postgres /run/postgresql", User="postgres") as image:
        server = ContainerServer.start(image)
        try:
            assert server.has_tls
        finally:
            server.stop()


def test_databases_come_and_go(container_server: ContainerServer) -> None:
    """Several targets share a server; closing one drops its database, and twice is harmless."""
    first, second = (container_server.create_target(name) for name in ("first", "User"))
    first.close()
    first.close()
    assert ask(second, "SELECT string_agg(datname, ' ') FROM pg_database WHERE NOT datistemplate") == "postgres User"
    second.close()


def test_a_taken_port_is_not_the_end(postgres_image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When somebody takes the port before the engine publishes it, another is tried."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1]])

        class Unlucky(Port):
            def __init__(self) -> None:
                super().__init__()
                self.number = next(ports, self.number)

        monkeypatch.setattr(container_launch, "Port", Unlucky)
        server = ContainerServer.start(postgres_image)
        try:
            assert server.port != taken.getsockname()[1]
        finally:
            server.stop()


def test_a_server_needs_no_cache(postgres_image: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing can be kept between runs, the certificate is made for this one."""
    monkeypatch.setattr(cache, "folder", lambda: None)
    server = ContainerServer.start(postgres_image)
    try:
        assert str(server.endpoint().options["sslrootcert"]).startswith(container_certificate._folder().name)
    finally:
        server.stop()


def test_a_refused_statement_is_told(container_server: ContainerServer) -> None:
    """What the server says of a statement of ours is in the sentence."""
    with pytest.raises(TargetFailed, match=r"The disposable server refused `CREATE …`: .* does not exist"):
        container_server.execute("CREATE DATABASE x TEMPLATE nowhere")


@pytest.mark.parametrize(("major", "image"), [(16, "postgres:16-alpine"), (None, "postgres:alpine")])
def test_the_official_image_is_the_usual_one(major: int | None, image: str) -> None:
    """A page that names a major and no image gets the official one."""
    assert default_image(major) == image


def test_memory_can_be_limited(postgres_image: str) -> None:
    """The limits of a container are those that were asked for."""
    server = ContainerServer.start(postgres_image, limits=Limits(memory="512m", data="256m"))
    try:
        with client() as engine:
            config = engine.containers.get(server._container.id).attrs["HostConfig"]
        assert (config["Memory"], [*config["Tmpfs"].values()]) == (512 * 2**20, ["mode=1777,size=256m"])
    finally:
        server.stop()
