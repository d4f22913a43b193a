"""One thread and one session at a time, for the checks that share them.

Checks that only ask queries share a lane: one connection, and one flight of queries a round, so that twenty checks cost
a live database one authentication and a handful of round trips. Checks that do more have a lane to themselves.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from checks.board import Board
from checks.catalog.circumstances import Circumstances
from checks.check import Answer, Asking, Effect, Finding, Query
from checks.errors import ConnectionFailed, CouldNotTell, NotApplicable
from checks.plan import PlannedCheck
from checks.result import Result, Status, judge
from checks.secrets import mask
from checks.targets.session import Server, Session, Target
from checks.units import show_seconds

GLANCE = 0.2  # seconds an idle session may take to say goodbye
GRACE = 1.0  # seconds the server's own statement_timeout is given to speak first


@dataclass(slots=True)
class Inquiry:
    """One check while it is being asked: its generator, and the queries it waits to have answered.

    `seconds` is the time spent on it: its own, and that from sending its queries to their last answer.
    """

    planned: PlannedCheck
    asking: Asking
    waiting: Sequence[Query] = ()
    seconds: float = 0.0

    def advance(
        self, answers: Sequence[Answer] | None = None, failure: ConnectionFailed | None = None
    ) -> Result | None:
        """On to the next queries, or to the result. `answers` to the last queries, or the `failure` to ask them."""
        clock = time.monotonic()
        try:
            self._step(answers, failure)
        except StopIteration as stop:
            self.seconds += time.monotonic() - clock
            return self._judged(stop.value)
        except Exception as reason:  # noqa: BLE001 - a bug in one check must not take the others' verdicts with it
            self.seconds += time.monotonic() - clock
            return self._without_verdict(reason)
        self.seconds += time.monotonic() - clock
        return None

    def _step(self, answers: Sequence[Answer] | None, failure: ConnectionFailed | None) -> None:
        if failure is not None:
            self.waiting = self.asking.throw(failure)
        elif answers is None:
            self.waiting = next(self.asking)
        else:
            self.waiting = self.asking.send(answers)

    def _judged(self, findings: Sequence[Finding]) -> Result:
        status = judge(findings, self.planned.entry.severity)
        return Result(self.planned, status, tuple(findings), self.seconds)

    def _without_verdict(self, reason: Exception) -> Result:
        if isinstance(reason, NotApplicable):
            return Result(self.planned, Status.SKIPPED, (), self.seconds, reason.sentence, "run.skipped", reason.hint)
        if isinstance(reason, CouldNotTell):
            return Result(self.planned, Status.ERRORED, (), self.seconds, reason.sentence, reason.code, reason.hint)
        _show(reason)
        sentence = f"a bug in the {self.planned.check.kind} check: {type(reason).__name__}: {reason}"
        return Result(self.planned, Status.ERRORED, (), self.seconds, mask(sentence), "run.bug")


class Flight:
    """The inquiries of one flight, each moved on as soon as its own answers are in."""

    def __init__(self, inquiries: Sequence[Inquiry], settle: Callable[[Inquiry, Result | None], list[Inquiry]]) -> None:
        self.ahead = list(inquiries)
        self.unfinished: list[Inquiry] = []
        self.sent = self.heard = time.monotonic()
        self._settle = settle
        self._answers: list[Answer] = []

    def arrived(self, answer: Answer) -> None:
        """Take the next answer of the flight."""
        self._answers.append(answer)
        self.heard = time.monotonic()
        if len(self._answers) == len(self.ahead[0].waiting):
            inquiry, answers, self._answers = self.ahead.pop(0), self._answers, []
            inquiry.seconds += time.monotonic() - self.sent
            self.unfinished += self._settle(inquiry, inquiry.advance(answers))


class Lane:
    """A thread, at most one session at a time, and the checks that share it."""

    def __init__(
        self,
        target: Target,
        circumstances: Circumstances,
        board: Board,
        planned: Sequence[PlannedCheck],
        *,
        until: float = float("inf"),
        spare: float = 0.0,
    ) -> None:
        """`until`, on `time.monotonic()`, is the run's end; whoever waits then is to be told `spare` seconds before."""
        self._target = target
        self._circumstances = replace(circumstances, opening=self._opening)
        self._board = board
        self._planned = planned
        self._session: Session | None = None
        self._aborted = False
        self._holds = False
        self._done, self._released = threading.Event(), threading.Event()
        # A daemon: a check stuck in a system call must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"lane {planned[0].name}", daemon=True)
        self._writable = any(check.check.effect is Effect.CHANGE for check in planned)
        self._timeout = self._statement_timeout = planned[0].timeout
        self._until, self._spare = until, spare
        self.deadline = float("inf")
        self.server: Server | None = None
        self.guards: dict[str, str] = {}

    @property
    def is_shared(self) -> bool:
        """Whether its checks only ask queries, so that its session may serve to look at the server too."""
        return not any(check.check.alone for check in self._planned)

    @property
    def is_heavy(self) -> bool:
        """Whether it puts load on the server: it disturbs who asks beside it, and is disturbed."""
        return any(check.check.effect is Effect.LOAD for check in self._planned)

    def is_over(self) -> bool:
        """Whether each of its checks has its result."""
        return self._board.has(self._planned)

    def hold(self) -> None:
        """Keep the session when the checks are done, until released."""
        self._holds = True

    def held(self, seconds: float) -> Session | None:
        """The session that is kept, once the checks are done; None where there is none, or not in time."""
        return self._session if not self._aborted and self._done.wait(seconds) and not self._aborted else None

    def release(self) -> None:
        """Have the session that is kept closed in good order, for which an idle one takes no time."""
        self._released.set()
        if not self._aborted and self._done.wait(GLANCE):
            self._thread.join(GLANCE)

    def start(self) -> None:
        self._thread.start()

    def abort(self) -> None:
        """Free this lane's thread, whatever it waits for, and let it open no further session."""
        self._aborted = True
        self._released.set()
        self.deadline = float("inf")
        if self._session is not None:
            self._session.abort()

    def give_up(self) -> None:
        """The lane's time is up: whatever it is doing, its checks have no verdict."""
        # Posted before its session is closed: the thread that wakes then would blame the server for what we did.
        for check in self._planned:
            reason = f"no answer within its {show_seconds(check.timeout)}"
            self._board.post(Result(check, Status.ERRORED, reason=reason, code="run.timeout", seconds=check.timeout))
        self.abort()

    def _run(self) -> None:
        try:
            self._ask()
        except Exception as reason:  # noqa: BLE001 - a bug outside every check: a thread that dies of it tells nobody
            _show(reason)
            sentence = mask(f"a bug outside this check: {type(reason).__name__}: {reason}")
            for check in self._planned:
                self._board.post(Result(check, Status.ERRORED, reason=sentence, code="run.bug"))
        self.deadline = float("inf")
        self._done.set()
        if self._holds:
            self._released.wait()
        self._drop_session()

    def _ask(self) -> None:
        begun = [self._begin(check) for check in self._planned]
        inquiries = [kept for inquiry in begun for kept in self._post_or_keep(inquiry, inquiry.advance())]
        while inquiries and not self._aborted:
            self.deadline = time.monotonic() + self._longest(inquiries)
            inquiries = self._round(inquiries)

    def _longest(self, inquiries: Sequence[Inquiry]) -> float:
        """Seconds a round may take: one check's time for each, as much for opening a session where one must be opened.

        With a grace of its own, so that whoever waits for a silent server is the first to say that it is.
        """
        opens = self._session is None or any(query.fresh for inquiry in inquiries for query in inquiry.waiting)
        return (len(inquiries) + opens) * (self._timeout + GRACE) + GRACE

    def _begin(self, check: PlannedCheck) -> Inquiry:
        self.deadline = time.monotonic() + check.timeout + GRACE
        return Inquiry(check, check.check.ask(check.entry.params, self._circumstances))

    def _round(self, inquiries: list[Inquiry]) -> list[Inquiry]:
        """One flight for all. Whoever hangs is cut off; those behind it are asked again over a new session.

        Where too little of the run's time is left for that, nobody is asked: the run itself tells them that it ended.
        """
        queries = [query for inquiry in inquiries for query in inquiry.waiting]
        flight, patience = Flight(inquiries, self._post_or_keep), self._timeout + GRACE
        try:
            session = self._open(fresh=any(query.fresh for query in queries))
            if session is None:
                return []
            flight.sent = flight.heard = time.monotonic()
            patience = min(patience, self._until - self._spare - flight.sent)
            session.ask(queries, patience=patience, arrived=flight.arrived)
        except ConnectionFailed as failure:
            self._drop_session()
            if self._aborted:  # by us, and everybody was told why: nobody is to take it for the server's doing
                return []
            return flight.unfinished + self._throw(flight.ahead, failure, since=flight.sent)
        if not flight.ahead:
            return flight.unfinished
        self._drop_session()
        if patience < self._timeout + GRACE:
            return self._cut_off(flight)
        silence = f"no answer within {show_seconds(patience)}, and the server did not end the query either"
        hung = ConnectionFailed(silence, code="connectivity.silent")
        return flight.unfinished + self._throw(flight.ahead[:1], hung, since=flight.sent) + flight.ahead[1:]

    def _cut_off(self, flight: Flight) -> list[Inquiry]:
        """By the run's end. A server that was silent for longer than it may take for a statement will not answer.

        It would not answer those either that have more to ask.
        """
        waited = time.monotonic() - flight.heard
        if waited < self._statement_timeout:
            return []
        silence = f"no answer within {show_seconds(waited)}, when the run's time was up, and no end of the query either"
        failure = ConnectionFailed(silence, code="connectivity.silent")
        self._throw(flight.unfinished, failure, since=flight.heard)
        self._throw(flight.ahead, failure, since=flight.sent)
        return []

    def _throw(self, inquiries: Sequence[Inquiry], failure: ConnectionFailed, *, since: float) -> list[Inquiry]:
        for inquiry in inquiries:
            inquiry.seconds += time.monotonic() - since
        return [kept for inquiry in inquiries for kept in self._post_or_keep(inquiry, inquiry.advance(failure=failure))]

    def _post_or_keep(self, inquiry: Inquiry, result: Result | None) -> list[Inquiry]:
        if result is None:
            return [inquiry]
        self._board.post(result)
        return []

    def _open(self, *, fresh: bool) -> Session | None:
        """The session, opened where there is none; None where the run leaves no time for it.

        Connecting ends before the run does, and so does a statement, so that a silent server is told from a slow one.
        """
        if fresh:
            self._drop_session()
        if self._session is None:
            left = self._until - 2 * self._spare - time.monotonic()
            if left <= 0:
                return None
            self._statement_timeout = min(self._timeout, left)
            self._session = self._target.open(writable=self._writable, timeout=self._statement_timeout)
            self.server, self.guards = self._session.server, dict(self._session.guards)
        return self._session

    def _opening(self) -> float | None:
        return self._session.round_trip if self._session else None

    def _drop_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _show(bug: Exception) -> None:
    """A bug's traceback, for whoever mends it."""
    sys.stderr.write(mask("".join(traceback.format_exception(bug))))
