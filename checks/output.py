"""Where reports go: the reports folder, stdout in the format asked for, and GitHub's own places."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from checks.choice import NAGIOS, Output
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


def publish(reports: Sequence[Report], output: Output) -> None:
    """Write every report and the index, then show them. Raises UsageError where the folder cannot be written."""
    # Files come first: whatever happens to stdout, the evidence is on disk.
    written = {report.run.runbook: files.write(report, output.folder).best for report in reports}
    rewrite_index(output.folder)
    show(reports, output, written)
    if on_github(os.environ):
        append_summary(reports, os.environ)
        for command in annotation_lines(reports):
            sys.stderr.write(f"{command}\n")


def show(reports: Sequence[Report], output: Output, written: dict[str, Path]) -> None:
    """The reports on stdout, in the format asked for and nothing else."""
    if output.format == "text":
        print_outcome(reports, written, stream=sys.stdout, environ=os.environ)
    else:
        sys.stdout.write(_drawn(reports, output))
    sys.stdout.flush()


def show_newest(runbooks: Sequence[str], output: Output) -> int:
    """The newest report of each named runbook, or of every one, again; what they said, as an exit code.

    Raises UsageError where there is none.
    """
    found = newest(output.folder, runbooks)
    reports = [files.read(path) for path in found]
    show(
        reports,
        output,
        {report.run.runbook: path.with_suffix(".md") for report, path in zip(reports, found, strict=True)},
    )
    return exit_code(reports, output)


def exit_code(reports: Sequence[Report], output: Output) -> int:
    """What the reports together end the command with: ours, or a monitoring plug-in's where its line is asked for."""
    return state(reports) if output.format == NAGIOS else worst(report.run.exit_code for report in reports)


def _drawn(reports: Sequence[Report], output: Output) -> str:
    if output.format == "json":
        return "[" + ",\n".join(to_json(report).rstrip("\n") for report in reports) + "]\n"
    if output.format == "markdown":
        return "\n".join(markdown(report) for report in reports)
    if output.format == NAGIOS:
        return line(reports)
    return junit(reports)
