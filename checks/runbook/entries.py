"""What a check block says, as the questions it asks: a kind of the catalog, validated parameters, and a name.

Nothing here knows a kind. A `sql check` block is a `query` that is to return no rows, and is named by its heading.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any, ClassVar

from checks.check import Check, Severity
from checks.runbook.fences import block_place, options
from checks.runbook.markdown import Block, Page
from checks.runbook.mistakes import Mistakes, Place
from checks.runbook.model import REFUSE_UNKNOWN_KEYS, CheckEntry
from checks.runbook.validation import validate
from checks.runbook.yaml_source import Document, Loc, Source, load
from checks.suggest import did_you_mean
from checks.units import Duration

QUERY = "query"


@dataclass(frozen=True, slots=True)
class CommonKeys:
    """The keys every kind takes beside its own parameters."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    name: str | None = None
    severity: Severity = Severity.FAIL
    environments: tuple[str, ...] = ()
    timeout: Duration | None = None

    def __post_init__(self) -> None:
        if self.name is not None and not re.fullmatch(r"\S[^\n]{0,198}\S|\S", self.name):
            raise ValueError("`name` is one line of at most 200 characters, with no space around it")
        if self.timeout is not None and self.timeout <= 0:
            raise ValueError("`timeout` must be longer than nothing")


COMMON = frozenset(field.name for field in fields(CommonKeys))


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a page may refer to. `environments` is None where the front matter could not say."""

    kinds: Mapping[str, Check]
    environments: Collection[str] | None


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry and where its mistakes are to be shown."""

    entry: CheckEntry
    place: Place


def read_yaml(page: Page, block: Block, catalog: Catalog, mistakes: Mistakes) -> list[Placed]:
    """The checks of a `yaml check` block: each key is a kind, its value that check's parameters."""
    place = block_place(page, block)
    if len(block.info.split()) > 2:
        mistakes.add(place, "words after `yaml check` mean nothing", "write them as keys inside the block")
    document = load(yaml_of(page, block), mistakes)
    if document is None:
        return []
    if document.data is None:
        mistakes.add(place, "this check block is empty", "name a kind of check in it, such as `connectivity:`")
        return []
    if not isinstance(document.data, dict):
        hint = "write a kind of check, a colon and its parameters, such as `connectivity: {within: 2s}`"
        mistakes.add(document.place(()), "a check block is a mapping of kinds to their parameters", hint)
        return []
    found = (_of_kind(kind, document, catalog, mistakes) for kind in document.data)
    return [placed for several in found for placed in several]


def read_sql(page: Page, block: Block, title: str, catalog: Catalog, mistakes: Mistakes) -> list[Placed]:
    """The one check of a `sql check` block: a query that is to return no rows. `title` names it unless it has a name."""
    place = block_place(page, block)
    if not re.sub(r"--[^\n]*|/\*.*?\*/|[\s;]", "", block.content, flags=re.DOTALL):
        mistakes.add(place, "this check block is empty", "write a query that returns no rows when all is well")
        return []
    document = _options(page, block, mistakes)
    if document is None:
        return []
    if not title and "name" not in document.data:
        hint = "put it under a heading, or write ```sql check name=… after the marker"
        mistakes.add(place, "this check has no name: there is no heading above it", hint)
        return []
    document.data.setdefault("name", title)
    document.data["sql"] = block.content.rstrip()
    placed = _one(QUERY, (), document, catalog, mistakes)
    return [placed] if placed else []


def check_pairs(entries: list[Placed], mistakes: Mistakes) -> None:
    """Two checks may not share a name, nor be the same question under two names."""
    for one, other in combinations(entries, 2):
        if one.entry.name == other.entry.name:
            message = f"`{other.entry.name}` is also the name of the check on line {one.entry.line}"
            mistakes.add(other.place, message, "give one of them a `name` of its own")
        elif _same_question(one.entry, other.entry):
            message = f"`{other.entry.name}` asks what `{one.entry.name}` on line {one.entry.line} asks already"
            mistakes.add(other.place, message, "remove one of them")


def yaml_of(page: Page, block: Block) -> Source:
    """The YAML inside a block, and how far each of its lines was indented in the page."""
    first = block.span.start + 1
    lines = block.content.split("\n")
    indents = [len(raw) - len(line) for raw, line in zip(page.lines[first:], lines, strict=False)]
    return Source(block.content, first + 1, indents)


def _same_question(one: CheckEntry, other: CheckEntry) -> bool:
    apart = one.environments and other.environments and not set(one.environments) & set(other.environments)
    return one.kind == other.kind and not apart and bool(one.params == other.params)


def _of_kind(kind: str, document: Document, catalog: Catalog, mistakes: Mistakes) -> Iterator[Placed]:
    if kind not in catalog.kinds:
        hint = did_you_mean(kind, catalog.kinds) or f"the kinds are {', '.join(sorted(catalog.kinds))}"
        mistakes.add(document.key_place((kind,)), f"there is no kind of check called `{kind}`", hint)
        return
    value = document.data[kind]
    if not isinstance(value, list):
        locs: list[Loc] = [(kind,)]
    else:
        locs = [(kind, index) for index in range(len(value))]
    if not locs:
        mistakes.add(document.place((kind,)), f"`{kind}` lists no checks", "leave the list out for a check by default")
    for loc in locs:
        placed = _one(kind, loc, document, catalog, mistakes)
        if placed:
            yield placed


def _one(kind: str, loc: Loc, document: Document, catalog: Catalog, mistakes: Mistakes) -> Placed | None:
    """One check, whose mapping of parameters and common keys stands at `loc`."""
    place = document.key_place(loc)
    if kind not in catalog.kinds:
        mistakes.add(place, f"there is no kind of check called `{kind}`, which a `sql check` block stands for")
        return None
    data = document.value(loc)
    if not isinstance(data, dict | None):
        message = f"the parameters of `{kind}` are a mapping"
        mistakes.add(document.place(loc), message, "write its keys below it, or nothing for a check by default")
        return None
    data = data or {}
    if loc[1:] and loc[-1] != 0 and "name" not in data:
        mistakes.add(
            place, f"this second check of `{kind}` has no name", "give it a `name`; only the first may lack one"
        )
        return None
    common = _common(kind, {key: data[key] for key in data if key in COMMON}, loc, document, catalog, mistakes)
    rest = {key: data[key] for key in data if key not in COMMON}
    params = validate(
        catalog.kinds[kind].params, rest, mistakes, document=document, at=loc, name=f"`{kind}`", also=COMMON
    )
    if common is None or params is None:
        return None
    line = document.top.line if kind == QUERY and not loc else place.line
    entry = CheckEntry(
        kind=kind,
        name=common.name or kind,
        params=params,
        line=line,
        severity=common.severity,
        environments=common.environments,
        timeout=common.timeout,
    )
    return Placed(entry, place)


def _common(
    kind: str, data: dict[str, Any], loc: Loc, document: Document, catalog: Catalog, mistakes: Mistakes
) -> CommonKeys | None:
    common = validate(CommonKeys, data, mistakes, document=document, at=loc, name=f"`{kind}`")
    if common is None or catalog.environments is None:
        return common
    for index, environment in enumerate(common.environments):
        if environment not in catalog.environments:
            hint = did_you_mean(environment, catalog.environments) or _listed(catalog.environments)
            where = document.place((*loc, "environments", index))
            mistakes.add(where, f"the front matter has no environment `{environment}`", hint)
    return common


def _listed(environments: Collection[str]) -> str:
    return f"it has {', '.join(sorted(environments))}" if environments else "it has none: add `environments:`"


def _options(page: Page, block: Block, mistakes: Mistakes) -> Document | None:
    """The `key=value` words after `sql check`, as if they had been written in YAML."""
    place = block_place(page, block)
    document = Document(place, {})
    document.values[()] = place
    try:
        words = shlex.split(options(block.info))
    except ValueError:
        mistakes.add(place, "a quote after `sql check` is not closed", 'write name="two words"')
        return None
    for word in words:
        key, equals, value = word.partition("=")
        column = page.lines[block.span.start].find(key) + 1
        here = Place(place.line, max(column, 1))
        if not equals or key not in COMMON:
            hint = did_you_mean(key, COMMON) or f"it takes {', '.join(f'{known}=…' for known in sorted(COMMON))}"
            mistakes.add(here, f"`{key}` is no option of a `sql check`", hint)
            return None
        document.keys[(key,)] = document.values[(key,)] = here
        document.data[key] = value.split(",") if key == "environments" else value
    return document
