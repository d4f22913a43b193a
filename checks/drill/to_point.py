"""What `invoke drill --pitr` asks for: files and a point, or a rehearsal; refused here where it makes no sense."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.drill import basebackup, walarchive
from checks.drill.pitr import Marker
from checks.drill.recovery import Point
from checks.drill.request import LATEST, LIVE
from checks.errors import UsageError
from checks.runbook.model import Runbook

_EXAMPLE = "invoke drill --pitr --runbook NAME --from BASE --wal ARCHIVE --to-time '2026-11-21 09:00+00'"


@dataclass(frozen=True, slots=True)
class Flags:
    """The command line's words, empty where one was not given."""

    wal: str = ""
    to_time: str = ""
    restore_point: str = ""
    timeline: str = ""
    marker: str = ""
    database: str = ""

    def given(self) -> list[str]:
        """The flags that were given, as they are typed."""
        return [f"--{name.replace('_', '-')}" for name in self.__slots__ if getattr(self, name)]


@dataclass(frozen=True, slots=True)
class Files:
    """A base backup and its archive, the point to recover them to, and how to look at both sides of it."""

    base: Path
    wal: Path
    point: Point
    marker: Marker | None = None
    database: str = ""


@dataclass(frozen=True, slots=True)
class ToPoint:
    """A drill to a point in time; without `files` they are made on a disposable server."""

    files: Files | None = None
    rows: int = 10_000


def to_point(flags: Flags, page: Runbook, *, origin: str, environment: str) -> ToPoint:
    """What is to be recovered. Raises UsageError for flags that do not go together, and for files that are none."""
    if origin == LATEST:
        return _rehearsal(flags, environment)
    if not flags.wal or bool(flags.to_time) == bool(flags.restore_point):
        raise UsageError(
            "--pitr --from PATH needs the archive by --wal, and one of --to-time and --restore-point.", hint=_EXAMPLE
        )
    time = _time(flags.to_time) if flags.to_time else None
    base, wal = Path(origin), Path(flags.wal)
    basebackup.read(base)
    walarchive.read(wal)
    point = Point(time, flags.restore_point, flags.timeline or "latest")
    return ToPoint(Files(base, wal, point, _marker(flags, page), flags.database))


def refuse_misfits(flags: Flags, *, pitr: bool, origin: str) -> None:
    """Raise UsageError for flags that only a drill to a point in time knows, and for what it cannot start from."""
    if flags.given() and not pitr:
        raise UsageError(f"{', '.join(flags.given())}: only for a drill to a point in time.", hint="add --pitr")
    if pitr and origin == LIVE:
        raise UsageError(
            "--pitr recovers files, and --from live is a database.",
            hint="take a base backup with `pg_basebackup`, or leave --from out for a rehearsal",
        )


def _rehearsal(flags: Flags, environment: str) -> ToPoint:
    given = [*flags.given(), *(["--env"] if environment else [])]
    if given:
        raise UsageError(
            f"{', '.join(given)}: without --from PATH a drill to a point in time is a rehearsal of its own.",
            hint=_EXAMPLE,
        )
    return ToPoint()


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"--to-time {text}: this is no time.", hint="write it as 2026-11-21 09:00:00+00; without a zone it is UTC"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _marker(flags: Flags, page: Runbook) -> Marker | None:
    entry = next((entry for entry in page.entries() if entry.kind == "drill"), None)
    parameters: Any = entry.params if entry else None
    sql = flags.marker or (parameters.marker if parameters else None)
    return Marker(sql) if sql else None
