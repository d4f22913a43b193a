"""The runner asks everything, and lets nothing that goes wrong take another check's verdict."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.catalog.circumstances import Circumstances
from checks.check import POSTGRESQL, Asking, Effect, Finding, Query
from checks.errors import ConnectionFailed, CouldNotTell, NotApplicable
from checks.plan import PlannedCheck
from checks.result import Results, Status
from checks.run import run, without_asking
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.standins import (
    BLOCKS,
    HANGS,
    LOSES_CONNECTION,
    Onlooker,
    StandInSession,
    StandInTarget,
    asks,
    plan_of,
    planned,
)


def run_of(
    target: StandInTarget, *checks: PlannedCheck, stop: threading.Event | None = None, **options: Any
) -> Results:
    circumstances = Circumstances(Path(), POSTGRESQL, target.endpoint, disposable=True)
    stop = stop or threading.Event()
    return run(plan_of(*checks), target, circumstances, watch=Onlooker(), stop=stop, **options)


def statuses(results: Results) -> dict[str, str]:
    return {result.planned.name: str(result.status) for result in results.results}


def test_plain_checks_share_one_connection_and_one_flight_a_round() -> None:
    """Five checks cost the server one connection, and as many flights as the longest of them has rounds."""
    target = StandInTarget()
    results = run_of(target, planned("a", asks("1", "2")), planned("b", asks("3", rounds=3)), planned("c", asks("4")))
    assert statuses(results) == {"a": "passed", "b": "passed", "c": "passed"}
    assert target.flights == [["1", "2", "3", "4"], ["3"], ["3"]]
    assert len(target.sessions) == 1
    assert target.sessions[0].closed


def test_each_check_gets_its_own_answers() -> None:
    """Answers of a shared flight go to the check that asked."""
    results = run_of(StandInTarget(), planned("a", asks("1", "2")), planned("b", asks("3")))
    assert [result.findings[0].observed for result in results.results] == ["['1', '2']", "['3']"]


def test_many_checks_take_three_lanes_at_most() -> None:
    """Fifty plain checks open three connections: a live server keeps its slots."""
    target = StandInTarget()
    run_of(target, *(planned(str(number), asks("1")) for number in range(50)))
    assert len(target.sessions) == 3


def test_load_comes_last_and_one_check_at_a_time() -> None:
    """Who measures, or fills the server, is beside nobody: all that only observe have their results by then."""
    order: list[str] = []

    def noting(name: str, *queries: str) -> Callable[[Any, Any], Asking]:
        def ask(parameters: Any, circumstances: Any) -> Asking:
            order.append(f"{name} begins")
            findings = yield from asks(*queries)(parameters, circumstances)
            order.append(f"{name} ends")
            return findings

        return ask

    heavy = [
        planned(name, noting(name, query), alone=True, effect=Effect.LOAD)
        for name, query in (("pool", "1"), ("bench", "2"))
    ]
    light = planned("light", noting("light", "3"))
    results = run_of(StandInTarget(), *heavy, light)
    assert set(statuses(results).values()) == {"passed"}
    assert order == ["light begins", "light ends", "pool begins", "pool ends", "bench begins", "bench ends"]


def test_a_hanging_check_is_cut_off_and_the_rest_are_asked_again() -> None:
    """Whoever hangs has no verdict; those behind it in the flight get theirs over a new connection."""
    target = StandInTarget()
    results = run_of(target, planned("a", asks("1")), planned("b", asks(HANGS)), planned("c", asks("2")))
    assert statuses(results) == {"a": "passed", "b": "errored", "c": "passed"}
    assert results.results[1].code == "connectivity.silent"
    assert target.flights == [["1", HANGS, "2"], ["2"]]


def test_a_lost_connection_is_told_to_every_check_not_answered_yet() -> None:
    """A check may make a verdict of the lost connection; one that does not has none, and the code says why."""

    def notices(_parameters: Any, _circumstances: Any) -> Asking:
        try:
            yield [Query("1")]
        except ConnectionFailed as failure:
            return [Finding(failure.code, False, failure.sentence)]
        return []

    first, losing = planned("first", asks("1")), planned("losing", asks(LOSES_CONNECTION))
    results = run_of(StandInTarget(), first, losing, planned("noticing", notices))
    assert statuses(results) == {"first": "passed", "losing": "errored", "noticing": "failed"}
    assert {result.codes for result in results.results[1:]} == {("connectivity.lost",)}


def test_a_refused_connection_errors_every_check() -> None:
    """With nobody listening, no check has a verdict, and no server is named."""
    results = run_of(StandInTarget(refuses="connectivity.refused"), planned("a", asks("1")), planned("b", asks("2")))
    assert [(result.status, result.code) for result in results.results] == [
        (Status.ERRORED, "connectivity.refused"),
        (Status.ERRORED, "connectivity.refused"),
    ]
    assert results.server is None


def test_a_check_that_does_not_apply_is_skipped_with_its_reason() -> None:
    """Not applicable is not passed."""

    def inapplicable(_parameters: Any, _circumstances: Any) -> Asking:
        yield [Query("1")]
        raise NotApplicable("a socket has no certificate")

    result = run_of(StandInTarget(), planned("a", inapplicable)).results[0]
    assert (result.status, result.reason) == (Status.SKIPPED, "a socket has no certificate")


def test_a_bug_in_one_check_leaves_the_others_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A bug of ours is shown with its traceback, has no verdict, and takes no other check with it."""

    def buggy(_parameters: Any, _circumstances: Any) -> Asking:
        yield [Query("1")]
        raise ZeroDivisionError("oh")

    results = run_of(StandInTarget(), planned("a", buggy), planned("b", asks("2")))
    assert statuses(results) == {"a": "errored", "b": "passed"}
    assert results.results[0].code == "run.bug"
    assert "ZeroDivisionError: oh" in capsys.readouterr().err


def test_the_runs_deadline_cuts_off_whoever_still_waits() -> None:
    """A peer that never answers cannot hold the run beyond its deadline."""
    target = StandInTarget()
    results = run_of(target, planned("a", asks("1"), alone=True), planned("b", asks(BLOCKS)), deadline=0.2)
    assert statuses(results) == {"a": "passed", "b": "errored"}
    assert results.results[1].code == "run.timeout"
    assert all(session.aborted.is_set() or session.closed for session in target.sessions)


def test_a_stuck_lane_is_given_up_after_its_own_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that is stuck outside the server is given up when its timeout has passed; the run goes on."""
    monkeypatch.setattr("checks.lane.GRACE", 0.0)
    freed = threading.Event()

    def stuck(_parameters: Any, _circumstances: Any) -> Asking:
        freed.wait(30)
        yield [Query("1")]
        return []

    results = run_of(StandInTarget(), planned("a", stuck, alone=True, timeout=0.1), planned("b", asks("1")))
    freed.set()
    assert statuses(results) == {"a": "errored", "b": "passed"}
    assert results.results[0].reason == "no answer within its 100 ms"


def test_whoever_is_cut_off_by_us_is_not_told_that_the_connection_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session ends because our patience did, however soon its thread wakes; no server and no person is blamed."""
    monkeypatch.setattr("checks.lane.GRACE", 0.0)

    def abort(session: StandInSession) -> None:
        session.aborted.set()
        for lane in (thread for thread in threading.enumerate() if thread.name == "lane cut off"):
            lane.join(10)

    monkeypatch.setattr(StandInSession, "abort", abort)
    [result] = run_of(StandInTarget(), planned("cut off", asks(BLOCKS), timeout=0.1)).results
    assert (result.code, result.reason) == ("run.timeout", "no answer within its 100 ms")


def test_a_frozen_server_is_silent_and_not_lost(binaries: Binaries, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stops answering in mid-session is told as that, whichever of our clocks runs out first."""
    monkeypatch.setattr("checks.lane.GRACE", 0.1)
    server = EmbeddedServer.start(binaries)

    def freezing(_parameters: Any, _circumstances: Any) -> Asking:
        yield [Query("SELECT 1")]
        for number in family(server.process_id):
            os.kill(number, signal.SIGSTOP)
        yield [Query("SELECT 2")]
        return []

    try:
        target = server.create_target("frozen")
        plan = plan_of(planned("freezing", freezing, timeout=1.0))
        circumstances = Circumstances(Path(), POSTGRESQL, target.endpoint, disposable=True)
        [result] = run(plan, target, circumstances, watch=Onlooker(), stop=threading.Event()).results
    finally:
        for number in family(server.process_id):
            os.kill(number, signal.SIGCONT)
        server.stop()
    assert (result.code, result.status) == ("connectivity.silent", Status.ERRORED), result.reason
    assert "no answer within " in result.reason


def test_a_server_that_stops_before_a_short_deadline_fails_who_has_more_to_ask(binaries: Binaries) -> None:
    """In the middle of a flight, with one answer in and others not: whoever it owes is told of its silence."""
    server = EmbeddedServer.start(binaries)

    def reaches(_parameters: Any, _circumstances: Any) -> Asking:
        try:
            yield [Query("SELECT 1")]
            for number in family(server.process_id):
                os.kill(number, signal.SIGSTOP)
            yield [Query("SELECT 2")]
        except ConnectionFailed as failure:
            return [Finding(failure.code, False, failure.sentence)]
        return []

    try:
        target = server.create_target("stopped")
        plan = plan_of(planned("reaches", reaches), planned("sleeps", asks("SELECT pg_sleep(1)")))
        circumstances = Circumstances(Path(), POSTGRESQL, target.endpoint, disposable=True)
        found = run(plan, target, circumstances, watch=Onlooker(), stop=threading.Event(), deadline=3.0)
    finally:
        for number in family(server.process_id):
            os.kill(number, signal.SIGCONT)
        server.stop()
    assert statuses(found) == {"reaches": "failed", "sleeps": "errored"}
    assert {result.codes for result in found.results} == {("connectivity.silent",)}
    assert all(result.seconds > 1 for result in found.results)
    assert found.seconds < 4


def family(number: int) -> list[int]:
    """A process and its children, as Linux lists them."""
    children = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii")
    return [number, *map(int, children.split())]


def test_opening_a_session_is_not_taken_from_the_time_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that is alone in its lane has its own time, after a session that took long to open."""
    monkeypatch.setattr("checks.lane.GRACE", 0.0)
    opened = StandInTarget.open

    def slowly(target: StandInTarget, **options: Any) -> StandInSession:
        threading.Event().wait(0.9)
        return opened(target, **options)

    def takes_its_time(_parameters: Any, _circumstances: Any) -> Asking:
        yield [Query("1")]
        threading.Event().wait(0.6)
        return [Finding("stand_in.answered", True, "answered")]

    monkeypatch.setattr(StandInTarget, "open", slowly)
    assert statuses(run_of(StandInTarget(), planned("a", takes_its_time, timeout=1.0))) == {"a": "passed"}


def test_stopping_returns_what_is_known() -> None:
    """Ctrl-C keeps the verdicts that are in, and says of the rest that they were interrupted."""
    stop = threading.Event()
    target = StandInTarget()

    class Stopper(Onlooker):
        def finished(self, result: Any) -> None:
            stop.set()

    circumstances = Circumstances(Path(), POSTGRESQL, target.endpoint, disposable=True)
    plan = plan_of(planned("a", asks("1"), alone=True), planned("b", asks(BLOCKS)))
    results = run(plan, target, circumstances, watch=Stopper(), stop=stop)
    assert statuses(results) == {"a": "passed", "b": "errored"}
    assert (results.interrupted, results.results[1].code) == (True, "run.interrupted")


def test_what_is_withheld_is_not_asked() -> None:
    """When the database could not be prepared, only the check that says why is asked."""
    target = StandInTarget()
    why = CouldNotTell("the migrations failed", code="run.not_prepared")
    results = run_of(target, planned("m", asks("1"), kind="migrations"), planned("b", asks("2")), withheld=why)
    assert statuses(results) == {"m": "passed", "b": "errored"}
    assert (results.results[1].code, target.flights) == ("run.not_prepared", [["1"]])


def test_skipped_checks_keep_their_place_and_reason() -> None:
    """The results are in the page's order, whoever finished first, with those never asked among them."""
    results = run_of(StandInTarget(), planned("a", asks("1")), planned("b", asks("2"), skip="not here"))
    assert [(r.planned.name, str(r.status), r.reason) for r in results.results] == [
        ("a", "passed", ""),
        ("b", "skipped", "not here"),
    ]


def test_without_a_target_every_check_says_why() -> None:
    """No server, no verdict: each check that would have been asked carries the reason."""
    plan = plan_of(planned("a", asks("1")), planned("b", asks("2"), skip="not here"))
    results = without_asking(plan, "embedded", CouldNotTell("no binaries", code="run.no_target"), Onlooker())
    assert [(str(r.status), r.reason) for r in results.results] == [("errored", "no binaries"), ("skipped", "not here")]
