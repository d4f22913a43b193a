"""What a rung could not prove, as findings that warn: no sentence of this sort stands under a plain *passed*.

Their codes end in `_unproven`, by which a drill gathers them under what could not be proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from checks.check import Cell, Finding, Severity
from checks.drilled import UNPROVEN, Step


def doubt(
    code: str,
    sentence: str,
    expected: str = "",
    observed: str = "",
    evidence: Sequence[Mapping[str, Cell]] = (),
) -> Finding:
    """A finding that neither holds nor fails its rung."""
    if not code.endswith(UNPROVEN):
        raise AssertionError(f"{code} would not be listed under what could not be proven")
    return Finding(code, False, sentence, expected, observed, tuple(evidence), Severity.WARN)


def doubts(steps: Iterable[Step]) -> Iterator[str]:
    """What the steps could not prove, in their order."""
    for step in steps:
        yield from (
            finding.sentence for finding in step.findings if finding.code.endswith(UNPROVEN) and not finding.holds
        )
