"""Charts as SVG files beside the Markdown: one a finding that has one, drawn from the report alone.

A picture is no place for a verdict: whoever cannot see it finds every number in the table beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

from checks.report.model import FindingReport, Report

if TYPE_CHECKING:
    from checks.check import Chart


def charts(report: Report) -> dict[str, str]:
    """The SVG of every chart of the report, by what follows the stem in its file's name."""
    return {suffix: _svg(finding.chart) for suffix, finding in _numbered(report) if finding.chart is not None}


def pictures(report: Report, stem: str) -> dict[int, str]:
    """The name of the chart's file for each finding that has one, by the finding's identity."""
    return {id(finding): f"{stem}{suffix}" for suffix, finding in _numbered(report)}


def _svg(chart: Chart) -> str:
    from checks.report.drawing import svg  # which few reports have a use for

    return svg(chart)


def _numbered(report: Report) -> Iterator[tuple[str, FindingReport]]:
    numbers = count(1)
    for check in report.checks:
        for finding in check.findings:
            if finding.chart is not None:
                yield f".{next(numbers)}.svg", finding
