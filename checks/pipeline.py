"""The composition root: the one module that knows every stage, and joins them to the disk and the terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.abreast import AT_ONCE, DEADLINE, Run, all_of
from checks.board import Watch
from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.catalog.codes import documented
from checks.check import POSTGRESQL, Finding
from checks.choice import Leave, Output, Selection, require_writable
from checks.errors import CouldNotTell, NothingSelected, UsageError
from checks.migrations.outcome import Rehearsal
from checks.pages import load
from checks.plan import Mode, Plan, plan
from checks.report.drills import past_drills
from checks.report.previous import earlier
from checks.report.progress import progress_for
from checks.report.provenance import Checkout, provenance_of
from checks.result import COULD_NOT_TELL, Results, worst
from checks.run import INTERRUPTED, run, without_asking
from checks.runbook.model import Runbook
from checks.suggest import did_you_mean
from checks.targets.session import Endpoint, Target
from checks.wait import Wait, wait_for

if TYPE_CHECKING:
    from checks.targets.embedded import EmbeddedTarget

if TYPE_CHECKING:  # a check pays for no drill
    from checks.drill.command import Asked
    from checks.drill.request import Request
    from checks.drilled import Drill
    from checks.report.model import Report

DISPOSABLE = "embedded"
UNASKED = "interrupted before it was asked"


def verify(selection: Selection, output: Output, *, rows: int, postgres_bin: str) -> int:
    """Try every selected page on a disposable server of its own; the exit code of the whole."""
    from checks.prepare import check_files

    runbooks = load(selection.runbooks)
    for runbook in runbooks:
        check_files(runbook)
    only = selection.only
    plans = _plans(runbooks, only, lambda page: plan(page, CATALOG, mode=Mode.VERIFY, engine=POSTGRESQL, only=only))
    return _carry_out([(one, partial(_verify, one, rows, postgres_bin)) for one in plans], DISPOSABLE, output)


def check(
    selection: Selection, output: Output, *, environment: str, env_file: str, leave: Leave, wait: float = 0.0
) -> int:
    """Ask the selected pages' live environment, read-only; the exit code of the whole.

    For up to `wait` seconds it waits for each server to take a session before anything is asked of it.
    Raises UsageError before any connection for an environment that no page has, whose URL is not to be had, or that is
    protected from what `leave` allows.
    """
    until = time.monotonic() + leave.deadline + wait
    from checks.endpoints import endpoints
    from checks.targets.environment import known_variables
    from checks.targets.live import LiveTarget

    file = Path(env_file) if env_file else None
    found = endpoints(load(selection.runbooks), environment, env_file=file)
    leave.check(environment, protected=any(page.front.environments[environment].protected for page, _ in found))
    where = {page.path: endpoint for page, endpoint in found}

    def make(page: Runbook) -> Plan:
        return plan(
            page,
            CATALOG,
            mode=Mode.CHECK,
            engine=where[page.path].engine,
            environment=environment,
            only=selection.only,
            allow=leave.allow,
        )

    _import_the_driver(where.values())
    turns: defaultdict[tuple[str | None, int | None], threading.Lock] = defaultdict(threading.Lock)
    variables = known_variables(file)
    patience = Wait.begin(wait) if wait else None
    runs: list[tuple[Plan, Run]] = []
    for one in _plans([page for page, _ in found], selection.only, make):
        target = LiveTarget(environment, where[one.runbook.path])
        turn = turns[target.endpoint.host, target.endpoint.port]
        known = replace(
            _circumstances(one.runbook, target),
            previous=partial(earlier, output.folder, one),
            variables=variables,
            environment=environment,
            drills=partial(past_drills, output.folder, one.runbook.front.runbook),
        )
        runs.append((one, partial(_check, one, target, known, turn=turn, until=until, wait=patience)))
    return _carry_out(runs, environment, output)


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


def _verify(one: Plan, rows: int, postgres_bin: str, watch: Watch, stop: threading.Event) -> Results:
    """The run on a disposable server; its time includes starting, migrating and filling that server."""
    started, clock = datetime.now(UTC), time.monotonic()
    results = _on_disposable(one, rows, postgres_bin, watch, stop)
    return replace(results, started=started, seconds=time.monotonic() - clock)


def _on_disposable(one: Plan, rows: int, postgres_bin: str, watch: Watch, stop: threading.Event) -> Results:
    from checks.prepare import prepare, server_for

    if stop.is_set():
        return without_asking(one, DISPOSABLE, CouldNotTell(UNASKED, code=INTERRUPTED), watch)
    watch.stage("starting a disposable PostgreSQL")
    try:
        target = server_for(one.runbook, postgres_bin)
    except CouldNotTell as reason:
        return without_asking(one, DISPOSABLE, reason, watch)
    with closing(target):
        watch.stage("applying migrations and loading fixtures")
        prepared = prepare(one.runbook, target, rows)
        circumstances = replace(
            _circumstances(one.runbook, target, prepared.rehearsal),
            rehearse=partial(_rehearse_drill, one.runbook, target, postgres_bin),
        )
        watch.stage("asking")
        return run(one, target, circumstances, watch=watch, stop=stop, withheld=prepared.shortfall)


def _rehearse_drill(runbook: Runbook, target: EmbeddedTarget, postgres_bin: str, parameters: Any) -> list[Finding]:
    """Imported when a page's check asks for it: a page without drills pays nothing for them."""
    from checks.drill.rehearse import rehearse

    return rehearse(runbook, target, postgres_bin, parameters)


def _check(
    one: Plan,
    target: Target,
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
            watch.stage("waiting for the server")
            wait_for(target, wait, tell=watch.delayed, stop=stop)
        if stop.is_set():
            return without_asking(one, target.name, CouldNotTell(UNASKED, code=INTERRUPTED), watch)
        watch.stage("asking")
        left = max(0.0, until - time.monotonic())
        return run(one, target, circumstances, watch=watch, stop=stop, deadline=left)
    finally:
        turn.release()


def _circumstances(runbook: Runbook, target: Target, rehearsal: Rehearsal | None = None) -> Circumstances:
    return Circumstances(
        folder=runbook.folder,
        engine=target.engine,
        endpoint=target.endpoint,
        disposable=target.disposable,
        migrations=runbook.front.migrations,
        rehearsal=rehearsal,
        runbook=runbook.front.runbook,
        postgres=runbook.front.postgres,
        backups=runbook.front.backups,
    )


def drill(selection: Selection, output: Output, asked: Asked) -> int:
    """Restore a backup of every selected page into a disposable server, one after the other, and prove what came back.

    Raises UsageError before anything is touched, and NothingSelected where no page says where its backups lie.
    """
    from checks.drill import drill as drills
    from checks.drill.command import points, requests
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
        drilled, results = drill_to_point(request, point, watch, stop) if point else drills.drill(request, watch, stop)
        shown[request.runbook.path] = drilled
        return results

    runs = [(drills.plan_for(request), partial(one, request)) for request in made]
    deadline = len(made) * (2 * asked.limit + drills.CHECKS_LIMIT)
    return _carry_out(runs, drills.COPY, output, drills=shown, deadline=deadline)


def _carry_out(
    runs: Sequence[tuple[Plan, Run]],
    target: str,
    output: Output,
    *,
    drills: Mapping[Path, Drill] | None = None,
    deadline: float = DEADLINE,
) -> int:
    """All runs, side by side, watched; then their reports, and one exit code. Raises UsageError before any of it.

    With `drills`, which the runs fill by page, they are carried out one by one, since each is timed.
    """
    require_writable(output.folder)
    checkout = Checkout(Path.cwd())
    names = [one.runbook.front.runbook for one, _ in runs]
    progress = progress_for(output.format, runbooks=names, stdout=sys.stdout, stderr=sys.stderr, environ=os.environ)
    with progress:
        watched = [(its_plan, one, progress.planned(its_plan)) for its_plan, one in runs]
        at_once = AT_ONCE if drills is None else 1
        results = all_of(watched, target=target, meanwhile=_import_the_reports, deadline=deadline, at_once=at_once)
    from checks.output import exit_code, publish
    from checks.report.compose import report_of

    reports = [
        report_of(
            one,
            provenance=provenance_of(one.plan.runbook, checkout, command=sys.argv),
            codes=documented(),
            strict=output.strict,
            drill=(drills or {}).get(one.plan.runbook.path),
        )
        for one in results
    ]
    code = exit_code(reports, output)
    whole = [publish(reports, output), *(_recorded(report, output) for report in reports if report.drill)]
    return code if all(whole) else worst([code, COULD_NOT_TELL])


def _recorded(report: Report, output: Output) -> bool:
    """Put a drill into the history; whether that could be done."""
    from checks.report.drills import record

    try:
        record(report, output.folder)
    except UsageError as failure:
        sys.stderr.write(f"{failure}\n")
        return False
    return True


def _import_the_driver(endpoints: Iterable[Endpoint]) -> None:
    """The driver is imported before any server is waited for, so that what draws the reports has that time."""
    if any(endpoint.engine == POSTGRESQL for endpoint in endpoints):
        import checks.targets.postgres  # noqa: F401 - only to have been imported


def _import_the_reports() -> None:
    """What draws the reports is imported while the servers are waited for, so that it costs no time of its own."""
    import jinja2  # noqa: F401 - the same

    import checks.output  # noqa: F401 - only to have been imported
