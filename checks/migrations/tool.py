"""One door to the three tools: what the files say, where the rows are, and what the rows mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from checks.migrations.history import Applied, History, VersionTable
    from checks.runbook.model import Migrations, MigrationTool

    class Tool(Protocol):
        """What each module named after a tool offers."""

        def read(self, folder: Path, migrations: Migrations) -> History: ...

        def version_table(self, folder: Path, migrations: Migrations) -> VersionTable: ...

        def applied(self, rows: Sequence[Mapping[str, Any]], history: History) -> tuple[Applied, ...]: ...


def read_history(folder: Path, migrations: Migrations) -> History:
    """The migration files of the project in `folder`. Raises CouldNotTell (`migrations.unreadable`)."""
    return _module(migrations.tool).read(folder, migrations)


def version_table(folder: Path, migrations: Migrations) -> VersionTable:
    """The table that says what was applied, without asking any database."""
    return _module(migrations.tool).version_table(folder, migrations)


def applied(history: History, rows: Sequence[Mapping[str, Any]]) -> tuple[Applied, ...]:
    """The rows of the version table, as the tool means them."""
    return _module(history.tool).applied(rows, history)


def _module(tool: MigrationTool) -> Tool:
    from importlib import import_module

    return cast("Tool", import_module(f"checks.migrations.{tool}"))
