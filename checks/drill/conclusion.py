"""What is concluded from how far a drill came: the budgets are measured, and all of it becomes one value."""

from __future__ import annotations

import getpass
import platform
import socket
from dataclasses import replace
from datetime import UTC, datetime

from checks import __version__
from checks.backup.found import BY_TIME
from checks.check import Severity
from checks.drill.asking import COPY
from checks.drill.doubt import doubts
from checks.drill.measure import BY_THE_FILE, age_of_the_file, budgets
from checks.drill.request import LIVE
from checks.drill.state import State
from checks.drill.verify import UNDECIDED
from checks.drilled import Drill, Rung, Step
from checks.errors import CouldNotTell
from checks.plan import Plan
from checks.result import Results, Status, judge
from checks.run import INTERRUPTED, without_asking


def conclude(state: State, planned: Plan) -> tuple[Drill, Results]:
    """What came of it, measured against the budgets. Where there is no copy, the page's checks have no verdict."""
    with state.timeline.phase("Measure"):
        _measure(state)
    if state.results is None:
        code = INTERRUPTED if state.stop.is_set() else "drill.no_copy"
        why = CouldNotTell("there is no restored copy to ask; the ladder says why", code=code)
        state.results = without_asking(planned, COPY, why, state.watch)
    seconds, interrupted = state.timeline.seconds(), state.stop.is_set()
    results = replace(state.results, started=state.began, seconds=seconds, interrupted=interrupted)
    return _drill(state), results


def without_verdict(state: State, reason: CouldNotTell) -> None:
    """The rung that was next has no verdict for this reason, and those above it are not climbed."""
    if state.stop.is_set():
        reason = CouldNotTell("interrupted before it was done", code=INTERRUPTED)
    taken = {step.rung for step in state.ladder.steps}
    rung = next(rung for rung in Rung if rung not in taken and rung is not Rung.BOUNDARY)
    state.ladder.steps.append(Step(rung, Status.ERRORED, reason=reason.sentence, code=reason.code, hint=reason.hint))
    state.ladder.rest(UNDECIDED, rung)


def _measure(state: State) -> None:
    acquired, allowed = state.acquired, state.request.budgets
    rpo = _age(state)
    if state.request.origin == LIVE:
        state.ladder.unproven.append("A dump made for the drill says nothing of how old the newest backup is (RPO).")
    findings = budgets(allowed, usable=state.usable, verified=state.verified, rpo=rpo, trend=state.request.trend)
    if acquired is not None and acquired.dated == BY_TIME and rpo is not None:
        if allowed.rpo is None:
            state.ladder.unproven.append(BY_THE_FILE)
        else:
            findings.append(age_of_the_file(rpo, allowed.rpo))
    if findings:
        state.ladder.steps.append(Step(Rung.BUDGETS, judge(findings, Severity.FAIL), tuple(findings)))
    else:
        state.ladder.skip(Rung.BUDGETS, "the page names no budget" if acquired else "nothing was restored")


def _age(state: State) -> float | None:
    """How much would be lost, in seconds: the age of a backup that was there before the drill."""
    if state.acquired is None or state.request.origin == LIVE:
        return None
    return max(0.0, (state.began - state.acquired.taken).total_seconds())


def _drill(state: State) -> Drill:
    acquired, copy = state.acquired, state.copy
    order = list(Rung)
    versions = {"pgrunbook": __version__, "Python": platform.python_version()}
    if acquired is not None and acquired.header.dumper:
        versions["pg_dump"] = acquired.header.dumper
    if state.restored is not None:
        program, _, version = state.restored.client.partition(" ")
        versions[program] = version
    if copy is not None:
        versions["PostgreSQL of the copy"] = copy.server.binaries.version
    steps = tuple(sorted(state.ladder.steps, key=lambda step: order.index(step.rung)))
    return Drill(
        origin=acquired.origin if acquired else state.request.origin,
        artifact=acquired.name if acquired else "",
        format=str(acquired.header.format) if acquired else "",
        bytes=acquired.bytes if acquired else 0,
        taken=_written(acquired.taken) if acquired else "",
        dated=acquired.dated if acquired else "",
        source_server=(acquired.source.server if acquired.source else acquired.header.server) if acquired else "",
        copy_server=copy.obtained if copy else "",
        began=_written(state.began),
        phases=state.timeline.phases,
        steps=steps,
        fidelity=tuple(state.fidelity),
        budgets=state.request.budgets,
        rto_usable=state.usable,
        rto_verified=state.verified,
        rpo=_age(state),
        hashes=dict(acquired.hashes) if acquired else {},
        versions=versions,
        operator=_operator(),
        host=socket.gethostname(),
        unproven=tuple(dict.fromkeys((*doubts(steps), *state.ladder.unproven))),
        trend=state.request.trend,
        notes=tuple(acquired.notes) if acquired else (),
    )


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _operator() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
