"""`drills.jsonl` in the reports folder: the history of drills, a line each, from which trends and due dates are read.

One file for all pages, appended to and never rewritten, so that two drills that end at once both stand in it. What a
killed run or a full disk left of a line is passed over and told of, and takes no other line with it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.catalog.past import PastDrill, PastDrills
from checks.errors import CouldNotTell

if TYPE_CHECKING:  # what draws reports is imported while the servers are waited for
    from checks.drilled import Earlier
    from checks.report.model import Report

NAME = "drills.jsonl"
KIND = "pgrunbook drill"
VERSION = 1
MOST_IN_TREND = 12


def record(report: Report, folder: Path) -> Path:
    """Append the drill that `report` is of to the history in `folder`. Raises UsageError where it cannot be written."""
    path = folder / NAME
    line = json.dumps(_entry(report), ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _append(handle, line.encode())
        finally:
            os.close(handle)
    except OSError as failure:
        from checks.report.files import unwritable

        raise unwritable(folder, failure) from None
    return path


def past_drills(folder: Path, runbook: str, environments: Collection[str]) -> PastDrills:
    """The history of `runbook` in `folder`, of drills of these environments, oldest first; empty where there is none.

    Raises CouldNotTell for a file that is there and cannot be read.
    """
    path = folder / NAME
    drills, damaged = [], []
    for number, entry in _entries(path):
        try:
            if entry is None or entry["kind"] != KIND:
                damaged.append(number)
            elif entry["runbook"] == runbook and entry["environment"] in environments:
                drills.append(_past(entry))
        except (LookupError, TypeError, ValueError):
            damaged.append(number)
    return PastDrills(path, tuple(sorted(drills, key=lambda drill: drill.began)), tuple(damaged))


def trend(history: PastDrills, *, physical: bool) -> tuple[Earlier, ...]:
    """The newest drills of the same sort, oldest first: a dump's time says nothing of a base backup's."""
    from checks.drilled import Earlier

    alike = [drill for drill in history.drills if drill.physical == physical]
    return tuple(
        Earlier(
            drill.began.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            drill.held,
            drill.seconds,
            drill.proven,
            drill.undecided,
        )
        for drill in alike[-MOST_IN_TREND:]
    )


def _append(handle: int, line: bytes) -> None:
    """All of `line` or nothing of it, on a line of its own."""
    fcntl.flock(handle, fcntl.LOCK_EX)
    end = os.fstat(handle).st_size
    if end and os.pread(handle, 1, end - 1) != b"\n":
        line = b"\n" + line
    try:
        while line:
            line = line[os.write(handle, line) :]
    except BaseException:
        os.ftruncate(handle, end)
        raise


def _entry(report: Report) -> dict[str, Any]:
    drill, run = report.drill, report.run
    if drill is None:
        raise AssertionError("only a drill belongs into the history of drills")
    return {
        "kind": KIND,
        "version": VERSION,
        "runbook": run.runbook,
        "environment": run.environment,
        "began": drill.began,
        "verdict": run.verdict.value,
        "contents_proven": drill.contents_proven,
        "seconds": drill.rto_verified,
        "usable": drill.rto_usable,
        "rpo": drill.rpo,
        "physical": drill.is_physical,
        "origin": drill.origin,
        "artifact": drill.artifact,
        "hashes": drill.hashes,
        "codes": [code for check in report.asked if check.status == "failed" for code in check.codes],
        "operator": drill.operator,
        "host": drill.host,
    }


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Each line that is not empty by its number, None for what is no JSON object."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    except OSError as failure:
        raise CouldNotTell(
            f"{path}: the history of drills cannot be read: {failure.strerror}.",
            hint="let this user read it, or name another folder with --out",
        ) from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _decoded(line)


def _decoded(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _past(entry: dict[str, Any]) -> PastDrill:
    seconds = entry["seconds"]
    began = datetime.fromisoformat(entry["began"])
    if began.tzinfo is None:
        raise ValueError("a time without its zone is no time")
    return PastDrill(
        began=began,
        environment=str(entry["environment"]),
        verdict=str(entry["verdict"]),
        artifact=str(entry["artifact"]),
        seconds=None if seconds is None else float(seconds),
        physical=bool(entry.get("physical")),
        proven=entry.get("contents_proven") is True,  # a line that does not say so knows of no proof
    )
