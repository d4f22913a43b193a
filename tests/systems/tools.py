"""The five pages on real databases: filled once, copied for each test, asked by the project's own runner."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.catalog.codes import documented
from checks.migrations.outcome import Rehearsal
from checks.plan import Mode, plan
from checks.prepare import prepare
from checks.result import Result, Status
from checks.run import run
from checks.runbook.model import Runbook
from checks.runbook.reader import interpret, read
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.session import Target
from tests.majors import start

FOLDER = Path(__file__).parents[2]
SYSTEMS = ("relay", "platform-api", "blackroad", "gaia", "teller")


class Unwatched:
    """A watch that looks away."""

    def stage(self, sentence: str) -> None:
        """Nothing is shown."""

    def delayed(self, sentence: str) -> None:
        """Nothing is shown."""

    def finished(self, result: Result) -> None:
        """Nothing is shown."""


@cache
def page_of(system: str) -> Runbook:
    """The system's page, as it is shipped."""
    return read(FOLDER / "runbooks" / f"{system}.md", CATALOG, documented())


def page_with(system: str, old: str, new: str) -> Runbook:
    """The system's page with one passage of it changed."""
    text = page_of(system).path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {system}.md"
    return interpret(page_of(system).path, text.replace(old, new).encode(), CATALOG, documented())


@dataclass(frozen=True)
class Filled:
    """A server with a migrated and filled database to copy, and what applying the migrations showed."""

    page: Runbook
    server: EmbeddedServer
    template: str
    rehearsal: Rehearsal | None

    def copy(self, name: str) -> EmbeddedTarget:
        """A database of its own, in the state the page speaks of."""
        self.server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')
        return EmbeddedTarget(self.server, name, owns_server=False)


def fill(page: Runbook, target: EmbeddedTarget, rows: int) -> Rehearsal | None:
    """Bring an empty database into the state the page speaks of, as `verify` does."""
    prepared = prepare(page, target, rows)
    assert prepared.shortfall is None, prepared.shortfall
    return prepared.rehearsal


def filled(system: str, binaries: Binaries, rows: int = 10) -> Filled:
    """A server with the page's settings, and the system's database filled on it. The caller stops the server."""
    page = page_of(system)
    server = start(binaries, page.front.server)
    try:
        target = server.create_target("filled")
        return Filled(page, server, "filled", fill(page, target, rows))
    except BaseException:
        server.stop()
        raise


def ask(
    page: Runbook,
    target: Target,
    *,
    rehearsal: Rehearsal | None = None,
    environment: str = "",
    only: Sequence[str] = (),
) -> dict[str, Result]:
    """What comes of each check of the page, by name; `environment` is whom a disposable target stands in for."""
    mode = Mode.VERIFY if target.disposable else Mode.CHECK
    planned = plan(page, CATALOG, mode=mode, engine=target.engine, environment=environment, only=only)
    migrations = page.front.migrations
    ours: dict[str, Any] = {}
    if isinstance(target, EmbeddedTarget):
        ours = {"socket": target.socket_endpoint, "restart": target.restart}
    known = Circumstances(
        page.folder,
        target.engine,
        target.endpoint,
        target.disposable,
        migrations,
        rehearsal,
        pools=page.front.pools,
        settings=page.front.server,
        **ours,
        environment=environment,
        runbook=page.front.runbook,
        backups=page.front.backups,
    )
    results = run(planned, target, known, watch=Unwatched(), stop=threading.Event())
    return {result.planned.name: result for result in results.results}


def told(results: dict[str, Result]) -> dict[str, list[str]]:
    """For a failing test's message: what every check that did not pass had to say."""
    return {
        name: [result.reason, *(finding.sentence for finding in result.findings if not finding.holds)]
        for name, result in results.items()
        if result.status is not Status.PASSED
    }


def execute(target: EmbeddedTarget, sql: str) -> None:
    """Sabotage a database; the statements run in one transaction."""
    session = target.open(writable=True)
    try:
        session.script(sql)
    finally:
        session.close()


def value_of(target: EmbeddedTarget, sql: str) -> Any:
    """The one value a query returns."""
    with target.server.connect(target.database) as connection:
        row = connection.execute(sql).fetchone()
    return row[0] if row else None


Copier = Callable[[str], tuple[Filled, EmbeddedTarget]]
