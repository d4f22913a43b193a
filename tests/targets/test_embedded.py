"""Disposable servers, as seen from outside: who gets in, what they are set to, and that nothing is left of them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from checks import secrets
from checks.errors import TargetFailed
from checks.targets import authority, runfolder
from checks.targets import server as server_module
from checks.targets.account import Account, server_account
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget, start_target
from checks.targets.postmaster import HOST, Port
from checks.targets.runfolder import PREFIX, RunFolder, sweep
from tests.targets.embedding import ask, connect, is_alive, only_as_root, run_python


@pytest.fixture
def started(binaries: Binaries, request: pytest.FixtureRequest) -> Callable[..., EmbeddedServer]:
    """Start a server that belongs to one test, which may do to it what it likes."""

    def start(**options: object) -> EmbeddedServer:
        server = EmbeddedServer.start(binaries, **options)  # type: ignore[arg-type]  # each test names real options
        request.addfinalizer(server.stop)
        return server

    return start


@pytest.fixture
def folders_made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Fills with the run folders that are made during the test."""
    made: list[Path] = []
    make = RunFolder.make

    def noted(account: Account, room: int) -> RunFolder:
        folder = make(account, room)
        made.append(folder.path)
        return folder

    monkeypatch.setattr(RunFolder, "make", noted)
    return made


def test_a_client_gets_in_over_tls_with_the_password(
    every_whole_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer]
) -> None:
    """The strictest TLS a client knows is satisfied, and the server is of the major it was started as."""
    endpoint = server_from(every_whole_major).endpoint()
    assert endpoint.options["sslmode"] == "verify-full"
    assert ask(endpoint, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
    assert int(ask(endpoint, "SHOW server_version_num")) // 10000 == every_whole_major.major


def test_a_session_of_ours_uses_the_socket(target: EmbeddedTarget) -> None:
    """The socket needs no password, since the kernel says who is there."""
    assert target.socket_endpoint.is_socket
    with connect(target.socket_endpoint, password=None) as connection:
        assert connection.info.dbname == target.database


def test_the_cached_certificate_names_every_local_address(server: EmbeddedServer) -> None:
    """A client may say localhost as well as 127.0.0.1."""
    with connect(server.endpoint(), host="localhost") as connection:
        assert connection.info.host == "localhost"


def test_a_wrong_password_is_refused(target: EmbeddedTarget) -> None:
    """TCP is open to every user of the machine, and the password is what keeps them out."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(target.endpoint, password="guess")


def test_plain_text_is_refused(target: EmbeddedTarget) -> None:
    """Nobody gets in over TCP without TLS."""
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        connect(target.endpoint, options={"sslmode": "disable"})


@only_as_root
@pytest.mark.parametrize("user", ["nobody", "daemon"])
def test_another_user_is_refused_on_the_socket(target: EmbeddedTarget, binaries: Binaries, user: str) -> None:
    """Neither a stranger nor another process of the server's own user is let in by the socket."""
    psql = binaries.program("psql")
    there = target.socket_endpoint
    done = subprocess.run(
        [psql, "-w", "-h", there.host or "", "-p", str(there.port), "-U", there.user or "", "-c", "SELECT 1"],
        user=user,
        group="nogroup" if user == "nobody" else user,
        extra_groups=[],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert ("Peer authentication failed" if user == "nobody" else "Permission denied") in done.stderr


def test_the_password_is_masked_everywhere(server: EmbeddedServer) -> None:
    """No output of ours can show it, nor the representation of the endpoint."""
    assert server.password not in repr(server.endpoint())
    assert secrets.mask(server.password) == secrets.MASK


def test_the_password_is_in_no_log(started: Callable[..., EmbeddedServer]) -> None:
    """A server told to log every statement logs only the verifier."""
    server = started(settings={"log_statement": "all"})
    log = server.folder.log.read_text()
    assert "ALTER ROLE" in log
    assert server.password not in log


def test_a_closed_target_is_dropped(server: EmbeddedServer) -> None:
    """Databases do not pile up, connected clients or not, and closing twice is harmless."""
    target = server.create_target("odd name'\"")
    with connect(target.endpoint) as connection:
        target.close()
        target.close()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert ask(server.socket_endpoint(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'odd%'") == 0


def test_a_new_target_is_empty(target: EmbeddedTarget) -> None:
    """Nothing is left in it by another test."""
    assert ask(target.socket_endpoint, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


def test_settings_override_the_lean_ones(started: Callable[..., EmbeddedServer]) -> None:
    """Numbers, sizes, switches, text with a quote, and settings that depend on each other."""
    server = started(
        settings={
            "shared_buffers": "32MB",
            "max_connections": 30,
            "random_page_cost": 1.1,
            "jit": True,
            "application_name": "it's",
            "max_wal_senders": 3,
        }
    )
    shown = {
        name: ask(server.socket_endpoint(), f"SELECT current_setting('{name}')")
        for name in ("shared_buffers", "max_connections", "random_page_cost", "jit", "wal_level", "fsync")
    }
    assert shown == {
        "shared_buffers": "32MB",
        "max_connections": "30",
        "random_page_cost": "1.1",
        "jit": "on",
        "wal_level": "replica",
        "fsync": "off",
    }


def test_a_setting_can_still_be_altered(started: Callable[..., EmbeddedServer]) -> None:
    """ALTER SYSTEM works as on any server, so that a pending restart can be shown, and a restart applies it."""
    server = started()
    server.execute("ALTER SYSTEM SET max_connections = 33")
    server.execute("SELECT pg_reload_conf()")
    waiting = "SELECT pg_sleep(0.01) IS NOT NULL AND pending_restart FROM pg_settings WHERE name = 'max_connections'"
    while not ask(server.socket_endpoint(), waiting):
        pass
    server.restart()
    assert ask(server.socket_endpoint(), "SHOW max_connections") == "33"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"work_mem": "banana"}, 'invalid value for parameter "work_mem": "banana"'),
        ({"no_such_setting": 1}, 'unrecognized configuration parameter "no_such_setting"'),
        ({"max_connections": -1}, '-1 is outside the valid range for parameter "max_connections"'),
        ({"shared_preload_libraries": "absent"}, 'could not access file "absent"'),
        ({"port": 5432}, "The setting `port` of a disposable server cannot be chosen"),
        ({"bad name = 1": 1}, "cannot be a setting"),
        ({"work_mem": "4MB'\nport = 1"}, "cannot be a setting"),
    ],
    ids=["value", "name", "range", "library", "ours", "no-name", "two-lines"],
)
def test_a_wrong_setting_is_one_sentence(
    binaries: Binaries, settings: dict[str, str | int], says: str, folders_made: list[Path]
) -> None:
    """The server's own words are in it, and nothing is left behind."""
    with pytest.raises(TargetFailed) as failed:
        EmbeddedServer.start(binaries, settings=settings)
    assert says in failed.value.sentence
    assert "\n" not in failed.value.sentence
    assert not any(folder.exists() for folder in folders_made)


def test_a_server_may_be_told_to_let_plain_text_in(started: Callable[..., EmbeddedServer]) -> None:
    """Tests of the `tls` check need a server that is careless."""
    server = started(plaintext=True)
    with connect(server.endpoint(), options={"sslmode": "disable"}) as connection:
        assert connection.pgconn.ssl_in_use is False


def test_a_server_may_have_no_tls_at_all(started: Callable[..., EmbeddedServer]) -> None:
    """With `ssl` off the endpoint says so, and works."""
    server = started(settings={"ssl": False})
    assert server.endpoint().options == {"sslmode": "disable"}
    assert ask(server.endpoint(), "SHOW ssl") == "off"


def test_a_server_may_have_an_expired_certificate(tmp_path: Path, started: Callable[..., EmbeddedServer]) -> None:
    """Tests of the `tls` check need that too, and a client sees it."""
    expired = authority.issue(tmp_path, until=datetime.now(UTC) - timedelta(days=1))
    server = started(certificate=expired)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect(server.endpoint())


def test_four_servers_run_side_by_side(binaries: Binaries) -> None:
    """Started at once, each has a port, a folder and a password of its own."""
    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(lambda _: EmbeddedServer.start(binaries), range(4)))
    try:
        assert len({server.port for server in servers}) == 4
        assert len({server.password for server in servers}) == 4
        assert [ask(server.endpoint(), "SHOW port") for server in servers] == [str(one.port) for one in servers]
    finally:
        for server in servers:
            server.stop()


def test_stopping_leaves_nothing(started: Callable[..., EmbeddedServer]) -> None:
    """Neither a folder nor a process, and a second stop is harmless."""
    server = started()
    number, folder = server.process_id, server.folder.path
    assert is_alive(number)
    server.stop()
    server.stop()
    assert not is_alive(number)
    assert not folder.exists()
    assert not server.is_running


def test_a_target_of_its_own_stops_its_server(binaries: Binaries) -> None:
    """What the pipeline starts for one runbook is gone when it closes the target."""
    target = start_target(settings={"max_connections": 20}, database="gaia", explicit_bin=binaries.folder)
    assert target.endpoint.database == "gaia"
    assert target.obtained.startswith("embedded, ")
    assert ask(target.endpoint, "SHOW max_connections") == "20"
    target.close()
    target.close()
    assert not target.server.is_running
    assert not target.server.folder.path.exists()


def test_a_restart_keeps_data_port_and_password(started: Callable[..., EmbeddedServer]) -> None:
    """What was committed before an immediate stop is there afterwards."""
    server = started()
    before = server.endpoint()
    server.execute("CREATE TABLE kept AS SELECT 7 AS n")
    server.restart()
    assert server.endpoint() == before
    assert ask(before, "SELECT n FROM kept") == 7


def test_a_killed_server_is_noticed_and_can_be_restarted(started: Callable[..., EmbeddedServer]) -> None:
    """A postmaster killed by the kernel leaves a server that is not running, whose commits are kept."""
    server = started()
    server.execute("CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(server.process_id, signal.SIGKILL)
    while server.is_running:
        pass
    server.restart()
    assert ask(server.endpoint(), "SELECT n FROM kept") == 7


def test_the_log_can_be_read(started: Callable[..., EmbeddedServer]) -> None:
    """Its last lines are at hand while the server lives, and nothing is after it."""
    server = started()
    assert "ready to accept connections" in server.log_tail()
    assert len(server.log_tail(2).splitlines()) == 2
    server.stop()
    assert server.log_tail() == ""


def test_a_taken_port_is_passed_over(started: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process listens on the first port; the server gets the next one."""
    ports = [Port(), Port()]
    taken, free = (port.number for port in ports)
    monkeypatch.setattr(server_module, "Port", lambda: ports.pop(0))
    with _listener(taken):
        assert started().port == free != taken


def test_no_free_port_is_one_sentence(
    started: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch, folders_made: list[Path]
) -> None:
    """After a few tries it gives up, and leaves nothing."""
    with ExitStack() as listening:

        def taken() -> Port:
            port = Port()
            listening.enter_context(_listener(port.number))
            return port

        monkeypatch.setattr(server_module, "Port", taken)
        with pytest.raises(TargetFailed, match="port of the disposable server was taken"):
            started()
    assert not any(folder.exists() for folder in folders_made)


def test_a_reserved_port_is_given_to_nobody_else() -> None:
    """The port stays ours while the server is down during a restart."""
    held = Port()
    others = [Port() for _ in range(50)]
    for one in (held, *others):
        one.release()
    assert held.number not in {other.number for other in others}


def test_a_machine_without_memory_to_spare_uses_its_disk(
    started: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where /dev/shm is small or missing the server lives among the temporary files."""
    monkeypatch.setattr(runfolder, "ROOM", 1 << 62)
    server = started()
    assert not server.folder.path.is_relative_to(runfolder.SHARED_MEMORY)
    assert ask(server.endpoint(), "SELECT 1") == 1


def test_a_long_temporary_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's path has little room, and a shorter root is taken."""
    long = tmp_path / ("x" * 60)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    assert long not in list(runfolder.roots(server_account()))


def test_the_end_of_the_process_stops_its_servers() -> None:
    """A script that forgets `stop()`, or is interrupted, leaves nothing."""
    for ending in ("", "raise KeyboardInterrupt"):
        done = run_python(f"{_START_AND_SAY}\n{ending}")
        number, folder = _said(done)
        assert not is_alive(number)
        assert not folder.exists()


def test_a_forked_child_leaves_its_parents_server_alone(server: EmbeddedServer) -> None:
    """A child that ends in good order does not stop what it does not own."""
    done = run_python(
        _START_AND_SAY
        + """
import os, sys
child = os.fork()
if child == 0:
    server.stop()
    sys.exit(0)
os.waitpid(child, 0)
assert server.is_running
"""
    )
    assert done.returncode == 0, done.stderr


def test_a_dead_owners_server_is_swept() -> None:
    """A process killed outright leaves its server running; the next run stops it and removes its folder."""
    done = run_python(f"{_START_AND_SAY}\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    number, folder = _said(done)
    assert is_alive(number)
    while folder.exists():  # another worker may be sweeping it at this moment
        sweep(folder.parent)
    assert not is_alive(number)


@only_as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv takes a right away from root")
def test_a_dead_owners_server_is_swept_in_a_container() -> None:
    """There root may not see where the processes of others work, and knows its orphan by its command line."""
    done = run_python(f"{_START_AND_SAY}\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    number, folder = _said(done)
    run_python(
        f"""
        from pathlib import Path
        from checks.targets.runfolder import sweep
        while Path({str(folder)!r}).exists():
            sweep(Path({str(folder.parent)!r}))
        """,
        within=["setpriv", "--bounding-set=-sys_ptrace"],
    )
    assert not is_alive(number)
    assert not folder.exists()


def test_a_living_owners_server_is_not_swept(server: EmbeddedServer) -> None:
    """The lock is what tells, so a sweep beside a running test takes nothing from it."""
    assert server.folder.path not in sweep(server.folder.path.parent)
    assert server.is_running


def test_sweeping_stops_no_process_that_is_not_ours(tmp_path: Path) -> None:
    """A stale folder whose `postmaster.pid` names a stranger is removed, and the stranger lives."""
    stale = tmp_path / f"{PREFIX}stale"
    (stale / "data").mkdir(parents=True)
    (stale / "owner.lock").touch()
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        (stale / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n")
        assert sweep(tmp_path) == [stale]
        assert stranger.poll() is None
        stranger.kill()
    assert not stale.exists()


def test_a_folder_being_made_is_not_swept(tmp_path: Path) -> None:
    """Between its making and its locking a folder looks abandoned; only an old one is."""
    young, old = tmp_path / f"{PREFIX}young", tmp_path / f"{PREFIX}old"
    for folder in (young, old):
        folder.mkdir()
    os.utime(old, (0, 0))
    assert sweep(tmp_path) == [old]
    assert young.exists()


@only_as_root
def test_a_strangers_folder_is_not_swept(tmp_path: Path) -> None:
    """What merely has our name and is another user's is left alone."""
    theirs = tmp_path / f"{PREFIX}theirs"
    theirs.mkdir()
    (theirs / "owner.lock").touch()
    os.chown(theirs, 65534, 65534)
    assert sweep(tmp_path) == []


_START_AND_SAY = """
from checks.targets.binaries import find
from checks.targets.embedded import EmbeddedServer
server = EmbeddedServer.start(find())
print(server.process_id, server.folder.path, flush=True)
"""


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen()
    return listener


def _said(done: subprocess.CompletedProcess[str]) -> tuple[int, Path]:
    words = done.stdout.split()
    assert len(words) == 2, done.stderr
    return int(words[0]), Path(words[1])
