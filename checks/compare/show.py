"""A comparison for a terminal, for a program and for a page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from checks.catalog.names import joined, plural
from checks.compare.differences import Comparison, Difference
from checks.compare.inventory import Inventory
from checks.report import escape
from checks.report.clean import one_line
from checks.secrets import mask

FORMATS = ("text", "json", "markdown")
MAJORS = "The majors differ: what the server writes of views, functions and settings may differ for that reason alone."


def as_text(comparison: Comparison) -> str:
    """A line for each difference, under its kind."""
    lines = [_headline(comparison)]
    for kind, found in groupby(comparison.differences, key=lambda difference: difference.kind):
        lines += ["", f"{kind}"]
        lines += [f"  {_line(comparison, difference)}" for difference in found]
    for heading, notes in (("could not tell", comparison.unknown), ("note", _notes(comparison))):
        lines += ["", heading, *(f"  {one_line(note)}" for note in notes)] if notes else []
    return mask("\n".join(lines)) + "\n"


def as_markdown(comparison: Comparison) -> str:
    """A table of the differences."""
    left, right = comparison.left.name, comparison.right.name
    parts = [f"# {escape.text(_headline(comparison))}"]
    if comparison.differences:
        rows = [
            [escape.cell(one.kind), escape.cell(one.name), *(_cell(side) for side in (one.left, one.right))]
            for one in comparison.differences
        ]
        parts.append(escape.table(["Kind", "Name", escape.cell(left), escape.cell(right)], rows))
    parts += [f"Could not tell: {escape.text(one)}" for one in comparison.unknown]
    parts += [f"Note: {escape.text(one)}" for one in _notes(comparison)]
    return mask("\n\n".join(parts)) + "\n"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Plain values; a side that has no such thing is null."""
    return {
        "runbook": comparison.runbook,
        "left": _side(comparison.left),
        "right": _side(comparison.right),
        "differences": [
            {"kind": one.kind, "name": mask(one.name), "left": _masked(one.left), "right": _masked(one.right)}
            for one in comparison.differences
        ],
        "of_the_majors": [
            {"name": mask(one.name), "left": _masked(one.left), "right": _masked(one.right)}
            for one in comparison.of_the_majors
        ],
        "could_not_tell": [mask(one) for one in comparison.unknown],
        "left_out": list(comparison.left_out),
    }


def _headline(comparison: Comparison) -> str:
    left, right = (_named(side) for side in (comparison.left, comparison.right))
    found = len(comparison.differences)
    outcome = plural(found, "difference") if found else "no difference"
    if comparison.unknown and not found:
        outcome = "no difference that could be seen"
    if comparison.of_the_majors:
        outcome += f", and {plural(len(comparison.of_the_majors), 'setting')} of one major alone"
    return f"{comparison.runbook}: {left} with {right}: {outcome}"


def _named(side: Inventory) -> str:
    return f"{side.name} (PostgreSQL {side.server.version})"


def _line(comparison: Comparison, difference: Difference) -> str:
    left, right = comparison.left.name, comparison.right.name
    name = one_line(difference.name)
    if difference.right is None:
        return f"{name}: only in {left}{_what(difference.left)}"
    if difference.left is None:
        return f"{name}: only in {right}{_what(difference.right)}"
    return f"{name}: {one_line(difference.left)} in {left}; {one_line(difference.right)} in {right}"


def _what(definition: str | None) -> str:
    return f" ({one_line(definition)})" if definition else ""


def _notes(comparison: Comparison) -> Sequence[str]:
    notes = []
    if comparison.left.server.major != comparison.right.server.major:
        notes += [MAJORS, *_of_the_majors(comparison)]
    if comparison.left_out:
        notes.append(f"Not compared, since a disposable server has its own: {', '.join(comparison.left_out)}.")
    return notes


def _of_the_majors(comparison: Comparison) -> Sequence[str]:
    """How many settings only one of the majors has: each by name stands in the JSON."""
    if not comparison.of_the_majors:
        return []
    left, right = comparison.left, comparison.right
    only_left = sum(one.right is None for one in comparison.of_the_majors)
    counts = ((left, only_left), (right, len(comparison.of_the_majors) - only_left))
    parts = [f"{count} only in PostgreSQL {side.server.major} ({side.name})" for side, count in counts if count]
    return [f"Settings that the other major does not have: {joined(parts)}; `--format json` names them."]


def _cell(side: str | None) -> str:
    return "" if side is None else escape.cell(side)


def _side(side: Inventory) -> dict[str, Any]:
    return {"name": side.name, "server": side.server.version, "obtained": mask(side.server.obtained)}


def _masked(text: str | None) -> str | None:
    return None if text is None else mask(text)
