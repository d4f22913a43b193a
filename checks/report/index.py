"""`index.md`: every run whose JSON lies in the folder, newest first.

Built from the files alone, so deleting a report deletes its row. Of each file only the head is read, where `run`
stands, so that a folder of a thousand reports costs a run next to nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from checks.errors import UsageError
from checks.report import escape
from checks.report.files import PART, SUFFIXES, is_profile, replace_file, unwritable
from checks.report.layout import moment
from checks.report.markdown import environment
from checks.report.matrix_table import is_matrix, newest_table
from checks.report.model import FORMAT, VERDICT_MARKS, Verdict
from checks.suggest import did_you_mean
from checks.units import show_seconds

NAME = "index.md"
HEAD = 8192  # bytes; `run` takes about one thousand
MOST_ROWS = 500
MOST_ATTEMPTS = 20
STALE = 3600.0  # seconds after which an unfinished file is what a killed run left behind

_RUN = '"run": '


@dataclass(frozen=True, slots=True)
class Row:
    """One report as the index shows it; `label` is the runbook, with the major where one was asked for."""

    name: str
    runbook: str
    label: str
    target: str
    verdict: Verdict
    sentence: str
    started: str
    seconds: float


def rewrite_index(folder: Path) -> Path:
    """Bring `folder`'s index up to date and return its path. Raises UsageError where it cannot be written.

    Several runs may do so at once. Each looks again after it wrote: whoever writes last has then seen every report, so
    no lock is needed, and none is left behind.
    """
    path = folder / NAME
    try:
        for _ in range(MOST_ATTEMPTS):
            names = _names(folder)
            replace_file(path, _drawn(folder, names))
            if _names(folder) == names:
                break
        _sweep(folder)
    except OSError as failure:
        raise unwritable(folder, failure) from None
    return path


def newest(folder: Path, runbooks: Sequence[str] = ()) -> list[Path]:
    """The JSON of the newest report of each named runbook, else of each there is. Raises UsageError for none."""
    found: dict[str, Path] = {}
    for name in _reports(_names(folder) if folder.is_dir() else ()):
        row = read_row(folder / name)
        if row is not None:
            found.setdefault(row.runbook, folder / name)
        if runbooks and found.keys() >= set(runbooks):
            break
    for runbook in runbooks:
        if runbook not in found:
            hint = did_you_mean(runbook, found) or f"there are reports of {', '.join(sorted(found)) or 'nothing'}"
            raise UsageError(f"{folder}: no report of {runbook}", hint=hint)
    if not found:
        raise UsageError(
            f"{folder}: no report there", hint="make one with the verify task, or name its folder with --out"
        )
    return [found[runbook] for runbook in runbooks or sorted(found)]


def read_row(path: Path) -> Row | None:
    """What the head of a report says, or None for a file that is none of ours, broken or gone."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD).decode(errors="ignore")
        if f'"format": "{FORMAT}"' not in head[:100]:
            return None
        run, _ = json.JSONDecoder().raw_decode(head, head.index(_RUN) + len(_RUN))
        return Row(
            name=path.name,
            runbook=str(run["runbook"]),
            label=f"{run['runbook']} on {run['asked_major']}" if run.get("asked_major") else str(run["runbook"]),
            target=str(run["target"]),
            verdict=Verdict(run["verdict"]),
            sentence=str(run["sentence"]),
            started=str(run["started"]),
            seconds=float(run["seconds"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _drawn(folder: Path, names: frozenset[str]) -> str:
    reports = list(_reports(names))
    read = {name: read_row(folder / name) for name in reports[:MOST_ROWS]}
    rows = sorted((row for row in read.values() if row), key=lambda row: (row.started, row.name), reverse=True)
    head = ["Verdict", "Runbook", "Target", "Started", "Took", "Report", "Summary"]
    table = escape.table(head, [_cells(row, names) for row in rows], right=[4]) if rows else ""
    majors = newest_table(folder, [name for name in _listed(folder) if is_matrix(name)])
    foreign = sorted(name for name, row in read.items() if row is None)
    older = len(reports) - len(read)
    return environment().get_template("index.md.j2").render(table=table, majors=majors, foreign=foreign, older=older)


def _cells(row: Row, names: frozenset[str]) -> list[str]:
    stem = row.name.removesuffix(".json")
    links = [f"[{suffix[1:]}]({stem}{suffix})" for suffix in (".md", ".json", ".xml") if f"{stem}{suffix}" in names]
    texts = [escape.cell(text) for text in (row.label, row.target, moment(row.started))]
    return [VERDICT_MARKS[row.verdict], *texts, show_seconds(row.seconds), " ".join(links), escape.cell(row.sentence)]


def _names(folder: Path) -> frozenset[str]:
    """The files of reports in the folder, by name."""
    return frozenset(name for name in _listed(folder) if not is_matrix(name) and not is_profile(name))


def _listed(folder: Path) -> list[str]:
    """The files that runs write, the index aside."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    return [
        name for name in names if name.endswith(tuple(SUFFIXES.values())) and not name.startswith(".") and name != NAME
    ]


def _reports(names: Iterable[str]) -> Iterator[str]:
    """The JSON files, newest first: a report's name starts with its time."""
    return iter(sorted((name for name in names if name.endswith(".json")), reverse=True))


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed while they wrote have left."""
    for part in folder.glob(f".*{PART}"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()
