"""One drill from beginning to end: acquire, restore, verify, measure. What it showed is a value; nothing stays behind.

Every phase may fail, and the rest of the ladder is then skipped with the reason. The disposable server is stopped and
the folder of the artifact removed however it ends; what a killed process leaves, the next run sweeps.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from checks.backup.artifact import Header
from checks.backup.choose import choose
from checks.backup.copy import Copy
from checks.backup.faults import BackupFault
from checks.backup.head import Head
from checks.backup.restore import Restored, restore
from checks.backup.staging import staging
from checks.backup.unwell import LOST, NO_SPACE, is_full
from checks.board import Watch
from checks.check import Finding, Severity
from checks.drill import live
from checks.drill.acquire import acquire, fails
from checks.drill.aside import aside, waited
from checks.drill.asking import ask, plan_for
from checks.drill.conclusion import conclude, without_verdict
from checks.drill.consequences import weighed
from checks.drill.excused import excused
from checks.drill.fidelity import fidelity
from checks.drill.halting import halted_with, killed
from checks.drill.ladder import BELOW
from checks.drill.machine import explicit, room_for, scratch, started
from checks.drill.request import LIVE, Acquired, Request
from checks.drill.state import State
from checks.drill.verify import UNDECIDED, Looks, climb, described, head_for, restored_step
from checks.drilled import Drill, Rung, Step
from checks.errors import CouldNotTell
from checks.plan import Plan
from checks.result import Results, Status, judge


def drill(request: Request, watch: Watch, stop: threading.Event) -> tuple[Drill, Results]:
    """Do it. Whatever goes wrong is in what comes back, but for a wrong command line: raises UsageError."""
    state = State(request, watch, stop, datetime.now(UTC))
    planned = plan_for(request)
    with ExitStack() as stack:
        stack.enter_context(halted_with(state))
        try:
            with excused(lambda: state.copy, scratch()):
                _carry_out(state, planned, stack)
        except BackupFault as fault:
            state.ladder.steps.append(Step(Rung.ARTIFACT, Status.FAILED, (fault.finding,)))
            state.ladder.rest(BELOW, Rung.ARTIFACT)
        except CouldNotTell as reason:
            without_verdict(state, reason)
    return conclude(state, planned)


def _carry_out(state: State, planned: Plan, stack: ExitStack) -> None:
    head = head_for(state.runbook)
    folder = stack.enter_context(staging(scratch()))
    if state.request.origin == LIVE:
        _live(state, folder.path, head, stack)
    else:
        _from_artifact(state, folder.path, stack)
    acquired, copy, restored = state.acquired, state.copy, state.restored
    if acquired is None or copy is None or restored is None:
        return
    state.go_on()
    with state.timeline.phase("Verify"):
        state.watch.stage("verifying the copy")
        with Looks(copy) as looks:
            state.contents = described(copy, head, digests=acquired.source is not None, meanwhile=looks.begin)
            climb(
                state.ladder,
                state.runbook,
                acquired=acquired,
                copy=copy,
                contents=state.contents,
                restored=restored,
                looks=looks,
            )
        state.fidelity = fidelity(acquired.source, state.contents, copy, restored.complaints)
        state.go_on()
        state.watch.stage("asking")
        state.results = ask(planned, copy, state)
    state.verified = state.timeline.seconds()


def _from_artifact(state: State, into: Path, stack: ExitStack) -> None:
    with state.timeline.phase("Acquire"):
        state.watch.stage("acquiring the backup")
        began = state.timeline.seconds()
        acquired = state.acquired = waited(aside(acquire, state.request, into), state.stop)
        if not _artifact_step(state, acquired, state.timeline.seconds() - began):
            return
        state.go_on()
        binaries = choose(acquired.header, state.runbook.front.postgres, explicit(state.request))
        server = stack.enter_context(started(binaries, state.runbook, room_for(acquired)))
        state.halts.append(partial(killed, server))
        source = acquired.source
        copy = Copy.on(
            server,
            acquired.header.database or state.runbook.front.runbook.replace("-", "_"),
            encoding=source.encoding if source else "",
            locale=source.collation.split()[0] if source and source.collation else "",
        )
        copy.allowed_extensions, state.copy = state.request.extensions, copy
    with state.timeline.phase("Restore"):
        state.watch.stage("restoring it")
        restored = restore(acquired.path, acquired.header, state.copy, limit=state.request.limit)
        _restored(state, restored)


def _live(state: State, into: Path, head: Head | None, stack: ExitStack) -> None:
    """Dump and restore at once: what is dumped goes to the file and into the copy in one pass."""
    page, request = state.runbook, state.request

    def make(header: Header, size: int, source_encoding: str, locale: str) -> Copy:
        server = stack.enter_context(started(choose(header, page.front.postgres, explicit(request)), page, size))
        state.halts.append(partial(killed, server))
        copy = Copy.on(server, header.database, encoding=source_encoding, locale=locale)
        copy.allowed_extensions, state.copy = request.extensions, copy
        return copy

    with state.timeline.phase("Acquire and restore"):
        state.watch.stage("dumping the live database, and restoring it at once")
        acquired, restored = live.acquire_and_restore(request, into, head, make, state.halts)
        state.acquired = acquired
        _artifact_step(state, acquired)
        _restored(state, restored)


def _restored(state: State, restored: Restored) -> None:
    refused = state.copy.refused_extensions if state.copy else set()
    psql = restored.client.startswith("psql")
    restored = replace(restored, complaints=tuple(weighed(restored.complaints, refused, psql=psql)))
    state.restored = restored
    step = restored_step(restored, restored.seconds)
    if step.code == LOST and state.copy is not None and is_full(state.copy.server.folder.path):
        # A server without room for its write-ahead log is gone before it can say so.
        step = replace(step, code=NO_SPACE, reason=f"{step.reason}; its disk is full")
    state.ladder.steps.append(step)
    if state.copy is not None and state.copy.server.is_running:
        with state.copy.connect() as connection:
            connection.execute("SELECT count(*) FROM pg_class")
        state.usable = state.timeline.seconds()
    if step.status is Status.ERRORED:
        state.ladder.rest(UNDECIDED, Rung.RESTORED)
        state.restored = None


def _artifact_step(state: State, acquired: Acquired, seconds: float = 0.0) -> bool:
    """The first step, and whether there is reason to go on."""
    findings = list(acquired.findings)
    if not fails(findings):
        kind = acquired.header.format
        by = f", written by pg_dump {acquired.header.dumper}" if acquired.header.dumper else ""
        findings.insert(0, Finding("drill.artifact_whole", True, f"{acquired.name} is whole: {kind}{by}."))
    state.ladder.steps.append(Step(Rung.ARTIFACT, judge(findings, Severity.FAIL), tuple(findings), seconds))
    state.ladder.unproven += acquired.unproven
    if fails(findings):
        state.ladder.rest(BELOW, Rung.ARTIFACT)
        return False
    return True
