"""What differs between two inventories: pure, and each difference told once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from checks.compare.inventory import HIDDEN, KINDS, SETTING, Inventory, Item

WHOLE = ("schema", "table", "view", "role")  # with one of these, what belongs to it is missing too


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is on one side only (the other is None), or on both and not alike."""

    kind: str
    name: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of holding one database of a page against another. `unknown` says what could not be compared.

    `left_out` are the kinds that were not meant to be. `of_the_majors` are the settings of PostgreSQL itself that one
    side's major has and the other's has not, which no one can set right but by an upgrade.
    """

    runbook: str
    left: Inventory
    right: Inventory
    differences: tuple[Difference, ...]
    unknown: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    of_the_majors: tuple[Difference, ...] = ()


def compare(runbook: str, left: Inventory, right: Inventory, *, without: Collection[str] = ()) -> Comparison:
    """Every difference, in the order of kinds and names. `without` leaves kinds out that mean nothing here."""
    kinds = [kind for kind in KINDS if kind not in without]
    missing = _missing(left, right)
    found = [
        difference
        for kind in kinds
        if kind in left.items and kind in right.items
        for difference in _of_kind(kind, left, right, missing)
    ]
    unknown = [
        f"{side.name}: {kind}: {why}" if kind != HIDDEN else f"{side.name}: {why}"
        for side in (left, right)
        for kind, why in side.unknown.items()
        if kind in kinds or (kind == HIDDEN and SETTING in kinds)
    ]
    of_the_majors = [one for one in found if left.server.major != right.server.major and _is_of_one_major(one)]
    return Comparison(
        runbook,
        left,
        right,
        differences=tuple(one for one in found if one not in of_the_majors),
        unknown=tuple(unknown),
        left_out=tuple(kind for kind in KINDS if kind in without),
        of_the_majors=tuple(of_the_majors),
    )


def _is_of_one_major(difference: Difference) -> bool:
    """Whether it is a setting on one side only. One with a dot in its name is an extension's, or somebody's own."""
    return difference.kind == SETTING and None in {difference.left, difference.right} and "." not in difference.name


def _missing(left: Inventory, right: Inventory) -> frozenset[str]:
    """Schemas, tables, views and roles that one side has and the other has not."""
    return frozenset(name for kind in WHOLE for name in _names(kind, left) ^ _names(kind, right))


def _of_kind(kind: str, left: Inventory, right: Inventory, missing: Collection[str]) -> Iterator[Difference]:
    ours, theirs = left.items[kind], right.items[kind]
    for name in sorted(_names(kind, left) | _names(kind, right)):
        one, other = ours.get(name), theirs.get(name)
        if one is not None and other is not None:
            if one.definition != other.definition:
                yield Difference(kind, name, one.shown, other.shown)
        elif _parent(one, other) not in missing and not _may_be_hidden(kind, left if one is None else right):
            yield Difference(kind, name, _shown(one), _shown(other))


def _names(kind: str, side: Inventory) -> frozenset[str]:
    found: Mapping[str, Item] = side.items.get(kind, {})
    return frozenset(found)


def _may_be_hidden(kind: str, side: Inventory) -> bool:
    """A setting that a role does not see may be there all the same."""
    return kind == SETTING and HIDDEN in side.unknown


def _parent(one: Item | None, other: Item | None) -> str:
    return next((item.parent for item in (one, other) if item is not None), "")


def _shown(item: Item | None) -> str | None:
    return None if item is None else item.shown
