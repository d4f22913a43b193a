"""A disposable database in the state its runbook speaks of: server settings, migrations, fixtures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from checks.errors import CouldNotTell, TargetFailed, UsageError
from checks.migrations.outcome import Rehearsal
from checks.runbook.model import Runbook
from checks.targets.binaries import available, find
from checks.targets.disposable import DisposableTarget
from checks.targets.embedded import EmbeddedTarget, start_target

NOT_PREPARED = "run.not_prepared"
BENCHMARK = "benchmark"
ROWS_SETTING = "pgrunbook.rows"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A started target, what its migrations showed, and why it could not be brought to its state, if so."""

    target: DisposableTarget
    rehearsal: Rehearsal | None = None
    shortfall: CouldNotTell | None = None


def server_for(runbook: Runbook, postgres_bin: str, *, major: int | None = None) -> EmbeddedTarget:
    """A started server with the page's settings and an empty database named after it. Raises TargetFailed.

    It is of `major` and no other where one is given, else of the page's own as far as this machine has it.
    """
    explicit, front = Path(postgres_bin) if postgres_bin else None, runbook.front
    if major is not None and (found := find(major, explicit)).major != major:
        here = f"`{explicit}` holds {found.major}" if explicit else f"this machine has {_majors_here()}"
        raise TargetFailed(
            f"PostgreSQL {major} is not at hand: {here}.",
            hint=f"install it, such as by `apt install postgresql-{major}`, or add `--on container` for its image",
        )
    wanted = major or front.postgres
    return start_target(wanted, settings=front.server, database=database_name(runbook), explicit_bin=explicit)


def database_name(runbook: Runbook) -> str:
    """The page's database on a disposable server."""
    return runbook.front.runbook.replace("-", "_")


def prepare(runbook: Runbook, target: DisposableTarget, rows: int) -> Prepared:
    """Migrate and fill `target`. A migration or fixture that fails is a shortfall, not an exception."""
    rehearsal = None
    if runbook.front.migrations is not None:
        from checks.migrations.apply import rehearse

        rehearsal = rehearse(runbook.front.migrations, runbook.folder, target)
        if not rehearsal.ready:
            reason = f"the migrations could not be applied to the disposable database: {rehearsal.failure}"
            return Prepared(target, rehearsal, CouldNotTell(reason, code=NOT_PREPARED))
    try:
        _load_fixtures(runbook, target, rows)
    except CouldNotTell as failure:
        reason = f"{runbook.front.fixtures} could not be loaded: {failure.sentence}"
        return Prepared(target, rehearsal, CouldNotTell(reason, code=NOT_PREPARED, hint=failure.hint))
    if any(entry.kind == BENCHMARK for entry in runbook.entries()):
        _tend(target)
    return Prepared(target, rehearsal)


def _tend(target: DisposableTarget) -> None:
    """What autovacuum, which a disposable server does without, does for plans elsewhere: statistics, visibility."""
    session = target.open(writable=True, timeout=60.0)
    try:
        session.script("VACUUM (ANALYZE)")
    finally:
        session.close()


def check_files(runbook: Runbook) -> None:
    """Raise UsageError for a file the page names that is not there, before anything is started."""
    named = {"fixtures": runbook.front.fixtures}
    if runbook.front.migrations is not None:
        named["migrations.path"] = runbook.front.migrations.path
    for key, path in named.items():
        if path and not (runbook.folder / path).exists():
            raise UsageError(
                f"{runbook.path}: `{key}: {path}` in the front matter names nothing that exists",
                hint=f"paths are relative to {runbook.folder}",
            )


def _load_fixtures(runbook: Runbook, target: DisposableTarget, rows: int) -> None:
    if not runbook.front.fixtures:
        return
    sql = (runbook.folder / runbook.front.fixtures).read_text(encoding="utf-8")
    session = target.open(writable=True, timeout=60.0)
    try:
        session.script(f"SET {ROWS_SETTING} = '{rows}';\n{sql}")
    finally:
        session.close()


def _majors_here() -> str:
    return ", ".join(str(major) for major in sorted({one.major for one in available()}))
