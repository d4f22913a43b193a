"""What GitHub Actions shows without anybody opening a log: the step's summary, and annotations on the page's lines.

GitHub drops a summary whole when it is over 1024 KiB, and shows the first ten annotations of each kind:
https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from checks.errors import UsageError
from checks.report.clean import one_line, shortened
from checks.report.markdown import parts
from checks.report.model import CheckReport, Report
from checks.result import Status

BUDGET = 900 * 1024  # bytes of UTF-8, well below GitHub's 1024 KiB
MOST_ANNOTATIONS = 10
LONGEST_MESSAGE = 1000

_KINDS = {Status.FAILED: "error", Status.ERRORED: "error", Status.WARNED: "warning"}
_LEFT_OUT = "\n*The rest does not fit into GitHub's summary. The report itself holds it.*\n"


def on_github(environ: Mapping[str, str]) -> bool:
    """Whether this runs in GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


def append_summary(
    reports: Sequence[Report], environ: Mapping[str, str], *, first: str = "", budget: int = BUDGET
) -> None:
    """Append the reports to the step's summary, as much of them as it holds, after `first`. Only in GitHub Actions.

    Other commands of the step write to the same file, so `budget` is for all of it. Raises UsageError for a file that
    cannot be written.
    """
    file = environ.get("GITHUB_STEP_SUMMARY")
    if not file or not on_github(environ):
        return
    path = Path(file)
    try:
        taken = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8") as stream:
            stream.write(first + summary(reports, budget=budget - taken - len(first.encode())))
    except OSError as failure:
        raise UsageError(
            f"GITHUB_STEP_SUMMARY names {file}, which cannot be written: {failure.strerror}",
            hint="unset it outside GitHub Actions",
        ) from None


def summary(reports: Sequence[Report], *, budget: int = BUDGET) -> str:
    """All verdicts and tables first, then the details in order, in at most `budget` bytes: the last details go first.

    Tables too long even without details keep their first rows, each runbook's as many bytes as another's.
    """
    drawn = [parts(report) for report in reports]
    tables = [f"{chr(10) if n else ''}{head}".splitlines(keepends=True) for n, (head, *_) in enumerate(drawn)]
    details = [detail for _, *rest in drawn for detail in rest]
    room = budget - _size([_LEFT_OUT])
    kept = [_fitting(table, room // len(tables)) for table in tables]
    kept.append(_fitting(details, room - sum(map(_size, kept))))
    whole = kept == [*tables, details]
    return "".join(line for lines in kept for line in lines) + ("" if whole or room < 0 else _LEFT_OUT)


def annotation_lines(reports: Sequence[Report]) -> list[str]:
    """Workflow commands that put what did not hold at its line of the page. Print them on GitHub Actions only."""
    troubles = [(report, check) for report in reports for check in report.asked if check.status in _KINDS]
    lines: list[str] = []
    for kind in ("error", "warning"):
        alike = [(report, check) for report, check in troubles if _KINDS[check.status] == kind]
        lines += [_annotation(kind, report, check) for report, check in alike[:MOST_ANNOTATIONS]]
        if len(alike) > MOST_ANNOTATIONS:
            lines.append(f"::notice::{len(alike) - MOST_ANNOTATIONS} more {kind}s are in the summary and the report.")
    return lines


def _annotation(kind: str, report: Report, check: CheckReport) -> str:
    path = report.provenance.path
    title = f"{report.run.label}: {check.name} {check.status.value}"
    told = [check.sentence]
    if check.broken:
        first = check.broken[0]
        told += [f"Expected: {first.expected}"] if first.expected else []
        told += [f"Observed: {first.observed}"] if first.observed else []
    told += [f"Fix: {fix.title} ({path}:{fix.line})" for fix in report.fixes_for(check) if fix.line]
    message = "\n".join(shortened(one_line(line), LONGEST_MESSAGE) for line in told if line)
    return f"::{kind} file={_property(path)},line={check.line},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")


def _fitting(pieces: Sequence[str], room: int) -> list[str]:
    """As many of the first pieces as `room` bytes hold."""
    sizes = accumulate(len(piece.encode()) for piece in pieces)
    return [piece for piece, size in zip(pieces, sizes, strict=True) if size <= room]


def _size(pieces: Sequence[str]) -> int:
    return sum(len(piece.encode()) for piece in pieces)
