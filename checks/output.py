"""Where reports go: the reports folder, stdout in the format asked for, and GitHub's own places."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from checks.choice import NAGIOS, Output
from checks.errors import UsageError
from checks.report import files
from checks.report.index import newest, rewrite_index
from checks.report.jsonfile import to_json
from checks.report.junit import junit
from checks.report.markdown import markdown
from checks.report.model import Report
from checks.report.nagios import line, state
from checks.report.summary import annotation_lines, append_summary, on_github
from checks.report.terminal import print_outcome
from checks.result import worst
from checks.secrets import mask

if TYPE_CHECKING:
    from checks.report.matrix import Matrix


def publish(reports: Sequence[Report], output: Output) -> bool:
    """Write every report and the index, and show them; whether all of it could be written.

    What cannot be written takes no verdict with it: the reports are shown, and stderr says what is missing.
    """
    # Files come first: whatever happens to stdout, the evidence is on disk.
    written: dict[str, Path] = {}
    troubles: list[UsageError] = []
    for report in reports:
        with _collected(troubles):
            written[report.run.label] = files.write(report, output.folder).best
    matrix = _matrix_of(reports, written)
    with _collected(troubles):
        if matrix is not None:
            matrix.write(output.folder)
        rewrite_index(output.folder)
    show(reports, output, written, matrix)
    if on_github(os.environ):
        with _collected(troubles):
            append_summary(reports, os.environ, first=f"{matrix.as_markdown(linked=False)}\n" if matrix else "")
        for command in annotation_lines(reports):
            sys.stderr.write(f"{command}\n")
    for trouble in troubles:
        sys.stderr.write(f"{mask(str(trouble))}\n")
    return not troubles


def _matrix_of(reports: Sequence[Report], written: dict[str, Path]) -> Matrix | None:
    """The matrix, which is imported where a major was asked for."""
    if not any(report.run.asked_major for report in reports):
        return None
    from checks.report.matrix import matrix_of

    return matrix_of(reports, written)


@contextmanager
def _collected(troubles: list[UsageError]) -> Iterator[None]:
    try:
        yield
    except UsageError as trouble:
        troubles.append(trouble)


def show(reports: Sequence[Report], output: Output, written: dict[str, Path], matrix: Matrix | None = None) -> None:
    """The reports on stdout, in the format asked for and nothing else. JSON has the matrix as its last item."""
    if output.format == "text":
        print_outcome(reports, written, stream=sys.stdout, environ=os.environ, last=matrix.as_lines() if matrix else ())
    else:
        sys.stdout.write(_drawn(reports, output, written, matrix))
    sys.stdout.flush()


def show_newest(runbooks: Sequence[str], output: Output) -> int:
    """The newest report of each named runbook, or of every one, again; what they said, as an exit code.

    Raises UsageError where there is none.
    """
    found = newest(output.folder, runbooks)
    reports = [files.read(path) for path in found]
    for report, path in zip(reports, found, strict=True):
        files.draw_charts(report, path)
    show(
        reports,
        output,
        {report.run.label: path.with_suffix(".md") for report, path in zip(reports, found, strict=True)},
    )
    return exit_code(reports, output)


def exit_code(reports: Sequence[Report], output: Output) -> int:
    """What the reports together end the command with: ours, or a monitoring plug-in's where its line is asked for."""
    return state(reports) if output.format == NAGIOS else worst(report.run.exit_code for report in reports)


def _stem(path: Path | None) -> str:
    """What the names of a report's charts begin with, as seen from here."""
    return str(path.with_suffix("")) if path is not None else ""


def _drawn(reports: Sequence[Report], output: Output, written: dict[str, Path], matrix: Matrix | None) -> str:
    if output.format == "json":
        found = [*map(to_json, reports), *([matrix.as_json()] if matrix else [])]
        return "[" + ",\n".join(one.rstrip("\n") for one in found) + "]\n"
    if output.format == "markdown":
        pages = [markdown(report, _stem(written.get(report.run.label))) for report in reports]
        return "\n".join([*([matrix.as_markdown()] if matrix else []), *pages])
    if output.format == NAGIOS:
        return line(reports)
    return junit(reports)
