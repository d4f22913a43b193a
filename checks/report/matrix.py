"""Which page holds on which major of PostgreSQL: the runs of one command in one table.

An upgrade is decided by it, so a major that nobody could start is there too, and never green. It lies beside the
reports, as `20261120T213529Z.matrix.json` and `.md`: no page's report can have that name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from checks.report.files import unwritable, write_all
from checks.report.layout import moment
from checks.report.matrix_table import FORMAT, SUFFIX, table
from checks.report.model import Report, Verdict
from checks.result import worst

VERSION: Literal[1] = 1
SCHEMA_PATH = f"docs/schema/matrix-{VERSION}.json"


@dataclass(frozen=True, slots=True)
class Cell:
    """One page on one major. `report` is the name of its report's JSON, empty where none could be written."""

    major: int
    verdict: Verdict
    exit_code: int
    sentence: str
    server: str
    report: str


@dataclass(frozen=True, slots=True)
class Row:
    """One page on every major, in the order of `Matrix.majors`."""

    runbook: str
    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every page on every major that was asked for. `started` is that of the first run, in UTC."""

    format: Literal["pgrunbook matrix"]
    version: Literal[1]
    started: str
    target: str
    exit_code: int
    majors: tuple[int, ...]
    rows: tuple[Row, ...]

    def as_json(self) -> str:
        """The matrix as its file has it."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def as_markdown(self, *, linked: bool = True) -> str:
        """A heading and the table; every verdict leads to its report, where that lies beside it (`linked`)."""
        drawn = table(asdict(self), linked=linked)
        return f"# On PostgreSQL {_listed(self.majors)}\n\n{moment(self.started)}\n\n{drawn}\n"

    def as_lines(self) -> list[str]:
        """The table for a terminal: pages down, majors across."""
        cells = [["", *map(str, self.majors)]]
        cells += [[row.runbook, *(cell.verdict.value for cell in row.cells)] for row in self.rows]
        widths = [max(len(line[n]) for line in cells) for n in range(len(cells[0]))]
        return [
            "  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip() for line in cells
        ]

    def write(self, folder: Path) -> None:
        """Write both files into `folder`, each in one step. Raises UsageError where that cannot be done."""
        moment = self.started.replace("-", "").replace(":", "")
        try:
            write_all(folder, f"{moment}{SUFFIX}", lambda _: {".json": self.as_json(), ".md": self.as_markdown()})
        except OSError as failure:
            raise unwritable(folder, failure) from None


def matrix_of(reports: Sequence[Report], written: Mapping[str, Path]) -> Matrix | None:
    """The matrix of these reports, or None where they are not of several majors. `written` is by the runs' labels."""
    majors = tuple(dict.fromkeys(report.run.asked_major for report in reports if report.run.asked_major))
    if len(majors) < 2:
        return None
    by_page: dict[str, list[Report]] = {}
    for report in reports:
        by_page.setdefault(report.run.runbook, []).append(report)
    rows = tuple(
        Row(name, ours[0].run.title, tuple(_cell(report, written.get(report.run.label)) for report in ours))
        for name, ours in by_page.items()
    )
    return Matrix(
        format=FORMAT,
        version=VERSION,
        started=min(report.run.started for report in reports),
        target=reports[0].run.target,
        exit_code=worst(report.run.exit_code for report in reports),
        majors=majors,
        rows=rows,
    )


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a matrix, for the committed file and for other programs."""
    from pydantic import TypeAdapter

    title = {"title": "pgrunbook matrix", "$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**title, **TypeAdapter(Matrix).json_schema(mode="serialization"), "title": title["title"]}


def _cell(report: Report, file: Path | None) -> Cell:
    run = report.run
    name = file.with_suffix(".json").name if file else ""
    return Cell(run.asked_major or 0, run.verdict, run.exit_code, run.sentence, run.server, name)


def _listed(majors: Sequence[int]) -> str:
    *others, last = map(str, majors)
    return f"{', '.join(others)} and {last}"
