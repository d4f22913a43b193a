"""Small stand-ins for a target and its sessions, for what the runner does when a server misbehaves on cue.

What real servers do is tested on real servers; these only let a test say when a query hangs or a connection is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checks import snapshot
from checks.check import POSTGRESQL, Answer, Asking, Check, Code, Effect, Finding, Query
from checks.errors import ConnectionFailed
from checks.plan import Mode, Plan, PlannedCheck
from checks.result import Result
from checks.runbook.model import CheckEntry, FrontMatter, Runbook
from checks.runbook.parcel import Parcel
from checks.targets.session import Arrived, Endpoint, Server, unheard

HANGS = "hangs"
LOSES_CONNECTION = "loses the connection"
BLOCKS = "blocks until aborted"
SERVER = Server(POSTGRESQL, "17.10", 17, "a stand-in")
NOWHERE = Endpoint(host="nowhere")


@dataclass
class StandInSession:
    """Answers every query with one row holding its own SQL; behaves as the SQL says otherwise."""

    target: StandInTarget
    aborted: threading.Event = field(default_factory=threading.Event)
    closed: bool = False
    server: Server = SERVER
    guards: Mapping[str, str] = field(default_factory=lambda: {"transaction_read_only": "on"})
    round_trip: float = 0.001

    def ask(self, queries: Sequence[Query], *, patience: float, arrived: Arrived = unheard) -> list[Answer]:
        if list(queries) == snapshot.queries():
            self.target.looks += 1
            return []
        self.target.flights.append([query.sql for query in queries])
        answers: list[Answer] = []
        for query in queries:
            if query.sql == HANGS:
                return answers
            if query.sql == LOSES_CONNECTION:
                raise ConnectionFailed("the server went away", code="connectivity.lost")
            if query.sql == BLOCKS:
                self.aborted.wait(30)
                raise ConnectionFailed("cut off", code="connectivity.lost")
            answers.append(Answer(("sql",), ((query.sql,),), 1, 0.001))
            arrived(answers[-1])
        return answers

    def script(self, sql: str) -> None:
        self.target.flights.append([sql])

    def abort(self) -> None:
        self.aborted.set()

    def close(self) -> None:
        self.closed = True


@dataclass
class StandInTarget:
    """Opens stand-in sessions, and remembers them and their flights, and how often it was looked at in the end."""

    name: str = "stand-in"
    engine: str = POSTGRESQL
    disposable: bool = True
    endpoint: Endpoint = NOWHERE
    refuses: str = ""
    sessions: list[StandInSession] = field(default_factory=list)
    flights: list[list[str]] = field(default_factory=list)
    looks: int = 0

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> StandInSession:
        if self.refuses:
            raise ConnectionFailed("nobody listens", code=self.refuses)
        self.sessions.append(StandInSession(self))
        return self.sessions[-1]

    def close(self) -> None:
        for session in self.sessions:
            session.close()


@dataclass
class Onlooker:
    """A watch that remembers."""

    seen: list[Result] = field(default_factory=list)

    def stage(self, sentence: str) -> None:
        """Nothing to remember."""

    def delayed(self, sentence: str) -> None:
        """Nothing to remember."""

    def finished(self, result: Result) -> None:
        self.seen.append(result)


def asks(*queries: str, rounds: int = 1) -> Callable[[Any, Any], Asking]:
    """A check that asks the same queries for some rounds, and holds when they are answered."""

    def ask(_parameters: Any, _circumstances: Any) -> Asking:
        answers: Sequence[Answer] = []
        for _ in range(rounds):
            answers = yield [Query(sql) for sql in queries]
        return [Finding("stand_in.answered", True, f"{len(answers)} answers", observed=str([a.value for a in answers]))]

    return ask


def planned(
    name: str,
    ask: Callable[[Any, Any], Asking],
    *,
    kind: str = "stand_in",
    alone: bool = False,
    effect: Effect = Effect.OBSERVE,
    timeout: float = 10.0,
    skip: str = "",
) -> PlannedCheck:
    """A planned check of a made-up kind."""
    check = Check(kind, "", "", object, ask, {"stand_in.answered": Code("")}, "", effect=effect, alone=alone)
    return PlannedCheck(CheckEntry(kind, name, Parcel(None), 1), check, timeout, skip)


def plan_of(*checks: PlannedCheck) -> Plan:
    """A plan of these checks for an otherwise empty page."""
    page = Runbook(Path("page.md"), "0" * 64, FrontMatter("page", "Page"), ())
    return Plan(page, Mode.VERIFY, "", checks)
