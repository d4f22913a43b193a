"""The Invoke tasks: flags in, one call of the pipeline, an exit code out. Nothing heavy is imported at the top."""

from __future__ import annotations

import atexit
import functools
import gc
import shlex
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task, task

from checks.errors import PgrunbookError, UsageError
from checks.result import COULD_NOT_TELL, HELD, INTERRUPTED
from checks.secrets import mask, mask_bugs
from checks.streams import hush

if TYPE_CHECKING:
    from checks.choice import Output

EXIT_CODES = """
    Exit codes: 0 all held, 1 a check failed, 2 the runbook or the command line is wrong, 3 could not tell,
    5 nothing selected, 130 interrupted. With --format nagios they are a plug-in's: 0 OK, 1 WARNING (a check warned),
    2 CRITICAL (one failed), 3 UNKNOWN (anything else).
    """

RUNBOOK_HELP = {"runbook": "A runbook by name or path; may be repeated. Default: every page in runbooks/."}
PAGES_HELP = RUNBOOK_HELP | {"format": "What stdout gets: text or json. Default: text."}
RUN_HELP = RUNBOOK_HELP | {
    "only": "A check by name or kind; may be repeated. Default: every check of the page.",
    "strict": "Warnings fail the run.",
    "format": "What stdout gets: text, json, markdown, junit or nagios. Default: text.",
    "out": "Folder the reports are written to. Default: reports.",
}


FULL_HELP = "Wait for what is otherwise cut short: pools' declared time-outs, and seconds under load."
Body = Callable[..., int | None]


def shown_task(help: dict[str, str], *, iterable: tuple[str, ...] = (), **options: Any) -> Callable[[Body], Task[Any]]:
    """An Invoke task that ends with a documented exit code and one clear message, never a traceback of ours."""

    def decorate(body: Body) -> Task[Any]:
        @functools.wraps(body)
        def wrapped(context: Context, *positional: Any, **flags: Any) -> None:
            code = _exit_code(body, context, *positional, **flags)
            if code:
                raise Exit(code=code)

        wrapped.__doc__ = (body.__doc__ or "").rstrip() + "\n" + EXIT_CODES
        made: Task[Any] = task(help=help, iterable=list(iterable), auto_shortflags=False, **options)(wrapped)
        return made

    return decorate


def _exit_code(body: Body, *positional: Any, **flags: Any) -> int:
    mask_bugs()
    # CI ends a job by SIGTERM, a closed terminal its programs by SIGHUP: both are to leave a report, as Ctrl-C does.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    # A process about to end need not search all it imported for cycles first: a tenth of a short check's time.
    atexit.register(gc.freeze)
    try:
        return body(*positional, **flags) or HELD
    except PgrunbookError as error:
        sys.stderr.write(f"{mask(str(error))}\n")
        return _without_report(flags, error.exit_code, error.sentence)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return _without_report(flags, INTERRUPTED, "interrupted")
    except BrokenPipeError:
        # The reader of our output went away (`| head`).
        hush(sys.stdout)
        return COULD_NOT_TELL
    except Exception:
        if not _for_monitoring(flags):
            raise
        # Python itself would end with 1, which monitoring takes for a warning.
        import traceback

        sys.stderr.write(mask(traceback.format_exc()))
        return _without_report(flags, COULD_NOT_TELL, "a bug of pgrunbook; its traceback is on stderr")


def _for_monitoring(flags: Mapping[str, Any]) -> bool:
    from checks.choice import NAGIOS

    return flags.get("format") == NAGIOS


def _without_report(flags: Mapping[str, Any], code: int, sentence: str) -> int:
    """The exit code of a run that came to no report. Monitoring gets its line, and a code it takes for UNKNOWN."""
    if not _for_monitoring(flags):
        return code
    from checks.report import nagios

    sys.stdout.write(nagios.unknown(sentence))
    return nagios.UNKNOWN


@shown_task(
    RUN_HELP
    | {
        "rows": "Rows the fixtures make in each system. Default: 10000.",
        "full": FULL_HELP,
        "on": "embedded (PostgreSQL of this machine) or container (an image, by Docker). Default: embedded.",
        "image": "The image of a container; {major} in it is the major. Default: the page's, or the official one.",
        "postgres": "Majors to run each page on, such as 15,16,17, with a matrix of what came of it.",
        "postgres-bin": "Folder with the PostgreSQL binaries to use.",
    },
    iterable=("runbook", "only"),
    default=True,
)
def verify(
    _: Context,
    runbook: list[str] | None = None,
    only: list[str] | None = None,
    rows: str = "10000",
    full: bool = False,
    on: str = "embedded",
    image: str = "",
    postgres: str = "",
    postgres_bin: str = "",
    strict: bool = False,
    format: str = "text",
    out: str = "reports",
) -> int:
    """Prove runbooks on disposable PostgreSQL servers: migrate, load fixtures, run every check, report.

    Needs no Docker, no server and no configuration. With --on container the servers are of production's own image.
    """
    from checks import pipeline
    from checks.choice import Means, Selection, majors

    return pipeline.verify(
        Selection(tuple(runbook or ()), tuple(only or ()), full),
        _output(format, out, strict=strict),
        rows=_whole_number("--rows", rows),
        means=Means(on, postgres_bin, image.strip(), majors(postgres)),
    )


@shown_task(
    RUN_HELP
    | {
        "env": "The environment of the runbook to look at.",
        "env-file": "Read variables from this file too.",
        "allow": "`load`: ask checks that put load on the server too. Nothing allows a check to write.",
        "confirm": "The name of a protected environment again, which --allow asks for.",
        "full": FULL_HELP,
        "wait": "Wait so long, such as 60s, for the server to take a session: a try every 10 s, five at the least.",
        "deadline": "When the whole run ends, whatever a server does, such as 60s. Default: 2min.",
    },
    iterable=("runbook", "only", "allow"),
)
def check(
    _: Context,
    runbook: list[str] | None = None,
    only: list[str] | None = None,
    allow: list[str] | None = None,
    env: str = "",
    env_file: str = "",
    confirm: str = "",
    full: bool = False,
    deadline: str = "2min",
    wait: str = "",
    strict: bool = False,
    format: str = "text",
    out: str = "reports",
) -> int:
    """Look at a live environment, read-only: run every check of the page that only observes, and report.

    The environment's URL comes from the variable its runbook names, from --env-file, or from a libpq service.
    """
    from checks import pipeline
    from checks.choice import Leave, Selection, allowed

    return pipeline.check(
        Selection(tuple(runbook or ()), tuple(only or ()), full),
        _output(format, out, strict=strict),
        environment=env,
        env_file=env_file,
        leave=Leave(allowed(allow or ()), confirm, _duration("--deadline", deadline)),
        wait=_duration("--wait", wait) if wait else 0.0,
    )


@shown_task(
    {name: text for name, text in RUN_HELP.items() if name != "format"}
    | {
        "format": "What stdout gets: text, json, markdown, junit or nagios. Default: text.",
        "env": "A live environment to measure, read-only, which takes `--allow load`. Default: a disposable server.",
        "env-file": "Read variables from this file too.",
        "allow": "`load`: measuring is load, and a live environment is spared it without this.",
        "confirm": "The name of a protected environment again, which --allow asks for.",
        "deadline": "When the whole run ends, whatever a server does, such as 60s. Default: 2min.",
        "rows": "Rows the fixtures make in each system. Default: 10000.",
        "rounds": "Rounds of each query. Default: what the page says.",
        "save": "Keep the figures as the baseline, in fixtures/baselines/.",
        "profile": "`pgbench`: how many transactions a disposable server does at 1, 1.5 and 2 times the pools.",
        "workload": "With --profile: read-only, simple-update, or queries (those of the page). Default: read-only.",
        "seconds": "With --profile: seconds at each number of clients. Default: 2.",
        "postgres-bin": "Folder with the PostgreSQL binaries to use.",
    },
    iterable=("runbook", "only", "allow"),
)
def bench(
    _: Context,
    runbook: list[str] | None = None,
    only: list[str] | None = None,
    allow: list[str] | None = None,
    env: str = "",
    env_file: str = "",
    confirm: str = "",
    deadline: str = "2min",
    rows: str = "10000",
    rounds: str = "",
    save: bool = False,
    profile: str = "",
    workload: str = "",
    seconds: str = "",
    postgres_bin: str = "",
    strict: bool = False,
    format: str = "text",
    out: str = "reports",
) -> int:
    """Measure the queries of the pages' benchmark checks, on disposable servers or a live one, and report.

    Plans and buffers are judged first, times second, against the page's bounds and the baseline that --save keeps.
    """
    from checks import pipeline
    from checks.choice import Leave, Means, Measure, Selection, allowed

    if profile or workload or seconds:
        from checks import pages
        from checks.loadprofile.command import Load, show

        load = Load.of(
            profile,
            workload or "read-only",
            _whole_number("--seconds", seconds or "2"),
            environment=env,
            others={"--save": save, "--rounds": rounds, "--only": only, "--allow": allow, "--confirm": confirm},
        )
        return show(
            pages.load(runbook or ()),
            load,
            rows=_whole_number("--rows", rows),
            postgres_bin=postgres_bin,
            output=_output(format, out, strict=strict),
        )
    return pipeline.bench(
        Selection(tuple(runbook or ()), tuple(only or ())),
        _output(format, out, strict=strict),
        measure=Measure(_rounds(rounds) if rounds else None, save),
        environment=env,
        env_file=env_file,
        leave=Leave(allowed(allow or ()), confirm, _duration("--deadline", deadline)),
        rows=_whole_number("--rows", rows),
        means=Means(postgres_bin=postgres_bin),
    )


@shown_task(
    PAGES_HELP
    | {
        "sql": "PREPARE every query on a disposable server too.",
        "postgres-bin": "Folder with the PostgreSQL binaries to use.",
    },
    iterable=("runbook",),
)
def lint(
    _: Context, runbook: list[str] | None = None, sql: bool = False, postgres_bin: str = "", format: str = "text"
) -> int:
    """Find every mistake in the runbooks without a database; with --sql, PREPARE every query on a disposable server."""
    from checks import pages

    return pages.lint(runbook or (), sql=sql, postgres_bin=postgres_bin, format=format)


@shown_task(
    RUN_HELP
    | {
        "env": "The environment whose backup is drilled.",
        "from": "latest: the newest backup where the page says they lie; live: dump the database now; else a path, or "
        "s3://bucket/name. Default: latest.",
        "env-file": "Read variables from this file too.",
        "postgres-bin": "Folder with the PostgreSQL binaries to restore with.",
        "limit": "How long the dump, and the restore, may take, such as 30min. Default: 4h.",
        "pitr": "Recover a base backup (--from PATH, --wal) to a point in time; without --from, one made for it.",
        "wal": "With --pitr: the folder that WAL is archived to.",
        "to-time": "With --pitr: the time to recover to, such as '2026-11-21 09:00+00'. Without a zone it is UTC.",
        "restore-point": "With --pitr: the restore point to recover to, in place of a time.",
        "timeline": "With --pitr: latest, current or a number. Default: latest.",
        "marker": "With --pitr: a query of one column of times, for proof on both sides. Default: the page's.",
        "database": "With --pitr: the database of the copy to look at. Default: the only one, or the page's name.",
    },
    iterable=("runbook", "only"),
)
def drill(
    _: Context,
    runbook: list[str] | None = None,
    only: list[str] | None = None,
    env: str = "",
    from_: str = "latest",
    env_file: str = "",
    postgres_bin: str = "",
    limit: str = "4h",
    pitr: bool = False,
    wal: str = "",
    to_time: str = "",
    restore_point: str = "",
    timeline: str = "",
    marker: str = "",
    database: str = "",
    strict: bool = False,
    format: str = "text",
    out: str = "reports",
) -> int:
    """Restore a backup into a disposable PostgreSQL, prove that what came back is what was there, and measure it.

    The live database is only read, and only by --from live. A dump is restored by a role that is no superuser.
    """
    from checks import pipeline
    from checks.choice import Selection
    from checks.drill.command import Asked
    from checks.drill.to_point import Flags

    flags = Flags(wal, to_time, restore_point, timeline, marker, database)
    return pipeline.drill(
        Selection(tuple(runbook or ()), tuple(only or ())),
        _output(format, out, strict=strict),
        Asked(env, from_, env_file, postgres_bin, _duration("--limit", limit), pitr, flags),
    )


@shown_task(
    RUNBOOK_HELP
    | {
        "role": "Name of the role to make. Default: pgrunbook_ and the runbook's name.",
        "postgres-bin": "Folder with the PostgreSQL binaries to use.",
    },
    iterable=("runbook",),
)
def grants(_: Context, runbook: list[str] | None = None, role: str = "", postgres_bin: str = "") -> int:
    """Print the SQL that makes a role which can run a page's observing checks and nothing else.

    What the checks need is looked up on a disposable server with the page's migrations; no live database is touched.
    """
    from checks import pages
    from checks.grants.command import show

    return show(
        pages.load(runbook or ()), role=role, postgres_bin=postgres_bin, command=shlex.join(["invoke", *sys.argv[1:]])
    )


@shown_task(
    RUNBOOK_HELP
    | {
        "env": "One environment of the runbook.",
        "with": "The other one, or `disposable`: a database made from the page's migrations.",
        "env-file": "Read variables from this file too.",
        "postgres-bin": "Folder with the PostgreSQL binaries to use.",
        "format": "What stdout gets: text, json or markdown. Default: text.",
    },
    iterable=("runbook",),
)
def compare(
    _: Context,
    runbook: list[str],
    env: str = "",
    with_: str = "",
    env_file: str = "",
    postgres_bin: str = "",
    format: str = "text",
) -> int:
    """Say what differs between two environments: schema, migrations, extensions, settings and roles.

    Both are only read, in one read-only session each. Settings that differ from host to host are left out.
    It ends with 0 where nothing differs, 1 where something does, and 3 where it could not tell.
    """
    from checks import pages
    from checks.compare.command import Sides, show

    return show(pages.load(runbook), Sides(env, with_, env_file, postgres_bin), format=format)


@shown_task(
    RUNBOOK_HELP
    | {
        "env": "The environment of the runbook to back up.",
        "to": "A folder, s3://bucket/prefix or gs://bucket/prefix. Default: the page's `backups: {location: …}`.",
        "format": "How it is written: custom or directory. Default: custom.",
        "keep": "How many backups to keep, such as 10, or for how long, such as 30d. Default: the page's `keep`.",
        "env-file": "Read variables from this file too.",
        "postgres-bin": "Folder with the pg_dump to use.",
        "deadline": "When a backup ends, whatever a server does, such as 30min. Default: 4h.",
    },
    iterable=("runbook",),
)
def backup(
    _: Context,
    runbook: list[str] | None = None,
    env: str = "",
    to: str = "",
    format: str = "custom",
    keep: str = "",
    env_file: str = "",
    postgres_bin: str = "",
    deadline: str = "4h",
) -> int:
    """Take a backup that can be proven: a dump and, from the same snapshot, what is in it, with a digest of each table.

    The environment is only read. A backup is there with its manifest, or not at all; older ones that are no longer kept
    are removed, and never the last one.
    """
    from checks import pages
    from checks.drill.backup import Asked, show

    asked = Asked(env, to, format, keep, env_file, postgres_bin, _duration("--deadline", deadline))
    return show(pages.load(runbook or ()), asked)


@shown_task({"code": "A finding code, such as migrations.behind."}, positional=["code"])
def explain(_: Context, code: str) -> int:
    """Say what a finding code means, why it matters and how to fix it."""
    from checks import pages

    return pages.explain(code)


@shown_task(PAGES_HELP, iterable=("runbook",), name="list")
def list_(_: Context, runbook: list[str] | None = None, format: str = "text") -> int:
    """List the runbooks here, their environments and their checks; no database is touched."""
    from checks import pages

    return pages.listing(runbook or (), format=format)


@shown_task(
    PAGES_HELP | {"format": RUN_HELP["format"], "out": RUN_HELP["out"]},
    iterable=("runbook",),
)
def report(_: Context, runbook: list[str] | None = None, format: str = "text", out: str = "reports") -> int:
    """Show the newest report again, of each runbook or of those named, from its JSON in the reports folder."""
    from checks.output import show_newest

    return show_newest(runbook or (), _output(format, out))


@shown_task({"format": PAGES_HELP["format"]})
def doctor(_: Context, format: str = "text") -> int:
    """Say what this machine can run: PostgreSQL, client programs, a container engine and its images, caches."""
    from checks import doctor as machine

    return machine.show(format)


def namespace(*more: Task[Any]) -> Collection:
    """The tasks under their names, for tasks.py, which adds a checkout's own, and for the `pgrunbook` command."""
    return Collection(verify, check, bench, backup, drill, lint, grants, compare, explain, list_, report, doctor, *more)


def _output(format: str, out: str, *, strict: bool = False) -> Output:
    from checks.choice import Output

    if not out.strip():
        raise UsageError("--out is empty.", hint="name a folder, or leave it out for `reports`")
    return Output(format=format, folder=Path(out), strict=strict)


def _whole_number(flag: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"{flag} {text}: not a whole number above 0.")
    return int(text)


def _rounds(text: str) -> int:
    found = _whole_number("--rounds", text)
    if not 5 <= found <= 1000:
        raise UsageError(f"--rounds {text}: a number from 5 to 1000 is wanted.")
    return found


def _duration(flag: str, text: str) -> float:
    from checks.units import seconds

    try:
        found = seconds(text)
    except ValueError as mistake:
        raise UsageError(f"{flag} {text}: {mistake}.") from None
    if not found:
        raise UsageError(f"{flag} {text}: a duration above 0 is wanted.")
    return found
