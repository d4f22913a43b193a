"""Migrations applied by the command the page declares: a program of the project's own, in its own interpreter.

It learns where to go from DATABASE_URL and from nothing else: every other variable that would lead to a database is
taken out of its environment, so that a rehearsal cannot end up in production.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

from checks.check import Query
from checks.migrations.compare import pending
from checks.migrations.history import VersionTable
from checks.migrations.inventory import PATIENCE
from checks.migrations.tool import applied, read_history, version_table
from checks.migrations.walk import StepFailed, Walk
from checks.runbook.model import Migrations
from checks.targets.session import Target
from checks.targets.url import sqlalchemy_url

TIME_LIMIT = 300.0
SAID = 8  # the last lines a program says before it fails are those that tell why
_UP = (["upgrade", "head"], ["upgrade", "heads"])


class CommandWalk(Walk):
    """A declared command on one database. Where it is Alembic's own `… upgrade head`, it is turned round for the way
    down; of any other program only the way up is known."""

    def __init__(self, migrations: Migrations, folder: Path, target: Target) -> None:
        self.target = target
        self._folder = folder
        self._words = shlex.split(migrations.command or "")
        self._history = read_history(folder, migrations)
        self._table = version_table(folder, migrations)
        self._has_way_down = migrations.tool == "alembic" and self._words[-2:] in _UP

    def version_table(self) -> VersionTable:
        """Where the page and the files say the rows are."""
        return self._table

    def no_way_down(self) -> str:
        """A program is only ever asked for what it was declared to do, or for Alembic's opposite of that."""
        return "" if self._has_way_down else "The declared command only tells the way up."

    def up(self) -> None:
        """Run the command, then see that it was this database it migrated: only then is a way down thinkable."""
        self._run(self._words)
        remaining = self._remaining()
        if remaining:
            raise StepFailed(
                f"`{shlex.join(self._words)}` ended well, and {self._table} of this database does not have "
                f"{', '.join(remaining)}. Does it take its database from DATABASE_URL?"
            )

    def down(self) -> None:
        """The same command with `downgrade base` in place of `upgrade head`."""
        self._run([*self._words[:-2], "downgrade", "base"])

    def _remaining(self) -> list[str]:
        session = self.target.open(timeout=PATIENCE)
        try:
            columns = _COLUMNS.get(self._history.tool, "*")
            answers = session.ask([Query(f"SELECT {columns} FROM {self._table.quoted}")], patience=PATIENCE)  # noqa: S608 - quoted
        finally:
            session.close()
        known = bool(answers) and answers[0].error is None
        rows = applied(self._history, answers[0].dicts()) if known else ()
        return [migration.revision for migration in pending(self._history, rows)]

    def _run(self, words: list[str]) -> None:
        said, status = run(words, self._folder, environment(sqlalchemy_url(self.target.endpoint)))
        if status:
            raise StepFailed(f"`{shlex.join(words)}` ended with {status}: {said}")


_COLUMNS = {
    "prisma": "migration_name, checksum, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back"
}


def environment(url: str) -> dict[str, str]:
    """Our environment for a program that must reach this database and no other: DATABASE_URL in the spelling that every
    driver understands, none of libpq's variables, and nothing else that holds the URL of a server."""
    ours = {name: value for name, value in os.environ.items() if not _leads_elsewhere(name, value)}
    return ours | {"DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://", 1)}


def _leads_elsewhere(name: str, value: str) -> bool:
    return name.startswith("PG") or value.lower().startswith(("postgres://", "postgresql://", "postgresql+"))


def run(words: list[str], folder: Path, variables: dict[str, str], limit: float = TIME_LIMIT) -> tuple[str, str]:
    """The last lines the program said, and how it failed, empty if it did not. `limit` is in seconds."""
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        return f"{error.strerror}: {error.filename}", "no start"
    with process:
        try:
            said, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            # Whatever it started goes with it: npx and poetry are only the parents of what does the work.
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            return _last(said), f"no end after {limit:.0f} s"
    return _last(said), f"exit code {process.returncode}" if process.returncode else ""


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return "\n".join(lines[-SAID:])
