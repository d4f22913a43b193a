"""A drill of files: a base backup and its archive recovered to a point in time, then looked at as any restored copy.

There is no manifest of ours to hold it against, so counts and digests are not climbed; what is proven besides the point
itself is that indexes, sequences and views are whole and that the page's checks hold.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from checks.backup.artifact import Format, Header
from checks.backup.copy import Copy
from checks.backup.restore import Restored
from checks.board import Watch
from checks.drill import basebackup, pitr_rehearsal, walarchive
from checks.drill.asking import ask, plan_for
from checks.drill.conclusion import conclude, without_verdict
from checks.drill.excused import excused
from checks.drill.halting import halted_with, killed
from checks.drill.ladder import BELOW, shared
from checks.drill.machine import explicit, scratch
from checks.drill.pitr import Marker, Recovered, binaries_for, recover
from checks.drill.pitr import Request as Recovery
from checks.drill.recovery import Point, RecoveringServer
from checks.drill.request import Acquired, Request
from checks.drill.state import State
from checks.drill.surroundings import surroundings
from checks.drill.timeline import Timeline
from checks.drill.to_point import Files, ToPoint
from checks.drill.verify import Looks, climb, described, head_for, head_of_the_copy
from checks.drilled import Drill, Rung
from checks.errors import CouldNotTell
from checks.plan import Plan
from checks.prepare import prepare
from checks.result import Results
from checks.runbook.model import Runbook
from checks.targets.embedded import EmbeddedTarget, start_target

REHEARSAL = "a rehearsal: made on a disposable server for this drill"
NO_OWNER = "a physical copy's tables belong to the source's own roles, as whom nobody logs in here"


def drill_to_point(request: Request, asked: ToPoint, watch: Watch, stop: threading.Event) -> tuple[Drill, Results]:
    """Do it. Whatever goes wrong is in what comes back, but for a wrong command line: raises UsageError."""
    origin = str(asked.files.base) if asked.files else REHEARSAL
    state = State(replace(request, origin=origin), watch, stop, datetime.now(UTC))
    planned, point = plan_for(request), ""
    with ExitStack() as stack:
        stack.enter_context(halted_with(state))
        try:
            with excused(lambda: state.copy, scratch()):
                files = asked.files or stack.enter_context(_made(asked, state))
                point = str(files.point)
                _carry_out(state, planned, files, stack)
        except CouldNotTell as reason:
            without_verdict(state, reason)
    if not any(step.rung is Rung.BOUNDARY for step in state.ladder.steps):
        state.ladder.skip(Rung.BOUNDARY, BELOW)
    drill, results = conclude(state, planned)
    return replace(drill, restore_point=point), results


@contextmanager
def _made(asked: ToPoint, state: State) -> Iterator[Files]:
    """A base backup, its archive and both markers, of a disposable database in the page's state."""
    page = state.runbook
    state.watch.stage("making a base backup on a disposable PostgreSQL")
    with pitr_rehearsal.archive_folder() as folder:
        target = _source(state, folder)
        try:
            prepared = prepare(page, target, asked.rows)
            if prepared.shortfall is not None:
                raise prepared.shortfall
            made = pitr_rehearsal.make(target.server, target.database, folder)
        finally:
            target.close()
        # Making it is no part of any recovery, so time begins when it is there.
        state.timeline, state.began = Timeline(), datetime.now(UTC)
        marker = Marker(pitr_rehearsal.MARKER, counted=True)
        yield Files(made.base, made.wal, Point(time=made.between), marker, target.database)


def _source(state: State, folder: Path) -> EmbeddedTarget:
    front = state.runbook.front
    settings = {**front.server, **pitr_rehearsal.archiving(folder)}
    database = front.runbook.replace("-", "_")
    return start_target(front.postgres, settings=settings, database=database, explicit_bin=explicit(state.request))


def _carry_out(state: State, planned: Plan, files: Files, stack: ExitStack) -> None:
    state.watch.stage("reading the base backup and its archive")
    backup, archive = basebackup.read(files.base), walarchive.read(files.wal)
    state.acquired = _acquired(backup, archive, state)
    binaries = binaries_for(backup, state.request.postgres_bin)
    state.go_on()
    state.watch.stage(f"recovering it to {files.point}")
    front = state.runbook.front
    recovery = Recovery(backup, archive, files.point, files.marker, files.database, front.runbook, front.server)
    recovered = recover(recovery, binaries, state.timeline, made=partial(_haltable, state), stop=state.stop)
    if recovered.server is not None:
        stack.callback(recovered.server.stop)
    state.ladder.steps += recovered.steps
    state.usable = recovered.usable
    if recovered.server is None or not recovered.holds:
        state.ladder.rest(BELOW, Rung.BOUNDARY)
        return
    _look(state, planned, recovered)


def _haltable(state: State, server: RecoveringServer) -> None:
    state.halts.append(partial(killed, server))


def _look(state: State, planned: Plan, recovered: Recovered) -> None:
    """The rest of the ladder, as far as it makes sense of files, and the page's checks."""
    page, acquired, server = state.runbook, state.acquired, recovered.server
    if server is None or acquired is None:
        raise AssertionError("only a copy that is there is looked at")
    state.go_on()
    with state.timeline.phase("look at the copy"):
        state.watch.stage("verifying the copy")
        copy = state.copy = Copy.of(server, recovered.database)
        head = head_for(page)
        state.contents = described(copy, head, digests=False)
        whole = Restored((), 0, 0.0, 1, f"PostgreSQL {server.binaries.version}")
        without = replace(page, front=replace(page.front, migrations=None))
        with Looks(copy) as looks:
            climb(
                state.ladder,
                without,
                acquired=acquired,
                copy=copy,
                contents=state.contents,
                restored=whole,
                looks=looks,
            )
        _head(state, page)
        state.fidelity = surroundings(server, recovered.database)
        state.go_on()
        state.watch.stage("asking")
        state.results = ask(planned, copy, state)
    state.verified = state.timeline.seconds()


def _head(state: State, page: Runbook) -> None:
    contents, ladder = state.contents, state.ladder
    if page.front.migrations is None or contents is None:
        return
    ladder.steps = [step for step in ladder.steps if step.rung not in {Rung.HEAD, Rung.PENDING}]
    ladder.take(Rung.HEAD, lambda: [head_of_the_copy(ladder, page, None, contents)], took=shared)
    ladder.skip(Rung.PENDING, NO_OWNER)


def _acquired(backup: basebackup.BaseBackup, archive: walarchive.Archive, state: State) -> Acquired:
    """What is in hand. It is as new as the newest WAL: what was written later cannot be had back."""
    newest = max(file.stat().st_mtime for file in archive.files.values())
    manifest = backup.path / basebackup.MANIFEST
    hashes = {"manifest": hashlib.sha256(manifest.read_bytes()).hexdigest()} if backup.has_manifest else {}
    return Acquired(
        backup.path,
        state.request.origin,
        Header(Format.PHYSICAL, server=str(backup.major)),
        backup.bytes + archive.bytes,
        datetime.fromtimestamp(newest, UTC),
        "the newest file of the archive",
        hashes={**hashes, "runbook": state.runbook.sha256},
        notes=[f"The base backup began at {backup.began}, and its archive lies in {archive.folder}."],
    )
