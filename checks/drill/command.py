"""What `invoke drill` asks for, page by page: where each backup comes from, and what its page allows and did before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checks.check import POSTGRESQL
from checks.choice import Selection
from checks.drill.origin import refuse_what_is_no_backup
from checks.drill.request import LATEST, LIVE, Request
from checks.drill.to_point import Flags, ToPoint, refuse_misfits, to_point
from checks.drilled import Budgets
from checks.endpoints import endpoints
from checks.errors import TargetFailed, UsageError
from checks.report.drills import past_drills, trend
from checks.runbook.model import Runbook
from checks.targets.binaries import find
from checks.targets.environment import known_variables
from checks.targets.session import Endpoint

KIND = "drill"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says. `limit` is in seconds, for the dump and for the restore each."""

    environment: str
    origin: str = LATEST
    env_file: str = ""
    postgres_bin: str = ""
    limit: float = 4 * 3600.0
    pitr: bool = False
    flags: Flags = field(default_factory=Flags)


def requests(runbooks: Sequence[Runbook], selection: Selection, asked: Asked, history: Path) -> list[Request]:
    """One for each page. Raises UsageError before anything is touched; `history` is the reports folder."""
    refuse_misfits(asked.flags, pitr=asked.pitr, origin=asked.origin)
    if not asked.pitr:  # whose files are looked at with its other flags
        refuse_what_is_no_backup(asked.origin)
    refuse_no_programs(asked.postgres_bin)
    if asked.origin not in {LIVE, LATEST} and len(runbooks) > 1:
        raise UsageError(
            f"--from {asked.origin} is one backup, and {len(runbooks)} runbooks are selected.",
            hint="Name the page it is of by --runbook.",
        )
    env_file = Path(asked.env_file) if asked.env_file else None
    known = known_variables(env_file, os.environ)
    wanted: list[tuple[Runbook, Endpoint | None]]
    if asked.origin == LIVE:
        found = endpoints(runbooks, asked.environment, env_file=env_file)
        for page, endpoint in found:
            if endpoint.engine != POSTGRESQL:
                raise UsageError(f"The environment {asked.environment} of {page.front.runbook} is no PostgreSQL.")
        wanted = [(page, endpoint) for page, endpoint in found]
    else:
        _require_environment(runbooks, asked.environment)
        wanted = [(page, None) for page in runbooks if _has(page, asked)]
    return [
        Request(
            runbook=page,
            origin=asked.origin,
            environment=asked.environment,
            endpoint=endpoint,
            variables=known,
            only=selection.only,
            postgres_bin=asked.postgres_bin,
            budgets=budgets_of(page),
            extensions=extensions_of(page),
            trend=trend(past_drills(history, page.front.runbook, (asked.environment,)), physical=asked.pitr),
            limit=asked.limit,
        )
        for page, endpoint in wanted
    ]


def refuse_no_programs(postgres_bin: str) -> None:
    """Raises UsageError where a folder was named that has no PostgreSQL in it."""
    if not postgres_bin:
        return
    try:
        find(explicit=Path(postgres_bin))
    except TargetFailed as reason:
        raise UsageError(f"--postgres-bin {postgres_bin}: {reason.sentence}", hint=reason.hint) from None


def extensions_of(page: Runbook) -> frozenset[str]:
    """What the page's `drill` check lets a dump make, beyond what is harmless."""
    allowed = _allowed(page)
    return frozenset() if allowed is None else frozenset(allowed.extensions)


def _allowed(page: Runbook) -> Any:
    """The parameters of the page's `drill` check; None where it has none."""
    return next((entry.params for entry in page.entries() if entry.kind == KIND), None)


def budgets_of(page: Runbook) -> Budgets:
    """What the page's `drill` check allows; nothing where it has none."""
    allowed = _allowed(page)
    if allowed is None:
        return Budgets()
    rto, rpo = allowed.rto, allowed.rpo
    return Budgets(
        rto=None if rto is None else float(rto),
        rpo=None if rpo is None else float(rpo),
        every=float(allowed.every),
    )


def _require_environment(runbooks: Sequence[Runbook], environment: str) -> None:
    """A drill stands in the history under the environment whose backup it was of, so its name has to be a known one."""
    if environment and not any(environment in page.front.environments for page in runbooks):
        known = "; ".join(f"{page.front.runbook}: {', '.join(page.front.environments) or 'none'}" for page in runbooks)
        raise UsageError(
            f"--env {environment}: no selected runbook has that environment.", hint=f"the environments are, {known}"
        )


def _has(page: Runbook, asked: Asked) -> bool:
    """Of all pages those are drilled that have such an environment and, for the latest backup, say where it lies."""
    return (not asked.environment or asked.environment in page.front.environments) and (
        asked.origin != LATEST or asked.pitr or page.front.backups is not None
    )


def points(made: Sequence[Request], asked: Asked) -> dict[Path, ToPoint]:
    """Where each page's drill is to a point in time, that point; raises UsageError for files that are none."""
    if not asked.pitr:
        return {}
    return {
        one.runbook.path: to_point(asked.flags, one.runbook, origin=asked.origin, environment=asked.environment)
        for one in made
    }
