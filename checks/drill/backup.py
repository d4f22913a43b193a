"""`invoke backup`: take a backup that can be proven of each page's environment, and keep as many as it says."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.backup.artifact import Format
from checks.backup.dumper import has_programs
from checks.backup.export import DEADLINE
from checks.backup.head import head_of
from checks.backup.location import resolved
from checks.backup.store import Store, place
from checks.backup.take import Source, Taken, take, tidy
from checks.catalog.names import plural
from checks.check import POSTGRESQL
from checks.endpoints import endpoints
from checks.errors import CouldNotTell, UsageError
from checks.result import COULD_NOT_TELL, HELD, worst
from checks.runbook.model import Keep, Runbook
from checks.secrets import mask
from checks.targets.environment import known_variables
from checks.targets.session import Endpoint
from checks.units import Duration, show_bytes, show_seconds

FORMATS = {"custom": Format.CUSTOM, "directory": Format.DIRECTORY}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says. Empty is what the page says instead."""

    environment: str
    to: str = ""
    format: str = "custom"
    keep: str = ""
    env_file: str = ""
    postgres_bin: str = ""
    deadline: float = DEADLINE


def show(runbooks: Sequence[Runbook], asked: Asked) -> int:
    """Back up each page's environment: 0 all are there, 3 one could not be taken. Raises UsageError before any."""
    if asked.format not in FORMATS:
        raise UsageError(f"--format {asked.format}: not one of {', '.join(FORMATS)}.")
    if asked.postgres_bin and not has_programs(Path(asked.postgres_bin)):
        raise UsageError(
            f"--postgres-bin {asked.postgres_bin}: there is no pg_dump in that folder, nor in its `bin`.",
            hint="Name the folder of PostgreSQL's client programs, or leave it out to use what this machine has.",
        )
    env_file = Path(asked.env_file) if asked.env_file else None
    keep = _keep(asked.keep) if asked.keep else None
    found = endpoints(runbooks, asked.environment, env_file=env_file)
    variables = known_variables(env_file, os.environ)
    planned = [(page, _source(page, asked, where), _store(page, asked, variables)) for page, where in found]
    codes = [_one(source, store, asked, keep or _kept_by(page)) for page, source, store in planned]
    return worst(codes)


def _one(source: Source, store: Store, asked: Asked, keep: Keep | None) -> int:
    explicit = Path(asked.postgres_bin) if asked.postgres_bin else None
    try:
        taken = take(source, store, kind=FORMATS[asked.format], deadline=asked.deadline, explicit=explicit)
        sys.stdout.write(mask(_told(taken, store)))
        sys.stdout.flush()
        for name in tidy(store, source, keep):
            sys.stdout.write(f"  removed {name}, which is no longer kept\n")
    except CouldNotTell as reason:
        sys.stderr.write(mask(f"{source.runbook}: {reason.sentence}  ({reason.code})\n"))
        sys.stderr.write(mask(f"HINT: {reason.hint}\n") if reason.hint else "")
        return COULD_NOT_TELL
    return HELD


def _told(taken: Taken, store: Store) -> str:
    made = taken.manifest
    contents = made.contents
    rows = sum(table.rows for table in contents.tables.values())
    lines = [
        f"{taken.name} in {store.where}",
        f"  {show_bytes(made.bytes)} of {show_bytes(contents.sizes['database'])}, {made.format}, {made.compression}, "
        f"pg_dump {made.dumper} of a server {contents.server}, in {show_seconds(taken.seconds)}",
        f"  {plural(len(contents.tables), 'table')} with {plural(rows, 'row')}, each with its digest; "
        f"{plural(len(contents.sequences), 'sequence')}; snapshot of {made.taken}",
        *(f"  {note}" for note in taken.notes),
    ]
    return "\n".join(lines) + "\n"


def _source(page: Runbook, asked: Asked, endpoint: Endpoint) -> Source:
    if endpoint.engine != POSTGRESQL:
        raise UsageError(
            f"The environment {asked.environment} of {page.front.runbook} is no PostgreSQL, and only that is dumped.",
            hint='Copy a SQLite file with `sqlite3 FILE ".backup COPY"`.',
        )
    return Source(page.front.runbook, asked.environment, endpoint, head_of(page))


def _store(page: Runbook, asked: Asked, variables: Mapping[str, str]) -> Store:
    if asked.to:
        return place(asked.to, Path())
    if page.front.backups is None:
        raise UsageError(
            f"{page.path}: where the backup is to go is not said.",
            hint="Name a place by --to, or declare `backups: {location: …}` in the front matter.",
        )
    return place(resolved(page.front.backups.location, variables), page.folder)


def _kept_by(page: Runbook) -> Keep | None:
    return page.front.backups.keep if page.front.backups else None


def _keep(text: str) -> Keep:
    if text.isdecimal() and int(text) > 0:
        return Keep(last=int(text))
    try:
        within = Duration.parse(text)
    except ValueError as mistake:
        raise UsageError(f"--keep {text}: a number of backups, such as 10, or {mistake}.") from None
    return Keep(within=within)
