"""One drill from beginning to end: acquire, restore, verify, measure. What it showed is a value; nothing stays behind.

Every phase may fail, and the rest of the ladder is then skipped with the reason. The disposable server is stopped and
the folder of the artifact removed however it ends; what a killed process leaves, the next run sweeps.
"""

from __future__ import annotations

import getpass
import os
import platform
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from checks import __version__
from checks.backup.artifact import Header
from checks.backup.choose import choose
from checks.backup.contents import Contents
from checks.backup.copy import Copy
from checks.backup.faults import BackupFault
from checks.backup.found import BY_TIME
from checks.backup.head import Head
from checks.backup.restore import QUICK, Restored, restore
from checks.backup.staging import staging
from checks.backup.unwell import LOST, NO_SPACE, is_full
from checks.board import Watch
from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.check import POSTGRESQL, Finding, Severity
from checks.drill import live
from checks.drill.acquire import acquire, fails
from checks.drill.aside import aside, waited
from checks.drill.consequences import weighed
from checks.drill.doubt import doubts
from checks.drill.excused import excused
from checks.drill.fidelity import fidelity
from checks.drill.ladder import Ladder
from checks.drill.measure import BY_THE_FILE, age_of_the_file, budgets
from checks.drill.request import LIVE, Acquired, Request
from checks.drill.timeline import Timeline
from checks.drill.verify import BELOW, UNDECIDED, Looks, climb, described, head_for, restored_step
from checks.drilled import Drill, Fidelity, Rung, Step
from checks.errors import CouldNotTell, NothingSelected, TargetFailed
from checks.plan import Mode, Plan, plan
from checks.result import Results, Status, judge
from checks.run import INTERRUPTED, run, without_asking
from checks.runbook.model import Runbook
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.tuning import Setting

COPY = "restored copy"
GROWTH = 1.5  # of the source's size: what a copy takes, with room for sorting
PACKED = 12  # of an artifact's size, where its source's is not known
GLANCE = 0.1
CHECKS_LIMIT = 300.0  # seconds for the page's checks on the copy


@dataclass(slots=True)
class State:
    """How far a drill came; what it shows is made of it at the end."""

    request: Request
    watch: Watch
    stop: threading.Event
    began: datetime
    timeline: Timeline = field(default_factory=Timeline)
    ladder: Ladder = field(default_factory=Ladder)
    acquired: Acquired | None = None
    copy: Copy | None = None
    restored: Restored | None = None
    contents: Contents | None = None
    fidelity: list[Fidelity] = field(default_factory=list)
    results: Results | None = None
    usable: float | None = None
    verified: float | None = None
    halts: list[Callable[[], None]] = field(default_factory=list)

    @property
    def runbook(self) -> Runbook:
        return self.request.runbook

    def go_on(self) -> None:
        """Raise where somebody wants the drill stopped."""
        if self.stop.is_set():
            raise CouldNotTell("interrupted before it was done", code=INTERRUPTED)


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


def plan_for(request: Request) -> Plan:
    """The page's checks that make sense of a copy; there may be none."""
    page, only = request.runbook, request.only
    if not request.asks:
        return Plan(page, Mode.DRILL, request.environment, ())
    try:
        return plan(
            page, CATALOG, mode=Mode.DRILL, engine=POSTGRESQL, environment=request.environment, only=only, timeout=60.0
        )
    except NothingSelected:
        if only:
            raise
        return Plan(page, Mode.DRILL, request.environment, ())


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


def ask(planned: Plan, copy: Copy, state: State) -> Results:
    """The page's checks, asked of the copy."""
    page = state.runbook
    circumstances = Circumstances(
        folder=page.folder,
        engine=copy.engine,
        endpoint=copy.endpoint,
        disposable=False,
        migrations=page.front.migrations,
        environment=state.request.environment,
    )
    return run(planned, copy, circumstances, watch=state.watch, stop=state.stop, deadline=CHECKS_LIMIT)


@contextmanager
def started(binaries: Binaries, page: Runbook, room: int) -> Iterator[EmbeddedServer]:
    """A server with the page's settings, over those that make loading quick, and stopped at the end."""
    settings: dict[str, Setting] = {**QUICK, **page.front.server}
    server = EmbeddedServer.start(binaries, settings=settings, room=room)
    try:
        yield server
    finally:
        server.stop()


def room_for(acquired: Acquired) -> int:
    """Bytes a copy may take, from what the manifest says of its source, or from the artifact's own size."""
    source = acquired.source
    if source is not None and source.sizes.get("database"):
        return int(source.sizes["database"] * GROWTH)
    return acquired.bytes * PACKED if acquired.header.compression else acquired.bytes * 3


def explicit(request: Request) -> Path | None:
    """The folder of programs that a person named."""
    return Path(request.postgres_bin) if request.postgres_bin else None


def scratch() -> Path:
    """Where artifacts lie while they are drilled."""
    from tempfile import gettempdir

    return Path(gettempdir())


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


@contextmanager
def halted_with(state: State) -> Iterator[None]:
    """While this lasts, whoever wants the drill stopped frees the thread that carries it out, whatever it waits for."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(GLANCE):
            # What came last is nearest: only the first asks a server far away. What is begun after a stop is ended too.
            while state.stop.is_set() and state.halts:
                state.halts.pop()()

    thread = threading.Thread(target=watch, name="stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def killed(server: EmbeddedServer) -> None:
    """End the server at once, from another thread; whoever waits for it finds it gone."""
    with suppress(TargetFailed, ProcessLookupError):
        os.kill(server.process_id, signal.SIGQUIT)


def without_verdict(state: State, reason: CouldNotTell) -> None:
    """The rung that was next has no verdict for this reason, and those above it are not climbed."""
    if state.stop.is_set():
        reason = CouldNotTell("interrupted before it was done", code=INTERRUPTED)
    taken = {step.rung for step in state.ladder.steps}
    rung = next(rung for rung in Rung if rung not in taken and rung is not Rung.BOUNDARY)
    state.ladder.steps.append(Step(rung, Status.ERRORED, reason=reason.sentence, code=reason.code, hint=reason.hint))
    state.ladder.rest(UNDECIDED, rung)


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
