"""The objects of a source held against those of its restored copy, with their owners and privileges.

Pure: two descriptions in, findings out. What is not the dump's to bring is told apart from what it lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.backup.contents import Contents
from checks.catalog.names import plural
from checks.check import Finding, Severity
from checks.drill.difference import KEPT, Row, difference, some_of
from checks.drill.doubt import doubt

# Kinds of objects whose loss has a code of its own; the rest share `drill.object_…`.
_OWN_CODE = frozenset(
    {"schema", "table", "column", "view", "index", "constraint", "trigger", "policy", "function", "type", "sequence"}
)
_BELONGING = frozenset({"column", "constraint", "trigger", "policy", "rule"})  # to a table, whose name they begin with


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is not the dump's to bring: the role that restored, extensions nobody could have, what was contained."""

    restorer: str = ""
    unavailable: frozenset[str] = frozenset()
    contained: bool = False


def objects(source: Contents, copy: Contents, about: Surroundings) -> list[Finding]:
    """Every object that is missing, was added or differs; one finding for each kind of loss."""
    findings: list[Finding] = []
    gone = set(source.tables) - set(copy.tables) | _missing(source, copy, "table") | _missing(source, copy, "view")
    for kind in sorted(source.objects.keys() | copy.objects.keys(), key=_order):
        findings += _of_kind(kind, source.objects.get(kind, {}), copy.objects.get(kind, {}), gone, about)
    findings += _sequences_missing(source, copy, gone)
    findings += _extensions(source, copy, about)
    findings += _grants(source, copy, about)
    contained = _contained(source, copy, about)
    if findings:
        return [*findings, *contained]
    count = sum(len(named) for named in source.objects.values())
    if contained:
        return [*contained, Finding("drill.objects_match", True, "All other objects came back as they were.")]
    return [Finding("drill.objects_match", True, f"All {plural(count, 'object')} came back as they were.")]


def _of_kind(
    kind: str, source: Mapping[str, str], copy: Mapping[str, str], gone: set[str], about: Surroundings
) -> list[Finding]:
    missing = [name for name in source if name not in copy and not _goes_with(kind, name, gone)]
    if about.contained:
        missing = [name for name in missing if not _is_contained(kind, name, source[name])]
    added = [name for name in copy if name not in source and name not in _OURS]
    changed = [name for name in source if name in copy and source[name] != copy[name]]
    severity = Severity.WARN if kind == "comment" else Severity.FAIL
    findings = []
    for verb, names, words, expected in (
        ("missing", missing, "did not come back", "every one that the source had"),
        ("changed", changed, "came back different", "the same definition"),
        ("added", added, "came back that the source did not have", "none but the source's"),
    ):
        if names:
            rows: list[Row] = [
                {kind: name, "source": source.get(name, ""), "copy": copy.get(name, "")} for name in names
            ]
            sentence = f"{plural(len(names), kind.replace('_', ' '))} {words}: {some_of(names)}"
            findings.append(difference(_code(kind, verb), sentence, expected, rows, severity))
    return findings


_OURS = frozenset({"pgrunbook_owners"})


def _code(kind: str, verb: str) -> str:
    if kind == "comment":
        return "drill.comment_lost"
    return f"drill.{kind}_{verb}" if kind in _OWN_CODE and verb != "added" else f"drill.object_{verb}"


def _order(kind: str) -> tuple[int, str]:
    first = ("schema", "table", "view", "column", "index", "constraint")
    return (first.index(kind) if kind in first else len(first), kind)


def _goes_with(kind: str, name: str, gone: set[str]) -> bool:
    return kind in _BELONGING and any(name.startswith(f"{table}.") for table in gone)


def _is_contained(kind: str, name: str, definition: str) -> bool:
    """What a disposable server does not let a dump make, since it reaches out: foreign servers and their tables."""
    if kind == "other":
        return name.startswith(("server ", "foreign-data wrapper ", "language "))
    return kind == "table" and definition.startswith("foreign table")


def _contained(source: Contents, copy: Contents, about: Surroundings) -> list[Finding]:
    """What was not let come back, and so is not proven."""
    names = [name for name in source.extensions if name not in copy.extensions and name in about.unavailable]
    rows: list[Row] = [{"kind": "extension", "object": name} for name in sorted(names)]
    for kind, named in source.objects.items() if about.contained else ():
        gone = sorted(name for name in named if name not in copy.objects.get(kind, {}))
        rows += [{"kind": kind, "object": name} for name in gone if _is_contained(kind, name, named[name])]
    if not rows:
        return []
    told = some_of([_called(row) for row in rows])
    sentence = f"{plural(len(rows), 'object')} of the source a drill does not let a dump make: {told}."
    observed = f"{len(rows)} not made"
    return [doubt("drill.objects_unproven", sentence, "every object that the source had", observed, rows[:KEPT])]


def _called(row: Row) -> str:
    """An object of a rarer kind has its kind in its name already."""
    return str(row["object"]) if row["kind"] == "other" else f"{row['kind']} {row['object']}"


def _missing(source: Contents, copy: Contents, kind: str) -> set[str]:
    return set(source.objects.get(kind, {})) - set(copy.objects.get(kind, {}))


def _sequences_missing(source: Contents, copy: Contents, gone: set[str]) -> list[Finding]:
    if "sequence" in source.objects:  # told with the objects
        return []
    names = [
        name for name, one in source.sequences.items()
        if name not in copy.sequences and one.owner.rpartition(".")[0] not in gone
    ]  # fmt: skip
    if not names:
        return []
    sentence = f"{plural(len(names), 'sequence')} did not come back: {some_of(names)}"
    return [difference("drill.sequence_missing", sentence, "every sequence", [{"sequence": name} for name in names])]


def _extensions(source: Contents, copy: Contents, about: Surroundings) -> list[Finding]:
    names = [name for name in source.extensions if name not in copy.extensions and name not in about.unavailable]
    if not names:
        return []
    sentence = f"{plural(len(names), 'extension')} did not come back: {some_of(names)}"
    rows: list[Row] = [{"extension": name, "source": source.extensions[name]} for name in names]
    return [difference("drill.extension_missing", sentence, "every extension", rows)]


def _grants(source: Contents, copy: Contents, about: Surroundings) -> list[Finding]:
    lost: list[Row] = []
    added: list[Row] = []
    owners: list[Row] = []
    for name, was in source.grants.items():
        came = copy.grants.get(name)
        if came is None and not name.startswith("default privileges"):
            continue  # the object is missing, and told so
        owner, before = _access(was)
        other, after = _access(came or "")
        if other == about.restorer and other:  # a dump without owners; the role that restored stands in for them
            after = {item.replace(about.restorer, owner) for item in after}
        elif other and other != owner:
            owners.append({"object": name, "source": owner, "copy": other})
        lost += [{"object": name, "privilege": item} for item in sorted(before - after)]
        added += [{"object": name, "privilege": item} for item in sorted(after - before)]
    return [
        *_told_of(owners, "drill.owner_changed", "came back with another owner", "the same owner"),
        *_told_of(lost, "drill.grant_lost", "came back without a privilege", "every privilege"),
        *_told_of(added, "drill.grant_added", "came back with a privilege more", "no privilege more"),
    ]


def _told_of(rows: list[Row], code: str, words: str, expected: str) -> list[Finding]:
    if not rows:
        return []
    names = list(dict.fromkeys(str(row["object"]) for row in rows))
    return [difference(code, f"{plural(len(names), 'object')} {words}: {some_of(names)}", expected, rows)]


def _access(text: str) -> tuple[str, set[str]]:
    """The owner and the privileges of `owner app; app=arwd reader=r`."""
    owner, _, items = text.removeprefix("owner ").partition(";") if text.startswith("owner ") else ("", "", text)
    return owner.strip(), set(items.split())
