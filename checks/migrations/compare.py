"""The files against the version table, told apart: what the `migrations` check says of a database.

Pure: a history, the rows, and out come findings. Nothing here knows where either was read.

What can be known depends on the tool. Names of Prisma and plain SQL migrations sort in time, so an applied one that is
not on disk is *ahead* of this checkout when it sorts after every file, and *missing* when it does not. Alembic's
revisions are random: one that the files do not know may be newer, deleted, or of another branch, so it is *unknown* and
nothing is said of how far behind the rest is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checks.check import Finding
from checks.migrations.history import Applied, History, Migration, VersionTable

NAMED = 5  # more names than this make a sentence nobody reads; the evidence has them all


def compare(history: History, applied: Sequence[Applied] | None, table: VersionTable) -> list[Finding]:
    """What the rows of `table` say of the database, worst first; `applied` is None where there is no such table.

    The last finding is `migrations.at_head` where all is well, and only there.
    """
    if applied is None:
        return [_unmanaged(history, table)]
    if not applied:
        return [_empty(history, table)]
    findings = _ledger(history, applied) if history.ledger else _heads(history, applied, table)
    return findings or [_at_head(history)]


def pending(history: History, applied: Iterable[Applied]) -> tuple[Migration, ...]:
    """The migrations that are still to be applied, in order. Of rows unknown to the files nothing follows."""
    done = {row.revision for row in applied if row.finished and not row.rolled_back}
    return history.without(done if history.ledger else history.up_to(done))


def several_heads(history: History) -> list[Finding]:
    """A finding where the files branch and are not merged: `upgrade head` does not know which one is meant."""
    if len(history.heads) < 2:
        return []
    return [
        Finding(
            "migrations.several_heads",
            holds=False,
            sentence=f"The migration files have {len(history.heads)} heads: {_named(_of(history, history.heads))}.",
            expected="1 head",
            observed=f"{len(history.heads)} heads",
            evidence=_evidence(_of(history, history.heads), "head"),
        )
    ]


def broken_files(history: History) -> list[Finding]:
    """A finding for each thing wrong with the files themselves, whatever the database says."""
    return [Finding("migrations.broken_files", holds=False, sentence=mistake) for mistake in history.mistakes]


def _heads(history: History, applied: Sequence[Applied], table: VersionTable) -> list[Finding]:
    rows = [row.revision for row in applied]
    unknown = [row for row in rows if row not in history.by_revision]
    if unknown:
        return [_unknown(history, table, unknown)]
    overlapping = [row for row in rows if row in history.up_to(other for other in rows if other != row)]
    pending = history.without(history.up_to(rows))
    findings = [_overlapping(table, overlapping)] if overlapping else []
    return [*findings, _behind(history, pending)] if pending else findings


def _ledger(history: History, applied: Sequence[Applied]) -> list[Finding]:
    done = {row.revision: row for row in applied if row.finished and not row.rolled_back}
    failed = list(dict.fromkeys(row.revision for row in applied if not row.finished and not row.rolled_back))
    pending = history.without(done.keys() | set(failed))
    findings = [_failed(history, revision) for revision in failed]
    findings += _edited(history, done.values())
    findings += _gone(history, [revision for revision in done if revision not in history.by_revision])
    return findings + ([_behind(history, pending)] if pending else [])


def _at_head(history: History) -> Finding:
    heads = _named(_of(history, history.heads))
    return Finding(
        "migrations.at_head",
        holds=True,
        sentence=f"All {_count(len(history.migrations))} are applied; the head is {heads}."
        if len(history.heads) == 1
        else f"All {_count(len(history.migrations))} are applied; the heads are {heads}.",
        expected=", ".join(history.heads),
        observed=", ".join(history.heads),
    )


def _behind(history: History, pending: Sequence[Migration]) -> Finding:
    return Finding(
        "migrations.behind",
        holds=False,
        sentence=f"The database is behind by {_count(len(pending))}: {_named(pending)}.",
        expected=f"{len(history.migrations)} applied",
        observed=f"{len(pending)} not applied",
        evidence=_evidence(pending, "not applied"),
    )


def _unknown(history: History, table: VersionTable, unknown: list[str]) -> Finding:
    return Finding(
        "migrations.unknown_revision",
        holds=False,
        sentence=(
            f"{table} records {', '.join(unknown)}, which no migration file here defines: this checkout is older than "
            "the database, or the file was deleted. How far behind the rest is cannot be told."
        ),
        expected=", ".join(history.heads),
        observed=", ".join(unknown),
        evidence=tuple({"revision": revision, "state": "unknown"} for revision in unknown),
    )


def _overlapping(table: VersionTable, overlapping: list[str]) -> Finding:
    return Finding(
        "migrations.overlapping_rows",
        holds=False,
        sentence=(
            f"{table} records {', '.join(overlapping)} beside a revision that already includes it, "
            "and Alembic refuses to upgrade from there."
        ),
        expected="one row for each branch",
        observed=f"{len(overlapping)} row{'s' if len(overlapping) > 1 else ''} too many",
        evidence=tuple({"revision": revision, "state": "an ancestor of another row"} for revision in overlapping),
    )


def _failed(history: History, revision: str) -> Finding:
    known = history.by_revision.get(revision)
    return Finding(
        "migrations.failed",
        holds=False,
        sentence=f"{known or revision} was started and never finished: it failed half-way, or is still running.",
        expected="finished",
        observed="started, not finished",
        evidence=({"revision": revision, "state": "failed"},),
    )


def _edited(history: History, rows: Iterable[Applied]) -> list[Finding]:
    pairs = [(history.by_revision[row.revision], row) for row in rows if row.revision in history.by_revision]
    return [
        Finding(
            "migrations.edited",
            holds=False,
            sentence=f"{migration} was edited after it was applied: {migration.path.name} has another checksum now.",
            expected=f"checksum {row.checksum}",
            observed="another checksum, with either kind of line end",
            evidence=({"revision": migration.revision, "state": "edited"},),
        )
        for migration, row in pairs
        if row.checksum and migration.checksums and row.checksum.lower() not in migration.checksums
    ]


def _gone(history: History, gone: list[str]) -> list[Finding]:
    ahead = [revision for revision in gone if history.is_later(revision)]
    missing = [revision for revision in gone if revision not in ahead]
    findings = []
    if missing:
        findings.append(_not_on_disk("migrations.missing", missing, "applied, and gone from disk"))
    if ahead:
        findings.append(_not_on_disk("migrations.ahead", ahead, "applied, and newer than the last file here"))
    return findings


def _not_on_disk(code: str, revisions: list[str], state: str) -> Finding:
    listed = ", ".join(revisions[:NAMED]) + (f" and {len(revisions) - NAMED} more" if len(revisions) > NAMED else "")
    return Finding(
        code,
        holds=False,
        sentence=f"{_count(len(revisions))} {'is' if len(revisions) == 1 else 'are'} {state}: {listed}.",
        expected="every applied migration on disk",
        observed=f"{len(revisions)} not on disk",
        evidence=tuple({"revision": revision, "state": state} for revision in revisions),
    )


def _unmanaged(history: History, table: VersionTable) -> Finding:
    return Finding(
        "migrations.unmanaged",
        holds=False,
        sentence=(
            f"There is no table {table}, so this database was never migrated with {history.tool}, or its version table "
            "lies elsewhere."
        ),
        expected=f"table {table}",
        observed="no such table",
    )


def _empty(history: History, table: VersionTable) -> Finding:
    return Finding(
        "migrations.empty_version_table",
        holds=False,
        sentence=(f"{table} has no row: none of {_count(len(history.migrations))} is applied, or all were taken back."),
        expected=f"{len(history.migrations)} applied",
        observed="0 applied",
        evidence=_evidence(history.migrations, "not applied"),
    )


def _of(history: History, revisions: Iterable[str]) -> list[Migration]:
    return [history.by_revision[revision] for revision in revisions]


def _named(migrations: Sequence[Migration]) -> str:
    names = ", ".join(str(migration) for migration in migrations[:NAMED])
    return f"{names} and {len(migrations) - NAMED} more" if len(migrations) > NAMED else names


def _count(number: int) -> str:
    return f"{number} migration" if number == 1 else f"{number} migrations"


def _evidence(migrations: Sequence[Migration], state: str) -> tuple[dict[str, str], ...]:
    return tuple({"revision": one.revision, "migration": one.name, "state": state} for one in migrations)
