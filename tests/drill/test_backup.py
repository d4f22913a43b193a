"""`invoke backup` as a person runs it: what it says, how it ends, and what it leaves when it is ended."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedTarget
from checks.targets.url_forms import sqlalchemy_url
from tests.backup.test_take import ROWS, hanging
from tests.catalog.tools import run_sql
from tests.command import BIN, Ended, environment, heeds_interrupts, page, pgrunbook, run
from tests.targets.embedding import ask

FRONT = (
    'environments: {dev: {url: "${DEV}"}, file: {url: "sqlite:///x.db"}}\n'
    "backups: {location: backups, keep: {last: 1}}\n"
)
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A page that declares where its backups lie and how many are kept."""
    page(tmp_path, "shop", "Nothing.", FRONT)
    return tmp_path


@pytest.fixture
def variables(target: EmbeddedTarget) -> Mapping[str, str]:
    """The address of a database with some rows."""
    run_sql(target, ROWS.format(1000))
    return {"DEV": sqlalchemy_url(target.endpoint).replace("+psycopg", "")}


def backup(project: Path, variables: Mapping[str, str], *more: str, env: str = "dev") -> Ended:
    return pgrunbook("backup", "--env", env, *more, folder=project, variables=variables)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_page_says_where_to_and_how_many(project: Path, variables: Mapping[str, str]) -> None:
    """The second backup takes the first one's place; its words say what was dumped, and no password."""
    first = backup(project, variables)
    assert (first.code, first.err) == (0, "")
    assert "1 table with 1000 rows, each with its digest" in first.out
    [artifact, _] = names(project / "backups")
    assert (project / "backups" / artifact).stat().st_mode & 0o077 == 0
    second = backup(project, variables, "--format", "directory")
    assert (second.code, second.err) == (0, "")
    assert f"removed {artifact}" in second.out
    [left, _] = names(project / "backups")
    assert left.endswith(".dir")
    assert variables["DEV"] not in first.out + second.out


def test_the_command_line_says_otherwise(project: Path, variables: Mapping[str, str]) -> None:
    """Another folder, and another number."""
    ended = backup(project, variables, "--to", "elsewhere", "--keep", "30d")
    assert ended.code == 0
    assert len(names(project / "elsewhere")) == 2
    assert names(project / "backups") == []


@pytest.mark.parametrize(
    ("more", "env"),
    [
        (("--format", "tar"), "dev"),
        (("--keep", "0"), "dev"),
        (("--keep", "many"), "dev"),
        (("--deadline", "soon"), "dev"),
        (("--to", "s3://"), "dev"),
        (("--to", "ftp://example.com/backups"), "dev"),
        (("--postgres-bin", "/nowhere"), "dev"),
        ((), "file"),
        ((), "nowhere"),
        ((), ""),
    ],
)
def test_what_is_written_wrongly_starts_nothing(
    project: Path, variables: Mapping[str, str], more: tuple[str, ...], env: str
) -> None:
    """2 and one sentence."""
    ended = backup(project, variables, *more, env=env)
    assert (ended.code, ended.out, "Traceback" in ended.err) == (2, "", False)
    assert names(project / "backups") == []
    assert not (project / "ftp:").exists()


def test_a_server_that_is_not_there_is_no_backup(project: Path, target: EmbeddedTarget) -> None:
    """3, with the code of what is wrong."""
    gone = sqlalchemy_url(target.endpoint).replace("+psycopg", "").replace(f":{target.endpoint.port}/", ":1/")
    ended = backup(project, {"DEV": gone})
    assert ended.code == 3
    assert "(connectivity.refused)" in ended.err
    assert names(project / "backups") == []


def test_a_disk_that_is_full_leaves_nothing(project: Path, target: EmbeddedTarget) -> None:
    """A limit on the size of files stands for the disk: one sentence, 3, and what was begun is gone."""
    run_sql(target, ROWS.format(100_000))
    known = {"DEV": sqlalchemy_url(target.endpoint).replace("+psycopg", "")}
    command = ["prlimit", "--fsize=1000000", str(BIN / "pgrunbook"), "backup", "--env", "dev"]
    ended = run(command, project, known)
    assert (ended.code, "Traceback" in ended.err) == (3, False)
    assert "(dump.no_space)" in ended.err
    assert names(project / "backups") == []


@pytest.fixture
def running(
    project: Path, variables: Mapping[str, str], tmp_path: Path, binaries: Binaries, request: pytest.FixtureRequest
) -> Iterator[subprocess.Popen[str]]:
    """A backup in the given format whose pg_dump has written all, and does not end."""
    programs = tmp_path / "programs"
    programs.mkdir()
    options = ["--postgres-bin", str(hanging(binaries, programs)), "--format", request.param]
    process = subprocess.Popen(
        [BIN / "pgrunbook", "backup", "--env", "dev", *options], cwd=project, env=environment(variables),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=heeds_interrupts,  # noqa: PLW1509 - it takes no lock
    )  # fmt: skip
    with process:
        try:
            give_up = time.monotonic() + 30
            while not [path for path in project.glob("backups/.*/*.d*") if path.is_dir() or path.stat().st_size]:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < give_up
                time.sleep(0.02)
            yield process
        finally:
            process.terminate()  # which ends the pg_dump that never ends, too


@pytest.mark.parametrize("running", ["custom", "directory"], indirect=True)
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_backup_that_is_ended_leaves_nothing(
    running: subprocess.Popen[str], ending: signal.Signals, project: Path, target: EmbeddedTarget
) -> None:
    """130, no half of a backup, and neither of its sessions."""
    running.send_signal(ending)
    _, said = running.communicate(timeout=20)
    assert (running.returncode, said) == (130, "Interrupted.\n")
    assert names(project / "backups") == []
    assert _sessions_end(target)


@pytest.mark.parametrize("running", ["directory"], indirect=True)
def test_what_a_killed_backup_leaves_is_swept_by_the_next(
    running: subprocess.Popen[str], project: Path, variables: Mapping[str, str], target: EmbeddedTarget
) -> None:
    """Its folder is hidden, bears no backup's name, and goes with the pg_dump that was left alone."""
    running.kill()
    running.wait()
    [left] = names(project / "backups")
    assert left.startswith(".pgrunbook-")
    assert left.endswith(".partial")
    assert backup(project, variables).code == 0
    assert len(names(project / "backups")) == 2
    assert not [name for name in names(project / "backups") if name.startswith(".")]
    assert _sessions_end(target)


def _sessions_end(target: EmbeddedTarget) -> bool:
    give_up = time.monotonic() + 10
    while ask(target.socket_endpoint, SESSIONS):
        if time.monotonic() > give_up:
            return False
    return True
