"""What can be said of runbooks before any run: read them, find their mistakes, list what is in them, explain codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from checks.catalog import CATALOG
from checks.catalog.codes import documented
from checks.choice import known_format
from checks.errors import CouldNotTell, Mistake, RunbookError, UsageError
from checks.result import COULD_NOT_TELL, HELD, WRONG
from checks.runbook.cache import read_cached
from checks.runbook.folder import pages
from checks.runbook.model import CheckEntry, Runbook
from checks.suggest import did_you_mean
from checks.targets.statements import refused_unsent

FORMATS = ("text", "json")
QUERY = "query"
BENCHMARK = "benchmark"


def load(names: Sequence[str]) -> list[Runbook]:
    """Every selected page. Raises RunbookError with the mistakes of all of them together."""
    runbooks, mistakes = _read(names)
    if mistakes:
        raise RunbookError(mistakes)
    return runbooks


def lint(names: Sequence[str], *, sql: bool, postgres_bin: str, format: str) -> int:  # noqa: A002 - the flag's name
    """Print every mistake of the pages, with `sql` of their queries too; 2 if there is one, 3 if no server came."""
    known_format(format, FORMATS)
    runbooks, mistakes = _read(names)
    reasons: list[str] = []
    for runbook in runbooks if sql else ():
        from checks.syntax import mistakes_of

        try:
            mistakes += mistakes_of(runbook, postgres_bin)
        except CouldNotTell as reason:
            reasons.append(f"{runbook.path}: its queries could not be prepared: {reason}")
    _print_lint(runbooks, sorted(mistakes), reasons, format)
    return WRONG if mistakes else COULD_NOT_TELL if reasons else HELD


def listing(names: Sequence[str], *, format: str) -> int:  # noqa: A002 - the flag's name
    """Print the pages, their environments and their checks."""
    known_format(format, FORMATS)
    runbooks = load(names)
    if format == "json":
        sys.stdout.write(json.dumps([_as_json(runbook) for runbook in runbooks], indent=2) + "\n")
        return HELD
    for runbook in runbooks:
        front = runbook.front
        environments = ", ".join(front.environments) or "none"
        sys.stdout.write(f"{front.runbook}  {front.title}  ({runbook.path})\n  environments: {environments}\n")
        for entry in runbook.entries():
            sys.stdout.write(f"  {entry.line:>4}  {entry.kind:<13} {entry.name}{_conditions(entry)}\n")
    return HELD


def explain(code: str) -> int:
    """Print what a finding code means. Raises UsageError, with the closest one, for an unknown code."""
    from checks.catalog.manual import explain as words

    if code not in documented():
        hint = did_you_mean(code, documented()) or "docs/checks.md lists them all"
        raise UsageError(f"{code}: no such finding code.", hint=hint)
    sys.stdout.write(words(code).rstrip() + "\n")
    return HELD


def _read(names: Sequence[str]) -> tuple[list[Runbook], list[Mistake]]:
    runbooks: list[Runbook] = []
    mistakes: list[Mistake] = []
    for page in pages(names):
        try:
            runbook, more = read_cached(page, CATALOG, documented(), _not_asking)
            mistakes += more
            runbooks.append(runbook)
        except RunbookError as error:
            mistakes += error.mistakes
    return runbooks, mistakes


def _not_asking(runbook: Runbook) -> list[Mistake]:
    """A mistake for each query that no read-only session would send, found before a server is touched."""
    found = [(entry, refused_unsent(sql, writable=False)) for entry in runbook.entries() for sql in _asking_sql(entry)]
    return [
        Mistake(str(runbook.path), entry.line, 1, f"check `{entry.name}`: {refusal.sentence}", refusal.hint)
        for entry, refusal in found
        if refusal is not None
    ]


def _asking_sql(entry: CheckEntry) -> list[str]:
    """The page's own queries of a check that only asks."""
    if entry.kind == QUERY:
        return [entry.params.sql]
    return [one.sql for one in entry.params.queries.values()] if entry.kind == BENCHMARK else []


def _print_lint(runbooks: Sequence[Runbook], mistakes: Sequence[Mistake], reasons: Sequence[str], format: str) -> None:  # noqa: A002 - the flag's name
    if format == "json":
        found = [{name: getattr(mistake, name) for name in Mistake.__slots__} for mistake in mistakes]
        sys.stdout.write(json.dumps({"mistakes": found, "could_not_tell": list(reasons)}, indent=2) + "\n")
        return
    for line in (*mistakes, *reasons):
        sys.stdout.write(f"{line}\n")
    wrong = {mistake.path for mistake in mistakes}
    for runbook in runbooks:
        if str(runbook.path) not in wrong:
            sys.stdout.write(f"{runbook.path}: {sum(1 for _ in runbook.entries())} checks, no mistake\n")


def _conditions(entry: CheckEntry) -> str:
    only = f"only for {', '.join(entry.environments)}" if entry.environments else ""
    words = [word for word in (only, "warns" if entry.severity == "warn" else "") if word]
    return f"  ({'; '.join(words)})" if words else ""


def _as_json(runbook: Runbook) -> dict[str, Any]:
    front = runbook.front
    return {
        "runbook": front.runbook,
        "title": front.title,
        "path": str(runbook.path),
        "postgres": front.postgres,
        "environments": {name: {"protected": known.protected} for name, known in front.environments.items()},
        "checks": [
            {"name": entry.name, "kind": entry.kind, "line": entry.line, "severity": str(entry.severity)}
            for entry in runbook.entries()
        ],
    }
