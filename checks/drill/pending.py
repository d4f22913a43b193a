"""Whether the checkout's migrations go on from where the copy stands: what a restore is followed by in earnest.

They are applied to a second database with the copy's content, so that the copy stays as it was restored.
"""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

import psycopg

from checks.backup.copy import Copy
from checks.backup.unwell import LOST, NO_SPACE, is_full
from checks.catalog.names import some
from checks.check import Finding, Query
from checks.drill.excused import of_copy
from checks.errors import ConnectionFailed, CouldNotTell, TargetFailed
from checks.migrations.compare import pending
from checks.migrations.tool import applied, read_history, version_table
from checks.runbook.model import Runbook

if TYPE_CHECKING:
    from checks.migrations.history import Applied, History

PATIENCE = 10.0  # seconds for one look at the version table
SECOND = "pgrunbook_pending"
_COLUMNS = {
    "prisma": "migration_name, checksum, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back"
}


def known_head(runbook: Runbook, revisions: tuple[str, ...]) -> Finding:
    """Without a manifest: whether the page's files know the revisions in the copy. Raises CouldNotTell."""
    if runbook.front.migrations is None:
        raise AssertionError("the page declares migrations where this is asked")
    history = read_history(runbook.folder, runbook.front.migrations)
    unknown = [one for one in revisions if one not in history.by_revision]
    expected = "revisions of the page's files"
    if not revisions:
        sentence = f"The copy's {version_table(runbook.folder, runbook.front.migrations)} names no migration."
        return Finding("drill.head_unknown", False, sentence, expected, "none")
    if unknown:
        sentence = f"The copy has applied migrations that this checkout does not know: {some(unknown)}."
        return Finding("drill.head_unknown", False, sentence, expected, some(unknown))
    return Finding("drill.head_known", True, f"The copy stands at {some(revisions)}, which this checkout knows.")


def apply_pending(runbook: Runbook, copy: Copy) -> Finding:
    """Apply the pending migrations to a second database. Raises CouldNotTell where files or rows cannot be read."""
    declared = runbook.front.migrations
    if declared is None:
        raise AssertionError("the page declares migrations where this is asked")
    history = read_history(runbook.folder, declared)
    waiting = [str(one) for one in pending(history, _applied(runbook, copy, history))]
    if not waiting:
        return Finding("drill.none_pending", True, "No migration of this checkout is pending on the copy.")
    from checks.migrations.apply import advance

    second = copy.duplicate(SECOND)
    try:
        failure = advance(declared, runbook.folder, second)
        if failure and (reason := _server_failed(copy, failure)):
            raise reason
    except ConnectionFailed as lost:  # by its own code it would be the source that is gone
        raise CouldNotTell(f"the copy was lost: {lost.sentence}", code=LOST) from lost
    finally:
        with suppress(TargetFailed):  # a server that fails is told of by whatever asks it next
            copy.server.drop_database(SECOND)
    expected = f"{len(waiting)} pending applied"
    if failure:
        sentence = f"The pending migrations do not apply to the copy ({some(waiting)}): {failure}"
        return Finding("drill.pending_failed", False, sentence, expected, "an error")
    return Finding(
        "drill.pending_applied", True, f"The pending migrations apply to the copy: {some(waiting)}.", expected
    )


def _server_failed(copy: Copy, failure: str) -> CouldNotTell | None:
    """Why a migration that did not apply is no verdict: the server had no room for it, or is gone."""
    if is_full(copy.server.folder.path):
        return CouldNotTell(f"the disk of the copy is full: {failure}", code=NO_SPACE)
    try:
        copy.connect().close()
    except psycopg.Error as error:
        return of_copy(error, copy)
    return None


def _applied(runbook: Runbook, copy: Copy, history: History) -> tuple[Applied, ...]:
    declared = runbook.front.migrations
    if declared is None:
        return ()
    table = version_table(runbook.folder, declared)
    query = Query(f"SELECT {_COLUMNS.get(declared.tool, '*')} FROM {table.quoted}")  # noqa: S608 - quoted
    with closing(copy.open(timeout=PATIENCE)) as session:
        answers = session.ask([query], patience=PATIENCE)
    if not answers or answers[0].error is not None:
        raise CouldNotTell(
            f"The version table {table} of the copy could not be read, so what is pending is not known.",
            code="drill.head_unreadable",
            hint="Name the table's schema in the page's `migrations:` if it is not on the search_path.",
        )
    return applied(history, answers[0].dicts())
