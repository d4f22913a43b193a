"""A project's own program as the way up: where it is led, what it is kept from, and how its failures are told."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from checks.migrations.apply import rehearse
from checks.migrations.walk_command import environment, run
from checks.runbook.model import Migrations
from checks.targets.embedded import EmbeddedTarget
from tests.migrations.trees import alembic_tree, revision, sql_tree

LINE = {"a": None, "b": "a"}
PYTHON = shlex.quote(sys.executable)
ALEMBIC = f"{PYTHON} -m alembic -c m/alembic.ini upgrade head"


def test_alembics_own_program_is_walked(tmp_path: Path, target: EmbeddedTarget) -> None:
    """`alembic upgrade head` is turned round for the way down, and run in the project's folder."""
    alembic_tree(tmp_path, LINE)
    found = rehearse(Migrations("alembic", "m", command=ALEMBIC), tmp_path, target)
    assert (found.walk, found.failure, found.left_behind, found.ready) == (("up", "down", "up again"), "", (), True)


def test_another_program_only_tells_the_way_up(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Of a program that is not Alembic's, nobody knows how it goes down; it is run without a shell."""
    sql_tree(tmp_path, {"1_a.sql": "CREATE TABLE a (n int)"})
    (tmp_path / "migrate.py").write_text(
        "import os, sys, psycopg\n"
        "assert sys.argv[1:] == ['--to', 'the head; exit 7']\n"
        "with psycopg.connect(os.environ['DATABASE_URL']) as connection:\n"
        "    connection.execute('CREATE TABLE a (n int)')\n"
        "    connection.execute('CREATE TABLE schema_migrations (version bigint)')\n"
        "    connection.execute('INSERT INTO schema_migrations VALUES (1)')\n"
    )
    command = f"{PYTHON} migrate.py --to 'the head; exit 7'"
    found = rehearse(Migrations("sql", "sql", command=command), tmp_path, target)
    assert (found.walk, found.failure, found.ready) == (("up",), "", True)
    assert found.no_way_down == "The declared command only tells the way up."


def test_a_program_that_ends_well_elsewhere_is_found_out(tmp_path: Path, target: EmbeddedTarget) -> None:
    """When this database is not migrated after all, the program went elsewhere, and is not asked to go down there."""
    alembic_tree(tmp_path, LINE)
    (tmp_path / "upgrade").write_text("import pathlib, sys\npathlib.Path('ran').open('a').write(sys.argv[1])")
    found = rehearse(Migrations("alembic", "m", command=f"{PYTHON} upgrade upgrade head"), tmp_path, target)
    assert (found.walk, found.failed_step, found.ready) == ((), "up", False)
    assert "does not have a, b. Does it take its database from DATABASE_URL?" in found.failure
    assert (tmp_path / "ran").read_text() == "upgrade"


def test_a_program_that_fails_is_told_with_its_last_words(tmp_path: Path, target: EmbeddedTarget) -> None:
    """The exit code and the end of its output are in the sentence; the password is not."""
    migrations = alembic_tree(tmp_path, {"a": None})
    revision(tmp_path / migrations.path / "versions", "b", "a", up='op.execute("SELECT oops")')
    program = [sys.executable, "-m", "alembic", "-c", "m/alembic.ini", "upgrade", "head"]
    lines = [
        "import os, subprocess",
        "print(os.environ['DATABASE_URL'])",
        f"raise SystemExit(subprocess.call({program!r}))",
    ]
    (tmp_path / "loud.py").write_text("\n".join(lines))
    found = rehearse(Migrations("alembic", "m", command=f"{PYTHON} loud.py"), tmp_path, target)
    assert found.failed_step == "up"
    assert "ended with exit code 1" in found.failure
    assert 'column "oops" does not exist' in found.failure
    assert target.endpoint.password is not None
    assert target.endpoint.password not in found.failure


def test_a_program_that_is_not_there_is_told(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A misspelt program is a failed step."""
    alembic_tree(tmp_path, LINE)
    found = rehearse(Migrations("alembic", "m", command="no-such-program up"), tmp_path, target)
    assert found.failure == "`no-such-program up` ended with no start: No such file or directory: no-such-program"


def test_nothing_in_its_environment_leads_to_another_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """libpq's variables and every other database URL are kept from the program; the rest of the environment is not."""
    elsewhere = {
        "PGHOST": "production.example",
        "PGPASSWORD": "x",
        "DATABASE_URL": "postgres://production.example/app",
        "REPLICA": "postgresql+asyncpg://production.example/app",
        "Url": "POSTGRESQL://production.example/app",
    }
    for name, value in {**elsewhere, "APP_MODE": "test"}.items():
        monkeypatch.setenv(name, value)
    found = environment("postgresql+psycopg://u:p@127.0.0.1:5/app?sslmode=verify-full")
    assert found["DATABASE_URL"] == "postgresql://u:p@127.0.0.1:5/app?sslmode=verify-full"
    assert found["APP_MODE"] == "test"
    assert not any("production" in value for value in found.values())


def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """Past its time limit the program is ended with the child that would keep its output open; its words are kept."""
    child = f"{sys.executable} -c 'import time; time.sleep(600)'"
    script = f"import subprocess, sys; print('starting', flush=True); subprocess.run({child!r}, shell=True)"
    said, status = run([sys.executable, "-c", script], tmp_path, {"PATH": "/bin"}, limit=0.5)
    assert (said, status) == ("starting", "no end after 0 s")
