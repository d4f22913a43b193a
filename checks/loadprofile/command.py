"""A page's disposable server under pgbench, at 1, 1.5 and 2 times the sessions its services' pools may open."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from checks.choice import Output, known_format
from checks.errors import CouldNotTell, NothingSelected, UsageError
from checks.loadprofile.pgbench import DATABASE, OPTIONS, QUERIES, READ_ONLY, Pgbench
from checks.loadprofile.profile import Profile, Step, as_json, as_markdown, as_text, with_earlier, write
from checks.prepare import BENCHMARK, check_files, prepare, server_for
from checks.result import COULD_NOT_TELL, HELD
from checks.runbook.model import Runbook
from checks.secrets import mask
from checks.suggest import did_you_mean

FORMATS = ("text", "json", "markdown")
PROFILE = "pgbench"
TIMES = (1.0, 1.5, 2.0)
UNDECLARED = 10  # clients, where the page declares no pool
LONGEST = 600


@dataclass(frozen=True, slots=True)
class Load:
    """What is run: a workload of pgbench's, or the page's own queries, for so many seconds at each step."""

    workload: str = READ_ONLY
    seconds: int = 2

    @classmethod
    def of(
        cls, profile: str, workload: str, seconds: int, *, environment: str, others: Mapping[str, object] | None = None
    ) -> Load:
        """The load that the flags name. Raises UsageError, also for a live environment: this is for disposables.

        `others` are the values of flags that are for measuring queries, by name.
        """
        if profile != PROFILE:
            hint = did_you_mean(profile, [PROFILE]) or f"`--profile {PROFILE}` is the one there is."
            raise UsageError(f"--profile {profile or '(empty)'}: no such profile.", hint=hint)
        if workload not in OPTIONS:
            hint = did_you_mean(workload, OPTIONS) or f"one of {', '.join(OPTIONS)}"
            raise UsageError(f"--workload {workload}: no such workload.", hint=hint)
        if environment:
            raise UsageError(
                f"--profile {PROFILE} --env {environment}: a live environment is never put under pgbench.",
                hint="Leave --env out: it is run against a disposable server with the page's own settings.",
            )
        idle = [flag for flag, value in (others or {}).items() if value]
        if idle:
            raise UsageError(f"{', '.join(idle)}: not with --profile, which measures no check's queries.")
        if seconds > LONGEST:
            raise UsageError(f"--seconds {seconds}: at most {LONGEST} at each step.")
        return cls(workload, seconds)


def show(runbooks: Sequence[Runbook], load: Load, *, rows: int, postgres_bin: str, output: Output) -> int:
    """Run, print and write the profile of every page: 0, or 3 where one could not be had. Raises UsageError."""
    known_format(output.format, FORMATS)
    profiles: list[Profile] = []
    paths: list[Path] = []
    code = HELD
    for runbook in _chosen(runbooks, load):
        check_files(runbook)
        try:
            profile = with_earlier(_profile(runbook, load, rows, postgres_bin), output.folder)
        except CouldNotTell as reason:
            sys.stderr.write(f"{mask(f'{runbook.front.runbook}: {reason}')}\n")
            code = COULD_NOT_TELL
        else:
            profiles.append(profile)
            paths.append(write(profile, output.folder))
    _print(profiles, output.format)
    if output.format == "text":
        _print_paths(paths)
    return code


def _chosen(runbooks: Sequence[Runbook], load: Load) -> list[Runbook]:
    """With the page's own queries, the pages that have some. Raises NothingSelected where none has."""
    chosen = [one for one in runbooks if load.workload != QUERIES or list(_queries(one))]
    if not chosen:
        raise NothingSelected(f"No selected runbook has a `{BENCHMARK}` check, whose queries could be run.")
    return chosen


def _profile(runbook: Runbook, load: Load, rows: int, postgres_bin: str) -> Profile:
    sessions, settings = _pools(runbook)
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with closing(server_for(runbook, postgres_bin)) as target:
        pgbench = Pgbench(target.server)
        database, scripts = DATABASE, list[str]()
        if load.workload == QUERIES:
            prepared = prepare(runbook, target, rows)
            if prepared.shortfall is not None:
                raise prepared.shortfall
            database, scripts = target.database, list(_queries(runbook))
        else:
            pgbench.prepare()
        steps = tuple(
            Step(times, pgbench.run(load.workload, clients, load.seconds, database=database, scripts=scripts))
            for times in TIMES
            for clients in [math.ceil(sessions * times)]
        )
        with target.server.connect() as connection:
            [limit] = connection.execute("SELECT current_setting('max_connections')::int").fetchone() or (0,)
        obtained = target.obtained
    return Profile(
        runbook=runbook.front.runbook,
        started=started,
        server=obtained,
        workload=load.workload,
        seconds=load.seconds,
        sessions=sessions,
        settings=settings,
        max_connections=limit,
        steps=steps,
    )


def _pools(runbook: Runbook) -> tuple[int, tuple[str, ...]]:
    """The sessions the page's pools may open together, and each of them in words."""
    declared = runbook.front.pools
    if not declared:
        return UNDECLARED, (f"the page declares no pool; {UNDECLARED} sessions are assumed",)
    return sum(pool.most * pool.instances for pool in declared.values()), tuple(
        f"{service}: {pool.library}, {pool.most} sessions in each of {pool.instances} "
        f"{'process' if pool.instances == 1 else 'processes'}"
        for service, pool in declared.items()
    )


def _queries(runbook: Runbook) -> Iterator[str]:
    """The queries of the page's benchmarks, none of which may do more than read."""
    from checks.targets.statements import refused_unsent

    for entry in runbook.entries():
        for one in entry.params.queries.values() if entry.kind == BENCHMARK else ():
            refusal = refused_unsent(one.sql, writable=False)
            if refusal is not None:
                raise refusal
            yield one.sql.strip().rstrip(";")


def _print(profiles: Sequence[Profile], format: str) -> None:  # noqa: A002 - the flag's name
    if format == "json":
        text = json.dumps([as_json(one) for one in profiles], indent=2, ensure_ascii=False) + "\n"
    else:
        text = "\n".join(as_markdown(one) if format == "markdown" else as_text(one) for one in profiles)
    sys.stdout.write(mask(text))


def _print_paths(paths: Sequence[Path]) -> None:
    sys.stdout.write("".join(f"  {path}\n" for path in paths))
