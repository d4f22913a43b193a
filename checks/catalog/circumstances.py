"""What a check may know of the run besides its own parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from checks.bench.settings import AS_DECLARED, Bench
from checks.check import Cell, Chart, Engine, Finding
from checks.errors import NotApplicable
from checks.migrations.outcome import Rehearsal
from checks.runbook.model import Backups, Migrations
from checks.runbook.pools import Pool
from checks.targets.session import Endpoint


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier report has of one finding: when its run began (UTC), and the evidence it shows."""

    began: datetime
    evidence: tuple[Mapping[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart of an earlier report, and when its run began (UTC)."""

    began: datetime
    chart: Chart


@dataclass(frozen=True, slots=True)
class PastDrill:
    """A drill of the history: when it began (UTC), what it drilled, and what came of it.

    `verdict` is the report's (`held`, `held, contents not proven`, `failed`, `could not tell`, `interrupted`).
    `seconds` is the time until the copy was verified, where it came to that. `proven` is whether its contents were
    held against what the source had, and not only restored and read.
    """

    began: datetime
    environment: str
    verdict: str
    artifact: str
    seconds: float | None = None
    physical: bool = False
    proven: bool = False

    @property
    def held(self) -> bool:
        """Whether no rung and no check failed, be the contents proven or not."""
        return self.verdict in {"held", "held, contents not proven"}


@dataclass(frozen=True, slots=True)
class PastDrills:
    """The drills of one page, oldest first, the file they stand in, and the numbers of its lines that are no drill."""

    file: Path
    drills: tuple[PastDrill, ...] = ()
    damaged: tuple[int, ...] = ()


def never(code: str) -> Earlier | None:
    """No report was ever written."""


def nothing_drawn(code: str) -> tuple[Drawn, ...]:  # noqa: ARG001 - whoever asks names the code
    """No report was ever written."""
    return ()


def no_drills(_environments: Collection[str]) -> PastDrills:
    """No drill was ever made."""
    return PastDrills(Path("reports/drills.jsonl"))


def no_rehearsal(_parameters: Any) -> list[Finding]:
    """The run is itself a drill, or has nothing to drill."""
    raise NotApplicable("this run looks at a copy; it is no place to make another one")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The same for every check of a run.

    `folder` is the project's folder, to which the page's paths are relative. `rehearsal` is what applying the
    migrations to this disposable target showed; None on a live one. `opening` gives the seconds of the round trip
    that opened the session the check is asked over, once it is open. `previous` gives what the newest earlier report of
    the same page and environment has of a finding with that code; it reads files, so only who compares should call it.
    `trend` gives the charts of findings with that code in the newest earlier reports, oldest first. `bench` is how
    queries are measured, and what they are held against.
    `variables` are this process's, and those of the env file a person named, which never win over them.
    `pools` are those the page declares, by service, and `settings` those of its disposable server. `socket` is a
    disposable target's shorter way in, `restart` restarts it with the same data and address, and both are None where
    there is no such thing. `pgbouncer` is the admin console of a live one's pooler. `full` is for whatever is otherwise
    cut short for speed.
    `environment` is the live one's name. `drills` gives the page's earlier drills of the environments named; like
    `previous` it reads a file. `rehearse` takes a backup of this disposable database, restores it into another server
    and gives what the ladder found, for the parameters of a `drill` check. `runbook`, `postgres` and `backups` are the
    page's name, the major that it names, and where it says that backups lie.
    """

    folder: Path
    engine: Engine
    endpoint: Endpoint
    disposable: bool
    migrations: Migrations | None = None
    rehearsal: Rehearsal | None = None
    opening: Callable[[], float | None] = lambda: None
    previous: Callable[[str], Earlier | None] = never
    trend: Callable[[str], tuple[Drawn, ...]] = nothing_drawn
    bench: Bench = AS_DECLARED
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    socket: Endpoint | None = None
    restart: Callable[[], None] | None = None
    pgbouncer: Endpoint | None = None
    full: bool = False
    environment: str = ""
    drills: Callable[[Collection[str]], PastDrills] = no_drills
    rehearse: Callable[[Any], list[Finding]] = no_rehearsal
    runbook: str = ""
    postgres: int | None = None
    backups: Backups | None = None
