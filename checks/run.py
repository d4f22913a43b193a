"""Ask every planned question, side by side, and let none of them stop the rest.

Checks that only ask queries share a lane: one connection, and one flight of queries a round, so that twenty checks cost
a live database one authentication and a handful of round trips. Checks that do more have a lane to themselves.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from checks.catalog.circumstances import Circumstances
from checks.check import Answer, Asking, Effect, Finding, Query
from checks.errors import ConnectionFailed, CouldNotTell, NotApplicable
from checks.plan import Plan, PlannedCheck
from checks.result import Result, Results, Status, judge
from checks.secrets import mask
from checks.targets.session import Server, Session, Target
from checks.units import show_seconds

CHECKS_A_LANE = 8
SHARED_LANES = 3  # with a check that is alone, four sessions at the most: a live server keeps its slots
GRACE = 1.0  # seconds the server's own statement_timeout is given to speak first
GLANCE = 0.2  # seconds between looks at whether someone wants the run stopped
RUN_DEADLINE = 120.0
INTERRUPTED = "run.interrupted"
MIGRATIONS = "migrations"
CONNECTIVITY = "connectivity"


class Watch(Protocol):
    """Whoever watches one runbook's run; its threads may call at any time."""

    def stage(self, sentence: str) -> None:
        """What is being done now, before or between checks: `applying 5 migrations`."""
        ...

    def finished(self, result: Result) -> None:
        """One check came to its end."""
        ...


def run(
    plan: Plan,
    target: Target,
    circumstances: Circumstances,
    *,
    watch: Watch,
    stop: threading.Event,
    withheld: CouldNotTell | None = None,
    deadline: float = RUN_DEADLINE,
) -> Results:
    """Every check's result, in the plan's order. `deadline` is in seconds and covers the whole run.

    When `stop` is set the run ends early: what is known is returned, the rest is errored as interrupted. `withheld` is
    why the database is not in the state the page speaks of: then only the checks that can say more of it are asked.
    Never raises for what a check or a server does.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    board = Board(plan.checks, watch)
    asked = [check for check in plan.checks if not check.skip]
    if withheld is not None:
        asked = [check for check in asked if check.check.kind == MIGRATIONS]
        board.close(withheld.code, withheld.sentence, withheld.hint, besides=asked)
    lanes = [Lane(target, circumstances, board, checks) for checks in _lanes(asked)]
    for lane in lanes:
        lane.start()
    _wait(lanes, board, until=clock + deadline, stop=stop)
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


def _wait(lanes: Sequence[Lane], board: Board, *, until: float, stop: threading.Event) -> None:
    """Until every check has its result, or its time is up: then whoever waits on the server is cut off."""
    while not board.complete:
        now = time.monotonic()
        if stop.is_set():
            board.close(INTERRUPTED, "interrupted before it was answered")
        elif now >= until:
            board.close("run.timeout", "the run's own deadline passed before it was answered")
        for lane in lanes:
            if lane.deadline <= now:
                lane.give_up()
        board.wait(max(0.0, min(until, now + GLANCE, *(lane.deadline for lane in lanes)) - now))


class Board:
    """The results as they come in; the first one for a check is the one that counts."""

    def __init__(self, planned: Sequence[PlannedCheck], watch: Watch) -> None:
        self._planned = planned
        self._watch = watch
        self._lock = threading.Lock()
        self._results: dict[str, Result] = {}
        self._arrivals: queue.SimpleQueue[None] = queue.SimpleQueue()
        for check in planned:
            if check.skip:
                self.post(Result(check, Status.SKIPPED, reason=check.skip, code="run.skipped"))

    def post(self, result: Result) -> None:
        with self._lock:
            if result.planned.name not in self._results:
                self._results[result.planned.name] = result
                self._watch.finished(result)
        self._arrivals.put(None)

    def close(self, code: str, reason: str, hint: str = "", besides: Sequence[PlannedCheck] = ()) -> None:
        """Give every check still without a result, `besides` some, this reason for having none."""
        for check in (check for check in self._planned if check not in besides):
            self.post(Result(check, Status.ERRORED, reason=reason, code=code, hint=hint))

    def wait(self, seconds: float) -> None:
        """Until a result arrives, or `seconds` have passed."""
        try:
            self._arrivals.get(timeout=seconds)
        except queue.Empty:
            return

    @property
    def complete(self) -> bool:
        return len(self._results) == len(self._planned)

    def results(self) -> tuple[Result, ...]:
        return tuple(self._results[check.name] for check in self._planned)


@dataclass(slots=True)
class Inquiry:
    """One check while it is being asked: its generator, and the queries it waits to have answered."""

    planned: PlannedCheck
    asking: Asking
    started: float = field(default_factory=time.monotonic)
    waiting: Sequence[Query] = ()

    def advance(
        self, answers: Sequence[Answer] | None = None, failure: ConnectionFailed | None = None
    ) -> Result | None:
        """On to the next queries, or to the result. `answers` to the last queries, or the `failure` to ask them."""
        try:
            if failure is not None:
                self.waiting = self.asking.throw(failure)
            elif answers is None:
                self.waiting = next(self.asking)
            else:
                self.waiting = self.asking.send(answers)
        except StopIteration as stop:
            findings: list[Finding] = stop.value
            status = judge(findings, self.planned.entry.severity)
            return Result(self.planned, status, tuple(findings), self.seconds)
        except NotApplicable as reason:
            return Result(self.planned, Status.SKIPPED, (), self.seconds, reason.sentence, "run.skipped", reason.hint)
        except CouldNotTell as reason:
            return Result(self.planned, Status.ERRORED, (), self.seconds, reason.sentence, reason.code, reason.hint)
        except Exception as bug:  # noqa: BLE001 - a bug in one check must not take the others' verdicts with it
            sys.stderr.write(mask(traceback.format_exc()))
            sentence = f"a bug in the {self.planned.check.kind} check: {type(bug).__name__}: {bug}"
            return Result(self.planned, Status.ERRORED, (), self.seconds, mask(sentence), "run.bug")
        return None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


class Flight:
    """The inquiries of one flight, each moved on as soon as its own answers are in."""

    def __init__(self, inquiries: Sequence[Inquiry], settle: Callable[[Inquiry, Result | None], list[Inquiry]]) -> None:
        self.ahead = list(inquiries)
        self.unfinished: list[Inquiry] = []
        self._settle = settle
        self._answers: list[Answer] = []

    def arrived(self, answer: Answer) -> None:
        """Take the next answer of the flight."""
        self._answers.append(answer)
        if len(self._answers) == len(self.ahead[0].waiting):
            inquiry, answers, self._answers = self.ahead.pop(0), self._answers, []
            self.unfinished += self._settle(inquiry, inquiry.advance(answers))


class Lane:
    """A thread, at most one session at a time, and the checks that share it."""

    def __init__(
        self, target: Target, circumstances: Circumstances, board: Board, planned: Sequence[PlannedCheck]
    ) -> None:
        self._target = target
        self._circumstances = replace(circumstances, opening=self._opening)
        self._board = board
        self._planned = planned
        self._session: Session | None = None
        self._aborted = False
        self._writable = any(check.check.effect is Effect.CHANGE for check in planned)
        self._timeout = planned[0].timeout
        self.deadline = float("inf")
        self.server: Server | None = None
        self.guards: dict[str, str] = {}

    def start(self) -> None:
        # A daemon: a check stuck in a system call must not keep the process from ending.
        threading.Thread(target=self._run, name=f"lane {self._planned[0].name}", daemon=True).start()

    def abort(self) -> None:
        """Free this lane's thread, whatever it waits for, and let it open no further session."""
        self._aborted = True
        self.deadline = float("inf")
        if self._session is not None:
            self._session.abort()

    def give_up(self) -> None:
        """The lane's time is up: whatever it is doing, its checks have no verdict."""
        self.abort()
        for check in self._planned:
            reason = f"no answer within its {show_seconds(check.timeout)}"
            self._board.post(Result(check, Status.ERRORED, reason=reason, code="run.timeout", seconds=check.timeout))

    def _run(self) -> None:
        begun = [self._begin(check) for check in self._planned]
        inquiries = [kept for inquiry in begun for kept in self._post_or_keep(inquiry, inquiry.advance())]
        while inquiries and not self._aborted:
            self.deadline = time.monotonic() + len(inquiries) * (self._timeout + GRACE)
            inquiries = self._round(inquiries)
        self._drop_session()
        self.deadline = float("inf")

    def _begin(self, check: PlannedCheck) -> Inquiry:
        self.deadline = time.monotonic() + check.timeout + GRACE
        return Inquiry(check, check.check.ask(check.entry.params, self._circumstances))

    def _round(self, inquiries: list[Inquiry]) -> list[Inquiry]:
        """One flight for all. Whoever hangs is cut off; those behind it are asked again over a new session."""
        queries = [query for inquiry in inquiries for query in inquiry.waiting]
        flight, patience = Flight(inquiries, self._post_or_keep), self._timeout + GRACE
        try:
            session = self._open(fresh=any(query.fresh for query in queries))
            session.ask(queries, patience=patience, arrived=flight.arrived)
        except ConnectionFailed as failure:
            self._drop_session()
            return flight.unfinished + self._throw(flight.ahead, failure)
        if not flight.ahead:
            return flight.unfinished
        self._drop_session()
        silence = f"no answer within {show_seconds(patience)}, and the server did not end the query either"
        hung = ConnectionFailed(silence, code="connectivity.silent")
        return flight.unfinished + self._throw(flight.ahead[:1], hung) + flight.ahead[1:]

    def _throw(self, inquiries: Iterable[Inquiry], failure: ConnectionFailed) -> list[Inquiry]:
        return [kept for inquiry in inquiries for kept in self._post_or_keep(inquiry, inquiry.advance(failure=failure))]

    def _post_or_keep(self, inquiry: Inquiry, result: Result | None) -> list[Inquiry]:
        if result is None:
            return [inquiry]
        self._board.post(result)
        return []

    def _open(self, *, fresh: bool) -> Session:
        if fresh:
            self._drop_session()
        if self._session is None:
            self._session = self._target.open(writable=self._writable, timeout=self._timeout)
            self.server, self.guards = self._session.server, dict(self._session.guards)
        return self._session

    def _opening(self) -> float | None:
        return self._session.round_trip if self._session else None

    def _drop_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
