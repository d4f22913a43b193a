"""How a database differs from what a page lists of it: one finding for each way, naming every object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from checks.catalog.inventory import Item, Part
from checks.catalog.names import PUBLIC, SHOWN, is_are, joined, plural, some
from checks.catalog.spelling import same_type
from checks.check import Engine, Finding
from checks.suggest import did_you_mean

Found = Mapping[Item, Mapping[str, Any]]


def absent(part: Part, missing: Sequence[Item], others: Mapping[Item, str]) -> Finding:
    """Items of `part` that are `missing`; `others` are tables and views by noun, to tell what else there is."""
    hints = _hints(missing, others) if part.noun in {"table", "view"} else dict.fromkeys(missing, "")
    hinted = any(hints.values())
    labels = [f"{item} ({hint})" if hint else str(item) for item, hint in hints.items()]
    return Finding(
        f"schema.{part.noun}_missing",
        False,
        f"{plural(len(missing), part.noun)} {is_are(missing)} missing: {some(labels)}.",
        expected=plural(len(part.wanted), part.noun),
        observed=f"{len(part.wanted) - len(missing)} of them",
        evidence=tuple({part.noun: str(item)} | ({"instead": hint} if hinted else {}) for item, hint in hints.items()),
    )


def _hints(missing: Sequence[Item], others: Mapping[Item, str]) -> dict[Item, str]:
    """For each item, where else there is one of its name; or, while they are few, which name is close to it."""
    namesakes: dict[str, list[str]] = {}
    for other, noun in others.items():
        spelling = f"{PUBLIC}.{other}" if other.schema == PUBLIC else str(other)
        namesakes.setdefault(other.name, []).append(f"{noun} {spelling}")
    # Comparing letters with two thousand names takes a tenth of a second for each that is missing.
    known = [str(other) for other in others] if len(missing) <= SHOWN else []
    return {
        item: f"there is {some(namesakes[item.name])}" if item.name in namesakes else did_you_mean(str(item), known)
        for item in missing
    }


def of_other_types(wanted: Mapping[Item, str], found: Found, engine: Engine) -> list[Finding]:
    """Columns that are there with another type."""
    differing = [
        (item, type_name, found[item]["type"])
        for item, type_name in wanted.items()
        if item in found and not same_type(type_name, found[item]["type"], engine)
    ]
    if not differing:
        return []
    labels = [f"{item} is {there}, not {type_name}" for item, type_name, there in differing]
    evidence = tuple({"column": str(item), "expected": one, "observed": other} for item, one, other in differing)
    sentence = f"{plural(len(differing), 'column')} of another type: {some(labels)}."
    return [
        Finding("schema.column_type", False, sentence, "the types listed", f"{len(differing)} of another", evidence)
    ]


def invalid(wanted: Iterable[Item], found: Found) -> list[Finding]:
    """Indexes that are there, and that no query uses."""
    broken = [item for item in wanted if item in found and not found[item]["valid"]]
    if not broken:
        return []
    sentence = f"{plural(len(broken), 'index')} {is_are(broken)} invalid: {some(broken)}."
    evidence = tuple({"index": str(item)} for item in broken)
    return [Finding("schema.index_invalid", False, sentence, "valid indexes", some(broken), evidence)]


def unexpected(beside: Mapping[str, Sequence[Item]]) -> list[Finding]:
    """Objects, by noun, that the page does not list."""
    objects = [(noun, item) for noun, items in beside.items() for item in items]
    if not objects:
        return []
    labels = [f"{noun} {item}" for noun, item in objects]
    evidence = tuple({"kind": noun, "name": str(item)} for noun, item in objects)
    sentence = f"{plural(len(objects), 'object')} the page does not list: {some(labels)}."
    return [Finding("schema.unexpected", False, sentence, "only what the page lists", f"{len(objects)} more", evidence)]


def complete(parts: Sequence[Part]) -> Finding:
    """Everything is there, and nothing else where that was asked."""
    counts = joined([plural(len(part.wanted), part.noun) for part in parts])
    alone = ", and nothing beside them" if parts[0].exact else ""
    one = sum(len(part.wanted) for part in parts) == 1
    sentence = f"{counts} {'is' if one else 'are'} there as the page lists them{alone}."
    return Finding("schema.complete", True, sentence, counts, "all of them")
