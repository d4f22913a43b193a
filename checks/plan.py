"""What will be asked, of whom, and what will not and why: all refusals happen here, before a server is touched."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from checks.check import SQLITE, Check, Effect, Engine
from checks.errors import NothingSelected
from checks.runbook.model import CheckEntry, Runbook
from checks.suggest import did_you_mean

DEFAULT_TIMEOUT = 10.0
# What a check of the kind asks of the server that is in use, and a restored copy can only answer for itself.
_OF_THE_LIVE_SERVER = {
    "connectivity": "the way to the live server",
    "tls": "the live server's encryption",
    "http": "a service that is in use",
    "variables": "variables of the service",
    "connections": "sessions of the live server",
    "pool_budget": "the slots of the live server",
    "compose": "the live server's container",
    "replication": "standbys of the live server",
    "slow_queries": "statistics of the live server",
    "vacuum": "statistics of the live server",
    "storage": "the live server's disk",
    "roles": "roles of the live server",
    "version": "the live server's release",
    "backup": "the backups themselves",
    "drill": "earlier drills",
    "migrations": "the deployment, and the rungs on migrations say how far the copy is",
}


class Mode(StrEnum):
    """Why the run happens: to try the page on a disposable server, to look at a live one or a copy, or to measure."""

    VERIFY = "verify"
    CHECK = "check"
    BENCH = "bench"
    DRILL = "drill"


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """One question of the run. `skip` is why it will not be asked, or empty. `timeout` is in seconds."""

    entry: CheckEntry
    check: Check
    timeout: float
    skip: str = ""

    @property
    def name(self) -> str:
        return self.entry.name


@dataclass(frozen=True, slots=True)
class Plan:
    """The checks of one runbook against one target, in the page's order. A disposable one has no `environment`.

    `major` is the PostgreSQL that the command line asked for, None where that is the page's to say. `full` is for
    asking in full what is otherwise cut short for speed.
    There is no plan to look at a live environment with a check in it that writes and is not skipped.
    """

    runbook: Runbook
    mode: Mode
    environment: str
    checks: tuple[PlannedCheck, ...]
    full: bool = False
    major: int | None = None

    @property
    def label(self) -> str:
        """What tells this run from the others of one command: `gaia`, or `gaia on 15`."""
        name = self.runbook.front.runbook
        return f"{name} on {self.major}" if self.major else name

    def __post_init__(self) -> None:
        writes = [check.name for check in self.checks if check.check.effect is Effect.CHANGE and not check.skip]
        if _is_live(self.mode, self.environment) and writes:
            raise AssertionError(f"{', '.join(writes)}: a check that writes was planned for a live environment")


def _is_live(mode: Mode, environment: str) -> bool:
    return mode is Mode.CHECK or (mode is Mode.BENCH and bool(environment))


def plan(
    runbook: Runbook,
    catalog: Mapping[str, Check],
    *,
    mode: Mode,
    engine: Engine,
    environment: str = "",
    only: Sequence[str] = (),
    timeout: float = DEFAULT_TIMEOUT,
    allow: Collection[Effect] = (),
    full: bool = False,
) -> Plan:
    """The run's questions; `only` keeps checks by name or kind. Raises NothingSelected when none is left.

    `allow` is what may be done to a live environment besides observing: `load`. Writing is not for it to allow.
    """
    entries = _selected(runbook, only)
    planned = tuple(
        PlannedCheck(
            entry=entry,
            check=catalog[entry.kind],
            timeout=_time_for(entry, catalog[entry.kind], runbook, timeout, full=full),
            skip=_not_here(entry, catalog[entry.kind], engine, environment)
            or (_too_much(catalog[entry.kind], allow) if _is_live(mode, environment) else "")
            or (_not_of_a_copy(catalog[entry.kind]) if mode is Mode.DRILL else ""),
        )
        for entry in entries
    )
    if all(check.skip for check in planned):
        reasons = "; ".join(f"{check.name}: {check.skip}" for check in planned) or "the page has no checks"
        raise NothingSelected(f"{runbook.path}: nothing to ask ({reasons})")
    return Plan(runbook, mode, environment, planned, full)


def _time_for(entry: CheckEntry, check: Check, runbook: Runbook, timeout: float, *, full: bool) -> float:
    """The page's own word, else the run's and what the check takes by design."""
    if entry.timeout is not None:
        return float(entry.timeout)
    return timeout + (check.lasts(entry.params, runbook.front, full) if check.lasts is not None else 0.0)


def _selected(runbook: Runbook, only: Sequence[str]) -> list[CheckEntry]:
    entries = list(runbook.entries())
    selected = [entry for entry in entries if not only or entry.name in only or entry.kind in only]
    if only and not selected:
        known = {entry.name for entry in entries} | {entry.kind for entry in entries}
        hints = [hint for wanted in only if (hint := did_you_mean(wanted, known))]
        raise NothingSelected(f"{runbook.path}: no check is named {' or '.join(only)}", hint=" ".join(hints))
    return selected


def _not_here(entry: CheckEntry, check: Check, engine: Engine, environment: str) -> str:
    """Why the check makes no sense of this target, or nothing."""
    if entry.environments and environment not in entry.environments:
        here = f"this is {environment}" if environment else "this is a disposable server"
        return f"only for {', '.join(entry.environments)}; {here}"
    if engine not in check.engines:
        return f"{check.kind} asks what {'SQLite' if engine == SQLITE else engine} does not have"
    return ""


def _not_of_a_copy(check: Check) -> str:
    """Why the check makes no sense of a restored copy, or nothing."""
    if check.effect is not Effect.OBSERVE:
        return "a restored copy is only looked at"
    about = _OF_THE_LIVE_SERVER.get(check.kind, "")
    return f"on a restored copy it is not asked: it is about {about}" if about else ""


def _too_much(check: Check, allow: Collection[Effect]) -> str:
    """Why the check must not be asked of a live target, or nothing."""
    if check.effect is Effect.CHANGE:
        return "it writes, and writes are only ever made to disposable servers"
    if check.effect is Effect.LOAD and Effect.LOAD not in allow:
        return "it puts load on the server, which a live one is spared without `--allow load`"
    return ""
