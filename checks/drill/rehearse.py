"""A drill of a disposable database, as the `drill` check of `verify` asks for it.

The database was just made from the page's migrations and fixtures, so this says nothing of any backup that is kept. It
says that a backup of this schema can be taken, restored and proven on this machine, which is what breaks first when an
extension, a role or a migration comes along that no restore knows of.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from checks.board import Watch
from checks.check import Finding
from checks.drill.drill import drill
from checks.drill.request import LIVE, Request
from checks.drilled import Budgets, Drill
from checks.errors import CouldNotTell
from checks.result import Result, Status
from checks.runbook.model import Runbook
from checks.targets.disposable import DisposableTarget
from checks.units import show_bytes, show_seconds

LIMIT = 60.0  # seconds; the check's own timeout is the shorter one


class _Unwatched:
    """Whoever watches the run is told of the check, and not of each phase of the drill within."""

    def stage(self, sentence: str) -> None:
        """Not shown."""

    def delayed(self, sentence: str) -> None:
        """Not shown."""

    def finished(self, result: Result) -> None:
        """Not shown."""


def rehearse(runbook: Runbook, target: DisposableTarget, postgres_bin: str, parameters: Any) -> list[Finding]:
    """What the ladder found of a copy of `target`: every finding that does not hold, and one that says how it went.

    `parameters` are those of the page's `drill` check. Raises CouldNotTell for the first rung without a verdict, unless
    another one broke.
    """
    request = Request(
        runbook,
        LIVE,
        endpoint=target.socket_endpoint,
        postgres_bin=postgres_bin,
        budgets=Budgets(parameters.rto, parameters.rpo, parameters.every),
        limit=LIMIT,
        extensions=frozenset(parameters.extensions),
        asks=False,
    )
    watch: Watch = _Unwatched()
    done, _ = drill(request, watch, threading.Event())
    broken = list(_broken(done))
    without = next((step for step in done.steps if step.status is Status.ERRORED), None)
    if without is not None and not broken:
        raise CouldNotTell(f"{without.rung.value}: {without.reason}", code=without.code, hint=without.hint)
    return [*broken, _went(done)]


def _broken(done: Drill) -> Iterator[Finding]:
    for step in done.steps:
        yield from (finding for finding in step.findings if not finding.holds)


def _went(done: Drill) -> Finding:
    rungs = [step for step in done.steps if step.status is not Status.SKIPPED]
    held = sum(step.status in {Status.PASSED, Status.WARNED} for step in rungs)
    took = show_seconds(done.rto_verified) if done.rto_verified is not None else "no time that counts"
    sentence = (
        f"A dump of {show_bytes(done.bytes)} was restored and proven in {took}: {held} of {len(rungs)} rungs held."
    )
    evidence = tuple(
        {"rung": step.rung.value, "status": step.status.value, "finding": _told(step.findings) or step.reason}
        for step in done.steps
    )
    return Finding("drill.rehearsed", True, sentence, "", f"{held} of {len(rungs)} rungs", evidence)


def _told(findings: tuple[Finding, ...]) -> str:
    return next((finding.sentence for finding in findings), "")
