"""What differs between a source and its copy, said in one sentence with some names, and shown by rows of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from checks.catalog.names import plural
from checks.check import Cell, Finding, Severity

NAMED = 5  # in a sentence; the evidence has more
KEPT = 50  # rows of evidence
Row = Mapping[str, Cell]


def difference(
    code: str, sentence: str, expected: str, rows: Sequence[Row], severity: Severity = Severity.FAIL
) -> Finding:
    """A finding that does not hold; `sentence` is without its full stop."""
    observed = plural(len(rows), "difference")
    return Finding(code, False, f"{sentence}.", expected, observed, tuple(rows[:KEPT]), severity)


def some_of(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    listed = list(names)
    return ", ".join(listed[:NAMED]) + (f" and {len(listed) - NAMED} more" if len(listed) > NAMED else "")
