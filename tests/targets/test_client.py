"""Client programs get in with what an endpoint holds, and nobody else sees how."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from checks.errors import UsageError
from checks.targets.client import client_environment, sweep
from checks.targets.embedded import EmbeddedTarget
from checks.targets.session import Endpoint

ODD = "a:b\\c'd\"e f@g%20#ü"


@pytest.fixture
def endpoint(target: EmbeddedTarget) -> Iterator[Endpoint]:
    """The test's database over TCP and verified TLS, as a role whose password has everything that files escape."""
    with target.server.connect() as connection:
        quoted = connection.execute("SELECT quote_literal(%s)", [ODD]).fetchone()
    assert quoted is not None
    target.server.execute(f"CREATE ROLE caller LOGIN PASSWORD {quoted[0]}")
    yield replace(target.endpoint, user="caller", password=ODD)
    target.server.execute("DROP ROLE caller")


def test_psql_gets_in_and_shows_no_secret(target: EmbeddedTarget, endpoint: Endpoint) -> None:
    """The real program connects by the environment alone; neither its command line nor its environment has a secret."""
    psql = target.server.binaries.folder / "psql"
    with client_environment(endpoint, {"PATH": "/usr/bin", "PGPASSWORD": "another", "PGSERVICE": "none"}) as variables:
        running = subprocess.Popen(
            [psql, "-XAtq"], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write("SELECT current_user, current_database(), current_setting('application_name');\n")
        running.stdin.flush()
        said = running.stdout.readline()
        seen = [(Path("/proc") / str(running.pid) / name).read_bytes() for name in ("cmdline", "environ")]
        _, complaint = running.communicate(timeout=20)
    assert (said, complaint) == (f"caller|{target.database}|pgrunbook\n", "")
    assert not [text for text in seen if ODD.encode() in text or b"another" in text]


def test_the_password_file_is_ours_alone_and_goes(endpoint: Endpoint) -> None:
    """Nobody else may read it, and it does not outlive the program it was made for, however that ends."""
    seen: list[Path] = []

    def interrupted() -> None:
        with client_environment(endpoint, {}) as variables:
            seen.append(Path(variables["PGPASSFILE"]))
            assert stat.S_IMODE(seen[0].stat().st_mode) == 0o600
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not seen[0].exists()


def test_a_password_file_of_a_killed_run_is_swept(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever needs one next; one that is in use, or young, stays."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, young = tmp_path / "pgrunbook-left.pgpass", tmp_path / "pgrunbook-young.pgpass"
    for path in (left, young):
        path.write_text("*:*:*:*:hunter2\n")
    os.utime(left, (0, 0))
    with client_environment(endpoint, {}) as variables:
        used = Path(variables["PGPASSFILE"])
        os.utime(used, (0, 0))
        assert sorted(tmp_path.iterdir()) == sorted([young, used])
        assert sweep(tmp_path) == []
    assert list(tmp_path.iterdir()) == [young]


def test_what_the_endpoint_leaves_open_stays_the_callers() -> None:
    """Without a password of its own, an endpoint is reached with the caller's, as libpq has it."""
    callers = {"PGPASSWORD": "theirs", "PGPASSFILE": "/theirs", "PGHOST": "theirs", "PGTZ": "UTC", "PGHOSTADDR": "::1"}
    with client_environment(Endpoint(host="db", port=6543, options={"keepalives": "1"}), callers) as variables:
        kept = {"PGPASSWORD": "theirs", "PGPASSFILE": "/theirs", "PGTZ": "UTC"}
        assert variables == kept | {"PGHOST": "db", "PGPORT": "6543", "PGAPPNAME": "pgrunbook"}


def test_a_password_no_line_can_hold_goes_by_variable() -> None:
    """A password file has one password a line; one with a line end in it is rare, and still no argument."""
    with client_environment(Endpoint(host="db", password="two\nlines"), {}) as variables:
        assert variables["PGPASSWORD"] == "two\nlines"
        assert "PGPASSFILE" not in variables


def test_a_secret_without_a_variable_is_refused() -> None:
    """Dropped silently, the program would fail for a reason nobody could guess."""
    endpoint = Endpoint(host="db", options={"sslpassword": "of-the-key"})
    with pytest.raises(UsageError, match="`sslpassword`") as refusal, client_environment(endpoint, {}):
        pass
    assert "of-the-key" not in str(refusal.value)
