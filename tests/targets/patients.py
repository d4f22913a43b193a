"""Servers that are ill on cue: each failure of the diagnosis, really provoked."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import psycopg
import pytest

from checks.targets import tuning
from checks.targets.account import server_account
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.files import write_into
from checks.targets.session import Endpoint
from tests.majors import start
from tests.targets.clients import HEALTHY, pgrunbook

PASSWORD = "pass-word-1"
PATIENCE = 20.0
SLOTS, RESERVED = 24, 12
DATABASES = ("shop", "tls_only", "unlisted", "closed", "gate")

# Who comes in by which line; `unlisted` is in none, and `tls_only` only over TLS, which 16 and 18 here do not have.
RULES = """
local all postgres peer map=pgrunbook
local gate all trust
local shop,closed,no_such all scram-sha-256
host gate all 127.0.0.1/32 trust
host shop,closed,no_such all 127.0.0.1/32 scram-sha-256
hostssl tls_only all 127.0.0.1/32 scram-sha-256
"""
ROLES = f"""
CREATE ROLE app LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE lone LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0;
CREATE ROLE idle NOLOGIN;
ALTER DATABASE closed CONNECTION LIMIT 100;
REVOKE CONNECT ON DATABASE closed FROM PUBLIC;
"""
TABLES = """
CREATE TABLE secret (n int);
CREATE TABLE open (n int);
CREATE SEQUENCE numbers;
GRANT SELECT ON open TO app;
GRANT ALL ON numbers TO app;
"""


def patient_of(binaries: Binaries, settings: Mapping[str, tuning.Setting] | None = None) -> EmbeddedServer:
    """A server with the rules, roles and tables above and few slots. The caller stops it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "access_rules", lambda *, plaintext: RULES)
        few = {"max_connections": SLOTS, "superuser_reserved_connections": RESERVED}
        server = start(binaries, {"wal_level": "replica", **few, **(settings or {})})
    try:
        for database in DATABASES:
            server.create_database(database)
        for database, script in (("postgres", ROLES), ("shop", TABLES)):
            with server.connect(database) as connection:
                connection.execute(script.encode())
    except BaseException:
        server.stop()
        raise
    return server


def over_both(server: EmbeddedServer, database: str = "shop", user: str = "app") -> list[Endpoint]:
    """The database over TCP and over the socket, as `user`."""
    return [over_tcp(server, database, user), over_socket(server, database, user)]


def over_tcp(server: EmbeddedServer, database: str = "shop", user: str = "app", **options: str) -> Endpoint:
    """The database over TCP; `options` are libpq's."""
    mode = {"sslmode": "require" if server.has_tls else "prefer"}
    there = replace(server.endpoint(database), user=user, password=PASSWORD)
    return replace(there, options={**mode, **options})


def over_socket(server: EmbeddedServer, database: str = "shop", user: str = "app") -> Endpoint:
    """The database over the Unix socket."""
    return replace(server.socket_endpoint(database), user=user, password=PASSWORD)


@contextmanager
def without_free_slots(server: EmbeddedServer, *, reserved_too: bool) -> Iterator[None]:
    """All slots for ordinary roles are taken, and those for superusers as well if `reserved_too`."""
    with ExitStack() as stack:
        where = f"host={server.folder.socket} port={server.port} dbname=shop password={PASSWORD}"
        for user in ("app", "postgres") if reserved_too else ("app",):
            while True:
                try:
                    stack.enter_context(psycopg.connect(where, user=user))
                except psycopg.OperationalError as error:
                    if "remaining connection" in str(error) or "too many clients" in str(error):
                        break
                    raise
        yield
    wait_until_healthy(server)


@contextmanager
def silenced(server: EmbeddedServer) -> Iterator[None]:
    """The server is stopped in its tracks: the kernel accepts for it, and nobody answers."""
    os.kill(server.process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process_id, signal.SIGCONT)


@contextmanager
def shutting_down(server: EmbeddedServer) -> Iterator[None]:
    """The server waits for a last session to end, and lets nobody in. Afterwards it is gone."""
    with server.connect():
        os.kill(server.process_id, signal.SIGTERM)
        wait_while(server, HEALTHY.code)
        yield


@contextmanager
def starting_up(server: EmbeddedServer) -> Iterator[None]:
    """The server waits for its archive, which never answers."""
    with _restarted(server, "recovery.signal", "restore_command = 'sleep 30; false'\n"):
        yield


@contextmanager
def in_recovery(server: EmbeddedServer) -> Iterator[None]:
    """The server is a standby that is not to be read."""
    with _restarted(server, "standby.signal", "restore_command = 'false'\nhot_standby = off\n"):
        wait_while(server, "connectivity.starting_up")
        yield


@contextmanager
def as_standby(server: EmbeddedServer) -> Iterator[None]:
    """The server is a standby that may be read."""
    with _restarted(server, "standby.signal", "restore_command = 'false'\n"):
        wait_until_healthy(server)
        yield


@contextmanager
def after_a_crash(server: EmbeddedServer) -> Iterator[None]:
    """One backend is killed and another does not heed that all must end, so that recovery cannot begin."""
    with server.connect() as crashes, server.connect() as lingers:
        number = lingers.info.backend_pid
        os.kill(number, signal.SIGSTOP)
        os.kill(crashes.info.backend_pid, signal.SIGKILL)
        try:
            wait_while(server, HEALTHY.code)
            yield
        finally:
            os.kill(number, signal.SIGCONT)
    wait_until_healthy(server)


@contextmanager
def _restarted(server: EmbeddedServer, signal_file: str, settings: str) -> Iterator[None]:
    server._halt(signal.SIGINT)
    account = server_account()
    conf = server.folder.written / "postgresql.conf"
    write_into(conf, conf.read_text(encoding="utf-8") + settings, account)
    write_into(server.folder.written / signal_file, "", account)
    server._postmaster = server._start_postmaster()
    wait_while(server, "connectivity.refused")
    yield


def wait_while(server: EmbeddedServer, code: str) -> None:
    """Until a client is told something else than `code`."""
    give_up = time.monotonic() + PATIENCE
    while pgrunbook(over_socket(server), ["SELECT 1"], PATIENCE).code == code:
        assert time.monotonic() < give_up, f"it is {code} still"
        time.sleep(0.01)


def wait_until_healthy(server: EmbeddedServer) -> None:
    """Until a client gets in again, and no other is left."""
    give_up = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < give_up, "it has not recovered"
        try:
            with server.connect() as connection:
                row = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                ).fetchone()
            if row == (1,):
                return
        except psycopg.OperationalError:
            pass
        time.sleep(0.01)


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port on 127.0.0.1 that answers nobody's knock: packets are dropped, as a firewall does."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
