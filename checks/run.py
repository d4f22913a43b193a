"""Ask every planned question, side by side, and let none of them stop the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from checks.board import Board, Watch
from checks.catalog.circumstances import Circumstances
from checks.check import Effect
from checks.choice import DEADLINE
from checks.errors import CouldNotTell
from checks.evidence import gather, holder
from checks.lane import GRACE, Lane
from checks.plan import Plan, PlannedCheck
from checks.result import Results
from checks.targets.session import Target

CHECKS_A_LANE = 8
SHARED_LANES = 3  # with a check that is alone, four sessions at the most: a live server keeps its slots
SPARE = 0.15  # of the run's time, but a second at the most, is for telling whoever waits still that it was in vain
GLANCE = 0.2  # seconds between looks at whether someone wants the run stopped
INTERRUPTED = "run.interrupted"
MIGRATIONS = "migrations"
CONNECTIVITY = "connectivity"


def run(
    plan: Plan,
    target: Target,
    circumstances: Circumstances,
    *,
    watch: Watch,
    stop: threading.Event,
    withheld: CouldNotTell | None = None,
    can_say_more: Collection[str] = (MIGRATIONS,),
    deadline: float = DEADLINE,
) -> Results:
    """Every check's result, in the plan's order. `deadline` is in seconds and covers the whole run.

    When `stop` is set the run ends early: what is known is returned, the rest is errored as interrupted. `withheld` is
    why the database is not in the state the page speaks of: then only checks of the kinds `can_say_more` are asked.
    Never raises for what a check or a server does; a check that writes and a live target are a mistake of the caller.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    board = Board(plan.checks, watch)
    asked = [check for check in plan.checks if not check.skip]
    if not target.disposable and any(check.check.effect is Effect.CHANGE for check in asked):
        raise AssertionError("a check that writes was to be asked of a database that is not disposable")
    if withheld is not None:
        asked = [check for check in asked if check.check.kind in can_say_more]
        board.close(withheld.code, withheld.sentence, withheld.hint, besides=asked)
    circumstances = replace(circumstances, full=plan.full)
    spare = min(GRACE, deadline * SPARE)
    lanes = [
        Lane(target, circumstances, board, checks, until=clock + deadline, spare=spare) for checks in _lanes(asked)
    ]
    keeper = holder(lanes)
    if keeper is not None:
        keeper.hold()
    _wait(lanes, board, until=clock + deadline, stop=stop, deadline=deadline)
    snapshot = gather(target, lanes, board.results(), until=clock + deadline, stopped=stop.is_set())
    if keeper is not None:
        keeper.release()
    for lane in lanes:
        lane.abort()
    first = next((lane for lane in lanes if lane.server), None)
    return Results(
        plan=plan,
        target=target.name,
        server=first.server if first else None,
        guards=dict(first.guards) if first else {},
        started=started,
        seconds=time.monotonic() - clock,
        results=board.results(),
        interrupted=stop.is_set(),
        snapshot=snapshot,
    )


def without_asking(plan: Plan, target: str, reason: CouldNotTell, watch: Watch) -> Results:
    """The results of a run whose target could not be had: every check that would have been asked is errored."""
    board = Board(plan.checks, watch)
    board.close(reason.code, reason.sentence, reason.hint)
    interrupted = reason.code == INTERRUPTED
    return Results(plan, target, None, {}, datetime.now(UTC), 0.0, board.results(), interrupted)


def _lanes(asked: Sequence[PlannedCheck]) -> list[list[PlannedCheck]]:
    shared = [check for check in asked if not check.check.alone]
    # Whoever times round trips goes first in its flight, where no other answer is waited for.
    shared.sort(key=lambda check: check.check.kind != CONNECTIVITY)
    lanes = [[check] for check in asked if check.check.alone]
    for timeout in sorted({check.timeout for check in shared}):
        alike = [check for check in shared if check.timeout == timeout]
        count = min(SHARED_LANES, -(-len(alike) // CHECKS_A_LANE))
        lanes.extend(alike[lane::count] for lane in range(count))
    return lanes


def _wait(lanes: Sequence[Lane], board: Board, *, until: float, stop: threading.Event, deadline: float) -> None:
    """Until every check has its result, or its time is up: then whoever waits on the server is cut off."""
    waiting, asked = [lane for lane in lanes if lane.is_heavy], [lane for lane in lanes if not lane.is_heavy]
    for lane in asked:
        lane.start()
    while not board.complete:
        # What puts load on the server comes last and one at a time: it would disturb the others, and measure them.
        if waiting and all(lane.is_over() for lane in asked):
            asked.append(waiting.pop(0))
            asked[-1].start()
        now = time.monotonic()
        if stop.is_set():
            board.close(INTERRUPTED, "interrupted before it was answered")
        elif now >= until:
            board.close("run.timeout", "the run's own deadline passed before it was answered", seconds=deadline)
        for lane in lanes:
            if lane.deadline <= now:
                lane.give_up()
        board.wait(max(0.0, min(until, now + GLANCE, *(lane.deadline for lane in lanes)) - now))
