"""What a check may know of the run besides its own parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from checks.bench.settings import AS_DECLARED, Bench
from checks.check import Cell, Chart, Engine
from checks.migrations.outcome import Rehearsal
from checks.runbook.model import Migrations
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


def never(code: str) -> Earlier | None:
    """No report was ever written."""


def nothing_drawn(code: str) -> tuple[Drawn, ...]:  # noqa: ARG001 - whoever asks names the code
    """No report was ever written."""
    return ()


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
