"""Prisma's and plain SQL migrations, run in order and recorded as their tools record them.

Each script is one simple query, so it is one transaction unless it says otherwise: what Prisma's engine does, and psql
with `-1`. The row is written before the script and completed after it, so that a script that fails leaves the mark
its tool would leave.
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from checks.check import SQLITE, Query
from checks.errors import CouldNotTell, QueryFailed
from checks.migrations import prisma, sql
from checks.migrations.history import Migration, VersionTable, quote_identifier, quote_literal
from checks.migrations.inventory import PATIENCE
from checks.migrations.sections import script
from checks.migrations.tool import applied, read_history, version_table
from checks.migrations.walk import StepFailed, Walk
from checks.runbook.model import Migrations
from checks.targets.session import Session, Target


class ScriptWalk(Walk):
    """The scripts of one folder, on one database."""

    def __init__(self, migrations: Migrations, folder: Path, target: Target) -> None:
        if migrations.tool == "prisma" and target.engine == SQLITE:
            raise CouldNotTell("Prisma's migrations are rehearsed on PostgreSQL only, and this target is SQLite.")
        self.target = target
        self._schema = migrations.table_schema
        self._prisma = migrations.tool == "prisma"
        self._history = read_history(folder, migrations)
        self._table = version_table(folder, migrations)

    def version_table(self) -> VersionTable:
        """The tool's own table, as the page or the tool's default names it."""
        return self._table

    def no_way_down(self) -> str:
        """Prisma has none; a folder of SQL has one where every script has its opposite."""
        if self._prisma:
            return "Prisma knows no way down: it only writes what takes a database forward."
        without = [migration.path.name for migration in self._history.migrations if migration.down is None]
        return f"There is no way down: {', '.join(without)} has none." if without else ""

    def up(self) -> None:
        """Run every script that has no row yet."""
        session = self._open()
        try:
            _run(session, (prisma.CREATE if self._prisma else sql.CREATE).format(table=self._table.quoted), "")
            done = self._done(session)
            for migration in self._history.without(done):
                self._apply(session, migration)
        finally:
            session.close()

    def down(self) -> None:
        """Run the opposites, the last one first, and forget each."""
        session = self._open()
        try:
            for migration in reversed(self._history.migrations):
                if migration.down is not None:
                    _run(session, script(migration.down, "down"), migration.down.name)
                    forget = f"DELETE FROM {self._table.quoted} WHERE version = {quote_literal(migration.revision)}"  # noqa: S608 - quoted
                    _run(session, forget, migration.down.name)
        finally:
            session.close()

    def _open(self) -> Session:
        session = self.target.open(writable=True, timeout=PATIENCE)
        if self._schema:
            name = quote_identifier(self._schema)
            _run(session, f"CREATE SCHEMA IF NOT EXISTS {name}", "")
            if self._prisma:
                # The schema of Prisma's URL is where its unqualified tables go too.
                _run(session, f"SET search_path TO {name}", "")
        return session

    def _done(self, session: Session) -> set[str]:
        columns = (
            "migration_name, checksum, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back"
        )
        query = f"SELECT {columns if self._prisma else '*'} FROM {self._table.quoted}"  # noqa: S608 - quoted
        answers = session.ask([Query(query)], patience=PATIENCE)
        if not answers:
            raise StepFailed(f"{self._table} could not be read in time.")
        return {row.revision for row in applied(self._history, answers[0].dicts()) if row.finished}

    def _apply(self, session: Session, migration: Migration) -> None:
        begin, end = self._records(migration)
        _run(session, begin, migration.name)
        _run(session, script(migration.path, "up"), migration.name)
        _run(session, end, migration.name)

    def _records(self, migration: Migration) -> tuple[str, str]:
        """What is written to the version table before a script and after it."""
        table, name = self._table.quoted, quote_literal(migration.revision)
        digest = quote_literal(prisma.checksum(migration.path.read_bytes()))
        if not self._prisma:
            return "", f"INSERT INTO {table} (version, checksum) VALUES ({name}, {digest})"  # noqa: S608 - quoted
        key = quote_literal(str(uuid4()))
        return (
            f"INSERT INTO {table} (id, checksum, migration_name) VALUES ({key}, {digest}, {name})",  # noqa: S608 - quoted
            f"UPDATE {table} SET finished_at = now(), applied_steps_count = applied_steps_count + 1 WHERE id = {key}",  # noqa: S608 - quoted
        )


def _run(session: Session, text: str, name: str) -> None:
    if not text.strip():
        return
    try:
        session.script(text)
    except QueryFailed as failure:
        raise StepFailed(f"{name}: {failure.sentence}" if name else failure.sentence) from failure
