"""The composition root: the one module that knows every stage, and joins them to the disk and the terminal."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.abreast import Run
from checks.ailing import explained
from checks.baselined import Known, save
from checks.board import Watch
from checks.carryout import carry_out
from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.check import POSTGRESQL, Effect, Engine, Finding
from checks.choice import Leave, Means, Measure, Output, Selection
from checks.errors import ConnectionFailed, CouldNotTell, NothingSelected, UsageError
from checks.pages import load
from checks.plan import Mode, Plan, plan
from checks.result import Results
from checks.run import INTERRUPTED, run, without_asking
from checks.runbook.model import Runbook
from checks.suggest import did_you_mean
from checks.targets.session import Endpoint, Target

if TYPE_CHECKING:
    from checks.catalog.past import Earlier, PastDrills
    from checks.drill.command import Asked
    from checks.drill.request import Request
    from checks.drilled import Drill
    from checks.migrations.outcome import Rehearsal
    from checks.servers import Servers
    from checks.targets.disposable import DisposableTarget
    from checks.targets.live import LiveTarget
    from checks.wait import Wait

# Kinds of checks that can say more of why nobody knows where a database is: it is not there, or no engine answers.
OF_THE_PLACE, OF_THE_ENGINE = ("connectivity", "compose"), ("compose",)
BENCHMARK = "benchmark"
UNASKED = "interrupted before it was asked"


def verify(selection: Selection, output: Output, *, rows: int, means: Means) -> int:
    """Try every selected page on a disposable server, of each major that was asked for; the exit code of the whole."""
    only = selection.only
    make = partial(plan, catalog=CATALOG, mode=Mode.VERIFY, engine=POSTGRESQL, only=only, full=selection.full)
    pages = _plans(_loaded(selection), only, make)
    plans = [replace(one, major=major) for one in pages for major in means.wanted]
    return _on_disposables(plans, output, rows, means, Measure())


def check(
    selection: Selection, output: Output, *, environment: str, env_file: str, leave: Leave, wait: float = 0.0
) -> int:
    """Ask the selected pages' live environment, read-only; the exit code of the whole.

    For up to `wait` seconds it waits for each server to take a session before anything is asked of it.
    Raises UsageError before any connection for an environment that no page has, whose URL is not to be had, or that is
    protected from what `leave` allows.
    """
    where = _Where(environment, env_file, leave, wait)
    return _on_live(selection, output, where, mode=Mode.CHECK, measure=Measure())


def bench(
    selection: Selection,
    output: Output,
    *,
    measure: Measure,
    environment: str,
    env_file: str,
    leave: Leave,
    rows: int,
    means: Means,
) -> int:
    """Measure the queries of the pages' `benchmark` checks, of a live environment where one is named.

    With `measure.save` their figures become the baseline. The exit code of the whole; raises what `check` raises.
    """
    if environment:
        where = _Where(environment, env_file, leave)
        return _on_live(selection, output, where, mode=Mode.BENCH, measure=measure)
    only = selection.only
    plans = _plans(_loaded(selection), only, partial(_benchmarks, engine=POSTGRESQL, only=only))
    return _on_disposables(plans, output, rows, means, measure)


def _benchmarks(
    page: Runbook, *, engine: Engine, only: Sequence[str], environment: str = "", allow: Collection[Effect] = ()
) -> Plan:
    """The plan of the page's benchmarks alone. Raises NothingSelected where there is none to ask."""
    names = [
        one.name for one in page.entries() if one.kind == BENCHMARK and (not only or {one.name, one.kind} & {*only})
    ]
    if not names:
        raise NothingSelected(f"{page.path}: no `{BENCHMARK}` check{' of that name' if only else ''}")
    return plan(page, CATALOG, mode=Mode.BENCH, engine=engine, environment=environment, only=names, allow=allow)


def _loaded(selection: Selection) -> list[Runbook]:
    """The selected pages, each with all the files it names."""
    from checks.prepare import check_files

    runbooks = load(selection.runbooks)
    for runbook in runbooks:
        check_files(runbook)
    return runbooks


def _on_disposables(plans: Sequence[Plan], output: Output, rows: int, means: Means, measure: Measure) -> int:
    from checks.servers import Servers

    servers = Servers(means, plans)
    known = [Known.of(one, output, measure) for one in plans]
    runs = [(one.plan, partial(_verify, one, rows, servers)) for one in known]
    return carry_out(runs, servers.kind, output, afterwards=partial(save, known) if measure.save else None)


@dataclass(frozen=True, slots=True)
class _Where:
    """The live environment that is asked, and how."""

    environment: str
    env_file: str
    leave: Leave
    wait: float = 0.0


def _on_live(selection: Selection, output: Output, where: _Where, *, mode: Mode, measure: Measure) -> int:
    environment, leave, wait = where.environment, where.leave, where.wait
    until = time.monotonic() + leave.deadline + wait
    from checks.endpoints import endpoints
    from checks.targets.composed import live_target
    from checks.targets.environment import known_variables, pgbouncer_of

    file = Path(where.env_file) if where.env_file else None
    found = endpoints(load(selection.runbooks), environment, env_file=file)
    leave.check(environment, protected=any(page.front.environments[environment].protected for page, _ in found))
    servers = {page.path: endpoint for page, endpoint in found}

    def make(page: Runbook) -> Plan:
        make_it = _benchmarks if mode is Mode.BENCH else partial(plan, catalog=CATALOG, mode=mode, full=selection.full)
        return make_it(
            page,
            engine=servers[page.path].engine,
            environment=environment,
            only=selection.only,
            allow=leave.allow,
        )

    _import_the_driver(servers.values())
    turns: defaultdict[tuple[str | None, int | None], threading.Lock] = defaultdict(threading.Lock)
    variables = known_variables(file)
    patience = _patience(wait) if wait else None
    runs: list[tuple[Plan, Run]] = []
    every: list[Known] = []
    for one in _plans([page for page, _ in found], selection.only, make):
        target = live_target(environment, servers[one.runbook.path])
        turn = turns[target.endpoint.host, target.endpoint.port]
        every.append(Known.of(one, output, measure))
        known = replace(
            every[-1].told(_circumstances(one.runbook, target)),
            previous=partial(_earlier, output.folder, one),
            variables=variables,
            pgbouncer=pgbouncer_of(environment, one.runbook.front.environments, variables),
            environment=environment,
            drills=partial(_past_drills, output.folder, one.runbook.front.runbook),
        )
        runs.append((one, partial(_check, one, target, known, turn=turn, until=until, wait=patience)))
    return carry_out(runs, environment, output, afterwards=partial(save, every) if measure.save else None)


def _patience(wait: float) -> Wait:
    from checks.wait import Wait

    return Wait.begin(wait)


def _plans(runbooks: Sequence[Runbook], only: Sequence[str], make: Callable[[Runbook], Plan]) -> list[Plan]:
    """The plans of those pages that have something to ask.

    Raises NothingSelected when none has, UsageError when `only` names a check that no page has beside some that do.
    """
    plans, empty = [], []
    for runbook in runbooks:
        try:
            plans.append(make(runbook))
        except NothingSelected as nothing:
            empty.append(nothing)
    if not plans:
        hint = " ".join(dict.fromkeys(nothing.hint for nothing in empty if nothing.hint))
        raise NothingSelected("\n".join(nothing.sentence for nothing in empty), hint=hint)
    known = {word for page in runbooks for entry in page.entries() for word in (entry.name, entry.kind)}
    for wanted in only:
        if wanted not in known:
            raise UsageError(f"--only {wanted}: no selected runbook has that check.", hint=did_you_mean(wanted, known))
    return plans


def _verify(one: Known, rows: int, servers: Servers, watch: Watch, stop: threading.Event) -> Results:
    """The run on a disposable server; its time includes starting, migrating and filling that server."""
    started, clock = datetime.now(UTC), time.monotonic()
    results = _on_disposable(one, rows, servers, watch, stop)
    return replace(results, started=started, seconds=time.monotonic() - clock)


def _on_disposable(known: Known, rows: int, servers: Servers, watch: Watch, stop: threading.Event) -> Results:
    from checks.prepare import prepare

    one = known.plan
    if stop.is_set():
        return without_asking(one, servers.kind, CouldNotTell(UNASKED, code=INTERRUPTED), watch)
    watch.stage("starting a disposable PostgreSQL")
    with ExitStack() as held:
        try:
            target = held.enter_context(servers.target(one))
        except CouldNotTell as reason:
            return without_asking(one, servers.kind, reason, watch)
        watch.stage("applying migrations and loading fixtures")
        prepared = prepare(one.runbook, target, rows)
        if prepared.shortfall is not None and (ailment := target.ailment) is not None:
            return without_asking(one, servers.kind, ailment, watch)
        circumstances = replace(
            known.told(_circumstances(one.runbook, target, prepared.rehearsal)),
            socket=target.socket_endpoint,
            restart=target.restart,
            rehearse=partial(_rehearse_drill, one.runbook, target, servers.postgres_bin),
        )
        watch.stage("asking")
        results = run(one, target, circumstances, watch=watch, stop=stop, withheld=prepared.shortfall)
        return explained(results, target)


def _earlier(folder: Path, one: Plan, code: str) -> Earlier | None:
    """Imported when a page's check asks for it: a run that compares nothing pays nothing."""
    from checks.report.previous import earlier

    return earlier(folder, one, code)


def _past_drills(folder: Path, runbook: str, environments: Collection[str]) -> PastDrills:
    """Imported when a page's check asks for it, too."""
    from checks.report.drills import past_drills

    return past_drills(folder, runbook, environments)


def _rehearse_drill(runbook: Runbook, target: DisposableTarget, postgres_bin: str, parameters: Any) -> list[Finding]:
    """Imported when a page's check asks for it, too."""
    from checks.drill.rehearse import rehearse

    return rehearse(runbook, target, postgres_bin, parameters)


def _check(
    one: Plan,
    target: LiveTarget,
    circumstances: Circumstances,
    watch: Watch,
    stop: threading.Event,
    *,
    turn: threading.Lock,
    until: float,
    wait: Wait | None,
) -> Results:
    """The run on a live target. Those on one server take turns: it sees the sessions of one run, not of all."""
    if not turn.acquire(timeout=max(0.0, until - time.monotonic())):
        late = CouldNotTell("the run's own deadline passed before its turn at the server came", code="run.timeout")
        return without_asking(one, target.name, late, watch)
    try:
        if wait is not None:
            from checks.wait import wait_for

            watch.stage("waiting for the server")
            wait_for(target, wait, tell=watch.delayed, stop=stop)
        if stop.is_set():
            return without_asking(one, target.name, CouldNotTell(UNASKED, code=INTERRUPTED), watch)
        watch.stage("asking")
        withheld = _unlocated(target)
        can_say_more = OF_THE_PLACE if isinstance(withheld, ConnectionFailed) else OF_THE_ENGINE
        known = replace(circumstances, endpoint=target.endpoint)
        left = max(0.0, until - time.monotonic())
        return run(
            one, target, known, watch=watch, stop=stop, withheld=withheld, can_say_more=can_say_more, deadline=left
        )
    finally:
        turn.release()


def _unlocated(target: LiveTarget) -> CouldNotTell | None:
    """Why nobody knows where the database is, or None."""
    try:
        target.locate()
    except CouldNotTell as reason:
        return reason
    return None


def _circumstances(runbook: Runbook, target: Target, rehearsal: Rehearsal | None = None) -> Circumstances:
    return Circumstances(
        folder=runbook.folder,
        engine=target.engine,
        endpoint=target.endpoint,
        disposable=target.disposable,
        migrations=runbook.front.migrations,
        rehearsal=rehearsal,
        pools=runbook.front.pools,
        settings=runbook.front.server,
        runbook=runbook.front.runbook,
        postgres=runbook.front.postgres,
        backups=runbook.front.backups,
    )


def drill(selection: Selection, output: Output, asked: Asked) -> int:
    """Restore a backup of every selected page into a disposable server, one after the other, and prove what came back.

    Raises UsageError before anything is touched, and NothingSelected where no page says where its backups lie.
    """
    from checks.drill.asking import CHECKS_LIMIT, COPY, plan_for
    from checks.drill.command import points, requests
    from checks.drill.drill import drill as drill_backup
    from checks.drill.physical import drill_to_point

    made = requests(load(selection.runbooks), selection, asked, output.folder)
    if not made:
        raise NothingSelected(
            "No selected runbook has that environment and says where its backups lie.",
            hint="Declare `backups: {location: …}` in the front matter, or name a backup by --from PATH.",
        )
    to_points = points(made, asked)
    shown: dict[Path, Drill] = {}

    def one(request: Request, watch: Watch, stop: threading.Event) -> Results:
        point = to_points.get(request.runbook.path)
        drilled, results = drill_to_point(request, point, watch, stop) if point else drill_backup(request, watch, stop)
        shown[request.runbook.path] = drilled
        return results

    runs = [(plan_for(request), partial(one, request)) for request in made]
    deadline = len(made) * (2 * asked.limit + CHECKS_LIMIT)
    return carry_out(runs, COPY, output, drills=shown, deadline=deadline)


def _import_the_driver(endpoints: Iterable[Endpoint]) -> None:
    """The driver is imported before any server is waited for, so that what draws the reports has that time."""
    if any(endpoint.engine == POSTGRESQL for endpoint in endpoints):
        import checks.targets.postgres  # noqa: F401 - only to have been imported
