"""One value of a JSON document by its path: `status`, `data.0.name`, or `rows.#` for how many items a list has.

No wildcards and no filters: whoever needs more asks the database.
"""

from __future__ import annotations

from typing import Any

COUNT = "#"
MISSING = object()


def find(document: Any, path: str) -> Any:
    """The value at `path`, or MISSING. Steps are keys of objects, and numbers of items from 0."""
    found = document
    for step in path.split("."):
        found = _step(found, step)
    return found


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step, MISSING)
    if isinstance(value, list) and step == COUNT:
        return len(value)
    if isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
        return value[int(step)]
    return MISSING
