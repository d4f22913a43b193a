"""The database stands where its migration files say it should, and on a disposable one they also do what they promise.

An application that runs against a schema older or newer than its code fails at the first query that touches the
difference, often hours after the deployment. The files are read and never run, so neither the application nor its
configuration is needed: docs/decisions/0004-migrations-read-statically.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from checks.catalog.circumstances import Circumstances
from checks.catalog.migrations_codes import CODES
from checks.catalog.migrations_table import (
    NOT_PERMITTED,
    Candidate,
    candidates,
    looking_for,
    refuse_if_closed,
    with_others,
)
from checks.catalog.sql import statements
from checks.check import POSTGRESQL, SQLITE, Answer, Asking, Check, Finding, Query, Severity
from checks.errors import CouldNotTell
from checks.migrations.outcome import Rehearsal
from checks.runbook.model import REFUSE_UNKNOWN_KEYS, Migrations
from checks.suggest import did_you_mean

if TYPE_CHECKING:
    from checks.migrations.history import Applied, History, VersionTable

EXAMPLE = "migrations: {}"
NO_SUCH_TABLE = "42P01"
_LOOKED_INTO = {NO_SUCH_TABLE, NOT_PERMITTED}
NAMED = 3  # more statements than this stand in the evidence only
_DEFAULT_TABLES = {"alembic": "alembic_version", "prisma": "_prisma_migrations", "sql": "schema_migrations"}
_STEPS = {
    "up": ("migrations.apply_failed", "The migrations cannot be applied to an empty database"),
    "down": ("migrations.downgrade_failed", "The way down fails"),
    "up again": ("migrations.reapply_failed", "After the way down, the migrations cannot be applied again"),
    "drift": ("migrations.models_unreadable", "The models cannot be compared with the database"),
}

Judgement = Literal["fail", "warn", "ignore"]


@dataclass(frozen=True, slots=True)
class Parameters:
    """How strictly to judge. Where the files are and which tool applies them stands in the page's front matter."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    heads: Literal["one", "several"] = field(
        default="one", metadata={"description": "`several` where the files are meant to keep more than one head."}
    )
    destructive: Literal["warn", "ignore"] = field(
        default="warn", metadata={"description": "Whether to list statements that destroy data."}
    )
    reviewed: str | None = field(
        default=None,
        metadata={"description": "A revision: what it and those before it destroy was reviewed, and is not listed."},
    )
    down: Judgement = field(
        default="fail",
        metadata={"description": "What it means when, on a disposable server, the way down fails or leaves something."},
    )
    drift: Judgement = field(
        default="fail",
        metadata={"description": "What it means when the declared models differ from the migrated database."},
    )


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """The files are read, then the version table is asked for; a second round looks for one that is not where it was
    expected."""
    # Imported here: a run without this check, or of another page, does not owe the 4 ms.
    from checks.migrations.compare import broken_files, compare, several_heads
    from checks.migrations.tool import read_history, version_table

    declared = _declared(circumstances)
    history = read_history(circumstances.folder, declared)
    table = version_table(circumstances.folder, declared)
    [answer] = yield [Query(version_query(declared, table))]
    found: list[Candidate] = []
    if circumstances.engine == POSTGRESQL and answer.error is not None and answer.error.sqlstate in _LOOKED_INTO:
        [looked] = yield [Query(looking_for(table))]
        found = candidates(looked)
        refuse_if_closed(table, found, answer.error)
    rows = _rows(history, answer)
    compared = compare(history, rows, table)
    if rows is None:
        compared[-1] = with_others(compared[-1], table, found)
    rehearsed = _rehearsed(parameters, circumstances.rehearsal)
    heads = several_heads(history) if parameters.heads == "one" else []
    # What failed while it was applied explains what is missing now, and comes first.
    return [
        *(finding for finding in rehearsed if not finding.holds),
        *broken_files(history),
        *_review_of_nothing(parameters, history),
        *heads,
        *compared,
        *(finding for finding in rehearsed if finding.holds),
        *_destructive(parameters, circumstances, history, rows),
    ]


def _declared(circumstances: Circumstances) -> Migrations:
    if circumstances.migrations is None:
        raise CouldNotTell(
            "The page asks about migrations, and its front matter does not say where they are.",
            code="migrations.undeclared",
            hint="add `migrations: {tool: alembic, path: …}` to the front matter",
        )
    return circumstances.migrations


def version_query(declared: Migrations, table: VersionTable) -> str:
    """The statement that reads the tool's own rows."""
    return statements("migrations")[declared.tool].replace(_DEFAULT_TABLES[declared.tool], table.quoted)


def _rows(history: History, answer: Answer) -> tuple[Applied, ...] | None:
    """What was applied; None where there is no version table. Raises QueryFailed for any other refusal."""
    from checks.migrations.tool import applied

    if answer.error is not None and answer.error.sqlstate == NO_SUCH_TABLE:
        return None
    return applied(history, answer.dicts() if answer.rows else [])


def _review_of_nothing(parameters: Parameters, history: History) -> list[Finding]:
    """A finding where the page reviewed a revision there is no file for: nobody knows what was reviewed."""
    if parameters.reviewed is None or parameters.reviewed in history.by_revision:
        return []
    guess = did_you_mean(parameters.reviewed, history.by_revision)
    sentence = f"`reviewed: {parameters.reviewed}` is no migration of these files{f'; {guess}' if guess else '.'}"
    return [Finding("migrations.reviewed_unknown", False, sentence)]


def _rehearsed(parameters: Parameters, rehearsal: Rehearsal | None) -> list[Finding]:
    """What applying the migrations to this disposable database showed; nothing on any other."""
    if rehearsal is None:
        return []
    findings = []
    if rehearsal.failed_step:
        code, begins = _STEPS[rehearsal.failed_step]
        findings.append(Finding(code, holds=False, sentence=f"{begins}: {rehearsal.failure}"))
    if rehearsal.left_behind:
        findings.append(_left_behind(rehearsal.left_behind))
    if rehearsal.drift is not None:
        findings.append(_drift(rehearsal.drift))
    judged = [_judged(parameters, finding) for finding in findings]
    walked = [] if rehearsal.failed_step in {"up", "down", "up again"} else [_walked(rehearsal)]
    return walked + [finding for finding in judged if finding is not None]


def _judged(parameters: Parameters, finding: Finding) -> Finding | None:
    judgement: Judgement = "fail"
    if finding.code in {"migrations.downgrade_failed", "migrations.reapply_failed", "migrations.left_behind"}:
        judgement = parameters.down
    if finding.code == "migrations.drift":
        judgement = parameters.drift
    if judgement == "ignore" and not finding.holds:
        return None
    return replace(finding, severity=Severity.WARN) if judgement == "warn" else finding


def _walked(rehearsal: Rehearsal) -> Finding:
    steps = ", ".join(rehearsal.walk)
    why = f" {rehearsal.no_way_down}" if rehearsal.no_way_down else ""
    return Finding(
        "migrations.rehearsed",
        holds=True,
        sentence=f"On an empty database the migrations went {steps}.{why}",
        expected="up" if rehearsal.no_way_down else "up, down, up again",
        observed=steps,
    )


def _left_behind(left: Sequence[str]) -> Finding:
    return Finding(
        "migrations.left_behind",
        holds=False,
        sentence=f"The way down to nothing leaves something behind: {', '.join(left)}.",
        expected="an empty database",
        observed=f"{len(left)} left behind",
        evidence=tuple({"left behind": one} for one in left),
    )


def _drift(differences: Sequence[str]) -> Finding:
    if not differences:
        return Finding("migrations.no_drift", True, "The migrated database is what the models declare.")
    return Finding(
        "migrations.drift",
        holds=False,
        sentence=f"The migrated database is not what the models declare: {' '.join(differences)}",
        expected="no difference",
        observed=f"{len(differences)} difference{'s' if len(differences) > 1 else ''}",
        evidence=tuple({"difference": difference} for difference in differences),
    )


def _destructive(
    parameters: Parameters, circumstances: Circumstances, history: History, rows: Iterable[Applied] | None
) -> list[Finding]:
    """A warning that lists what destroys data in the migrations a database still has before it: all, if disposable."""
    from checks.migrations.compare import pending

    before = history.migrations if circumstances.disposable else pending(history, rows or ())
    reviewed = history.up_to([parameters.reviewed] if parameters.reviewed else [])
    unread = {migration.revision for migration in before} - reviewed
    if parameters.destructive == "ignore" or not unread:
        return []
    from checks.migrations.destructive import destructions

    found = [one for one in destructions(history.migrations) if one.migration.revision in unread]
    return [_destroys([(one.place(circumstances.folder), one.statement) for one in found])] if found else []


def _destroys(found: Sequence[tuple[str, str]]) -> Finding:
    listed = "; ".join(f"{place}: {statement}" for place, statement in found[:NAMED])
    listed += f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return Finding(
        "migrations.destroys_data",
        holds=False,
        sentence=f"Applying these migrations destroys data where there is any: {listed}.",
        expected="no such statement, or one that was reviewed",
        observed=f"{len(found)} statement{'s' if len(found) > 1 else ''}",
        evidence=tuple({"place": place, "statement": statement} for place, statement in found),
        severity=Severity.WARN,
    )


CHECK = Check(
    kind="migrations",
    claim="The database is at the head of its migration files, and they can be applied, taken back and applied again.",
    manual="https://www.postgresql.org/docs/current/ddl-alter.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="USAGE on the schema of the version table, and SELECT on the table.",
    engines=frozenset({POSTGRESQL, SQLITE}),
)
