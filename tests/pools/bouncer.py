"""Debian's PgBouncer before a disposable server, run by the user that runs the server, since it refuses root."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from checks.check import POSTGRESQL
from checks.targets.account import server_account
from checks.targets.embedded import EmbeddedTarget
from checks.targets.postmaster import HOST, Port
from checks.targets.session import Endpoint

PATIENCE = 20.0


@contextmanager
def bouncer_before(target: EmbeddedTarget, settings: Mapping[str, int]) -> Iterator[Endpoint]:
    """A PgBouncer that passes `target`'s database on; the endpoint of its admin console."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    assert program, "PgBouncer is not installed: apt-get install pgbouncer"
    account, port = server_account(), Port()
    folder = Path(tempfile.mkdtemp(prefix="bouncer-", dir="/tmp"))
    try:
        written = _configuration(folder, target, port.number, settings)
        for path in (folder, *folder.iterdir()):
            account.own(path)
        process = subprocess.Popen(
            [program, "-q", str(written)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **account.process_options(),
        )
        try:
            console = Endpoint(POSTGRESQL, HOST, port.number, "looker", None, "pgbouncer", {"sslmode": "disable"})
            _wait_for(console)
            yield console
        finally:
            process.terminate()
            process.wait(PATIENCE)
    finally:
        port.release()
        shutil.rmtree(folder)


def _configuration(folder: Path, target: EmbeddedTarget, port: int, settings: Mapping[str, int]) -> Path:
    (folder / "users.txt").write_text('"looker" ""\n"api" ""\n"worker" ""\n')
    server = target.server
    chosen = "".join(f"{name} = {value}\n" for name, value in settings.items())
    path = folder / "pgbouncer.ini"
    path.write_text(
        "[databases]\n"
        f"{target.database} = host={HOST} port={server.port} user=postgres password={server.password}\n"
        "[pgbouncer]\n"
        f"listen_addr = {HOST}\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder / 'users.txt'}\nstats_users = looker\n"
        f"server_tls_sslmode = require\npool_mode = transaction\n{chosen}"
    )
    return path


def _wait_for(console: Endpoint) -> None:
    give_up = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(psycopg.Error):
            psycopg.connect(host=console.host, port=console.port, user=console.user, dbname="pgbouncer").close()
            return
        assert time.monotonic() < give_up, "PgBouncer does not answer"
        time.sleep(0.02)
