"""Findings as a report has them, and what they say in one line: the same for a page's check and a drill's rung."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Finding
from checks.report.model import FindingReport
from checks.secrets import mask

MOST_EVIDENCE = 200  # rows of one finding; the rest are counted, so that no report outgrows its reader


def finding_report(finding: Finding) -> FindingReport:
    """The finding, with as much of its evidence as a report has room for."""
    return FindingReport(
        code=finding.code,
        holds=finding.holds,
        severity=finding.severity,
        sentence=finding.sentence,
        expected=finding.expected,
        observed=finding.observed,
        evidence=tuple(dict(row) for row in finding.evidence[:MOST_EVIDENCE]),
        evidence_left_out=max(0, len(finding.evidence) - MOST_EVIDENCE),
        chart=finding.chart,
        folded=finding.folded,
    )


def told_in_one_line(reason: str, findings: Sequence[Finding]) -> str:
    """Why there is no verdict, else what is wrong, else what was found."""
    if reason:
        return reason
    told = [finding for finding in findings if not finding.holds] or list(findings)
    if not told:
        return ""
    first = mask(told[0].sentence)  # before it is cut: half a secret would not be known as one
    return f"{first.rstrip('.')} (and {len(told) - 1} more)" if len(told) > 1 else first
