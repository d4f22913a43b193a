"""One check as the page asks for it: a kind of the catalog, its validated parameters, and the keys every kind takes.

Nothing here knows a kind, nor which of the two sorts of block the words came from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar

from checks.check import Check, Severity
from checks.runbook.mistakes import Mistakes, Place
from checks.runbook.model import REFUSE_UNKNOWN_KEYS, CheckEntry
from checks.runbook.parcel import Parcel
from checks.runbook.rules import Line, Where
from checks.runbook.validation import validate
from checks.runbook.yaml_source import Document, Loc
from checks.suggest import did_you_mean
from checks.units import Duration

Timeout = Annotated[Duration, Where(Duration().__lt__, "must be longer than nothing")]


@dataclass(frozen=True, slots=True)
class CommonKeys:
    """The keys every kind takes beside its own parameters; `CheckEntry` says what they mean."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    name: Line | None = None
    severity: Severity = Severity.FAIL
    environments: tuple[str, ...] = ()
    timeout: Timeout | None = None


COMMON = frozenset(field.name for field in fields(CommonKeys))


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a check may refer to. `environments` is None where the front matter could not say."""

    kinds: Mapping[str, Check]
    environments: Collection[str] | None


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry, and where mistakes about the whole of it are shown."""

    entry: CheckEntry
    place: Place


def read_entry(kind: str, document: Document, at: Loc, catalog: Catalog, mistakes: Mistakes) -> Placed | None:
    """The check of `kind` whose keys stand at `at`, or None when there is a mistake in it."""
    place = document.key_place(at)
    if kind not in catalog.kinds:
        hint = did_you_mean(kind, catalog.kinds) or f"the kinds are {', '.join(sorted(catalog.kinds))}"
        mistakes.add(place, f"there is no kind of check called `{kind}`", hint)
        _check_environments(document, at, catalog.environments, mistakes)
        return None
    if not document.is_known(at):
        return None
    data: Any = {} if document.value(at) is None else document.value(at)
    if not isinstance(data, dict):
        hint = "write its keys below it, or nothing for a check with the usual parameters"
        mistakes.add(document.place(at), f"the parameters of `{kind}` are a mapping", hint)
        return None
    common = _common(kind, document, at, catalog, mistakes)
    wanted: type[Any] = catalog.kinds[kind].params
    own = {key: value for key, value in data.items() if key not in COMMON}
    params = validate(wanted, own, mistakes, document=document, at=at, name=f"`{kind}`", also=COMMON)
    if common is None or params is None or not document.is_whole(at):
        return None
    entry = CheckEntry(
        kind=kind,
        name=common.name or kind,
        parcel=Parcel(params),
        line=place.line,
        severity=common.severity,
        environments=common.environments,
        timeout=common.timeout,
    )
    return Placed(entry, place)


def check_pairs(entries: Sequence[Placed], mistakes: Mistakes) -> None:
    """Two checks may not share a name, nor be the same question under two names."""
    for index, (entry, place) in enumerate((placed.entry, placed.place) for placed in entries):
        earlier = [placed.entry for placed in entries[:index]]
        namesake = next((other for other in earlier if other.name == entry.name), None)
        twin = next((other for other in earlier if _same_question(other, entry)), None)
        if namesake:
            message = f"`{entry.name}` is also the name of the check on line {namesake.line}"
            mistakes.add(place, message, "give one of them a `name` of its own")
        elif twin:
            message = f"`{entry.name}` asks what `{twin.name}` on line {twin.line} asks already"
            mistakes.add(place, message, "remove one of them")


def _same_question(one: CheckEntry, other: CheckEntry) -> bool:
    """Asked of different environments it is not the same: it may fail the check in one and warn in another."""
    apart = one.environments and other.environments and not set(one.environments) & set(other.environments)
    return one.kind == other.kind and not apart and bool(one.params == other.params)


def _common(kind: str, document: Document, at: Loc, catalog: Catalog, mistakes: Mistakes) -> CommonKeys | None:
    data = {key: value for key, value in (document.value(at) or {}).items() if key in COMMON}
    _check_environments(document, at, catalog.environments, mistakes)
    return validate(CommonKeys, data, mistakes, document=document, at=at, name=f"`{kind}`")


def _check_environments(document: Document, at: Loc, known: Collection[str] | None, mistakes: Mistakes) -> None:
    data = document.value(at)
    listed = data.get("environments") if isinstance(data, dict) else None
    if not isinstance(listed, list) or known is None:
        return
    for index, name in enumerate(listed):
        if isinstance(name, str) and name not in known:
            hint = did_you_mean(name, known) or _listed(known)
            place = document.place((*at, "environments", index))
            mistakes.add(place, f"the front matter has no environment `{name}`", hint)


def _listed(environments: Collection[str]) -> str:
    return f"it has {', '.join(sorted(environments))}" if environments else "add it under `environments:` there"
