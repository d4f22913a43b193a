"""A look at the server once all results are in, when one of them is bad; and never a reason for anything to fail."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing

from checks.check import POSTGRESQL
from checks.errors import CouldNotTell
from checks.lane import Lane
from checks.result import Result, Status
from checks.snapshot import PATIENCE, Snapshot, queries, snapshot_of
from checks.targets.session import Session, Target

LEAST = 0.1  # seconds; with less left than this, the run had better end


def holder(lanes: Sequence[Lane]) -> Lane | None:
    """The lane that keeps its session for the look, since another connection would cost another slot."""
    return next((lane for lane in lanes if lane.is_shared), None)


def gather(
    target: Target, lanes: Sequence[Lane], results: Sequence[Result], *, until: float, stopped: bool
) -> Snapshot | None:
    """The snapshot, where a check failed or errored on a PostgreSQL that had answered before; else None.

    `until` is on `time.monotonic()`. The session of `holder` is used; where that was lost, a new one.
    """
    bad = any(result.status in {Status.FAILED, Status.ERRORED} for result in results)
    answered = any(lane.server is not None for lane in lanes)
    patience = min(PATIENCE, until - time.monotonic())
    if target.engine != POSTGRESQL or not bad or not answered or stopped or patience < LEAST:
        return None
    keeper = holder(lanes)
    held = keeper.held(patience) if keeper else None
    try:
        if held is not None:
            found = _held_look(held, patience, target)
            if found is not None:
                return found
        with closing(target.open(timeout=patience)) as session:
            return _look(session, patience)
    except CouldNotTell:
        return None


def _held_look(session: Session, patience: float, target: Target) -> Snapshot | None:
    """None where a check restarted the server meanwhile, which only a disposable one suffers."""
    try:
        return _look(session, patience)
    except CouldNotTell:
        if target.disposable:
            return None
        raise


def _look(session: Session, patience: float) -> Snapshot:
    return snapshot_of(session.ask(queries(), patience=patience))
