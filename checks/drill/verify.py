"""Verify: the ladder, rung by rung, on a copy that was just restored."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from checks.backup.complaints import Complaint, Weight
from checks.backup.contents import Contents
from checks.backup.copy import Copy
from checks.backup.describe import describe
from checks.backup.groundwork import RESTORER
from checks.backup.head import Head, head_of
from checks.backup.restore import Restored
from checks.catalog.names import plural
from checks.check import Finding
from checks.drill import compare, examine
from checks.drill.consequences import CODE as DEPENDS
from checks.drill.doubt import doubt
from checks.drill.excused import undescribed
from checks.drill.ladder import Ladder, shared
from checks.drill.objects import Surroundings, objects
from checks.drill.pending import apply_pending, known_head
from checks.drilled import Rung, Step
from checks.errors import CouldNotTell
from checks.result import Status
from checks.runbook.model import Runbook

if TYPE_CHECKING:
    from checks.drill.request import Acquired

NO_SOURCE = "there is no manifest to hold the copy against"
NO_DIGESTS = "the manifest has no digest that could be compared"
NO_MIGRATIONS = "the page declares no migrations"
UNDECIDED = "a rung below it came to no verdict"
UNFIT = "the disposable server could not hold all of it"


def restored_step(restored: Restored, seconds: float) -> Step:
    """What the client's errors amount to: lost data fails, an unfit server is no verdict, the rest is told."""
    losses = [_finding(one) for one in _distinct(restored, Weight.LOSS)]
    if losses:
        return Step(Rung.RESTORED, Status.FAILED, tuple(losses[:20]), seconds)
    unfit = _distinct(restored, Weight.UNFIT)
    if unfit:
        first = unfit[0]
        refused = [one.text for one in _distinct(restored, Weight.FIDELITY) if one.code == "drill.extension_refused"]
        because = f" ({'; '.join(refused)})" if first.code == DEPENDS and refused else ""
        others = f", and {plural(len(unfit) - 1, 'error')} more" if len(unfit) > 1 else ""
        reason = f"{UNFIT}: {first.text}{f' ({first.command})' if first.command else ''}{others}{because}"
        return Step(Rung.RESTORED, Status.ERRORED, (), seconds, reason, first.code)
    told = len([one for one in restored.complaints if one.weight is Weight.FIDELITY])
    without = "without an error" if not told else f"with {plural(told, 'error')} of which none is about data"
    sentence = " ".join([f"{restored.client} restored it {without}.", *restored.notes])
    finding = Finding("drill.restored", True, sentence)
    return Step(Rung.RESTORED, Status.PASSED, (finding,), seconds)


def _distinct(restored: Restored, weight: Weight) -> list[Complaint]:
    return list(dict.fromkeys(one for one in restored.complaints if one.weight is weight))


def _finding(complaint: Complaint) -> Finding:
    where = f" ({complaint.command})" if complaint.command else ""
    sentence = f"The restore met an error that stands for lost data{where}: {complaint.text}."
    return Finding(complaint.code, False, sentence, "no such error", complaint.text[:80])


class Looks:
    """What is looked at while the copy is described, by other sessions: most of either is waiting for one processor."""

    def __init__(self, copy: Copy) -> None:
        self._copy = copy
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="look")
        self._asked: dict[Rung, Future[tuple[list[Finding], float]]] = {}

    def __enter__(self) -> Looks:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def begin(self) -> None:
        """Begin; whoever describes has a snapshot by now, and does not see what amcheck needs to be there."""
        self._asked[Rung.INTEGRITY] = self._pool.submit(self._timed, examine.amcheck)
        self._asked[Rung.VIEWS] = self._pool.submit(self._timed, self._views)

    def found(self, rung: Rung) -> list[Finding]:
        """What was seen, once it was."""
        return self._of(rung).result()[0]

    def seconds(self, rung: Rung) -> float:
        """How long it was looked for, however little of that was waited for; nothing where that ended in an error."""
        look = self._of(rung)
        return shared() if look.exception() else look.result()[1]

    def _of(self, rung: Rung) -> Future[tuple[list[Finding], float]]:
        if rung not in self._asked:
            self.begin()
        return self._asked[rung]

    def _timed(self, look: Callable[[Copy], list[Finding]]) -> tuple[list[Finding], float]:
        clock = time.monotonic()
        return look(self._copy), time.monotonic() - clock

    @staticmethod
    def _views(copy: Copy) -> list[Finding]:
        with examine.connected(copy) as connection:
            return examine.views(connection, copy)


def described(
    copy: Copy, head: Head | None, *, digests: bool = True, meanwhile: Callable[[], None] = lambda: None
) -> Contents:
    """The copy, by the questions its source was described by. `meanwhile` is called once there is a snapshot."""
    with copy.connect() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SELECT count(*) FROM pg_class")
        meanwhile()
        try:
            found = describe(connection, digests=digests, head=head, another=copy.connect)
        except CouldNotTell as reason:
            raise undescribed(reason, copy) from reason
        connection.execute("COMMIT")
    # Roles of ours are no part of what came back.
    roles = {name: what for name, what in found.roles.items() if "pgrunbook_" not in name}
    return replace(found, roles=roles)


def climb(
    ladder: Ladder,
    runbook: Runbook,
    *,
    acquired: Acquired,
    copy: Copy,
    contents: Contents,
    restored: Restored,
    looks: Looks,
) -> None:
    """Every rung from the objects to the pending migrations."""
    source = acquired.source
    about = Surroundings(
        RESTORER,
        frozenset(copy.missing_extensions | copy.refused_extensions),
        contained=bool(copy.refused_extensions or any(one.code == "drill.contained" for one in restored.complaints)),
    )
    if source is None:
        ladder.take(Rung.OBJECTS, lambda: [_something(ladder, contents)], took=shared)
        ladder.skip(Rung.COUNTS, NO_SOURCE)
        ladder.skip(Rung.DIGESTS, NO_SOURCE)
    else:
        ladder.take(Rung.OBJECTS, lambda: objects(source, contents, about), took=shared)
        ladder.take(Rung.COUNTS, lambda: compare.counts(source, contents), took=shared)
        if source.tables and not any(table.digest for table in source.tables.values()):
            ladder.skip(Rung.DIGESTS, NO_DIGESTS)
        else:
            ladder.take(Rung.DIGESTS, lambda: compare.digests(source, contents), took=shared)
    ladder.take(Rung.SEQUENCES, lambda: _sequences(copy, source, contents))
    ladder.take(Rung.INTEGRITY, lambda: _integrity(looks, source, contents), took=lambda: looks.seconds(Rung.INTEGRITY))
    ladder.take(Rung.VIEWS, lambda: looks.found(Rung.VIEWS), took=lambda: looks.seconds(Rung.VIEWS))
    if runbook.front.migrations is None:
        ladder.skip(Rung.HEAD, NO_MIGRATIONS)
        ladder.skip(Rung.PENDING, NO_MIGRATIONS)
        return
    ladder.take(Rung.HEAD, lambda: [head_of_the_copy(ladder, runbook, source, contents)], took=shared)
    ladder.take(Rung.PENDING, lambda: [apply_pending(runbook, copy)])


def _something(ladder: Ladder, contents: Contents) -> Finding:
    """Without a manifest all that can be said of objects is that there are some, and rows in them.

    A base backup has one of its own: where every file is as that says, so is everything in them.
    """
    rows = sum(table.rows for table in contents.tables.values())
    if not contents.tables:
        return Finding("drill.nothing_restored", False, "The copy has no table.", "tables", "none")
    sentence = f"The copy has {plural(len(contents.tables), 'table')} with {plural(rows, 'row')}"
    if not rows:
        return Finding("drill.nothing_restored", False, f"{sentence}.", "rows", "none")
    if ladder.found("drill.pitr_intact"):
        return Finding("drill.objects_of_files", True, f"{sentence}, in files that are what the base backup has.")
    return doubt("drill.objects_unproven", f"{sentence}; there is no manifest, so nothing says how many there were.")


def _sequences(copy: Copy, source: Contents | None, contents: Contents) -> list[Finding]:
    findings = compare.sequences(source, contents) if source is not None else []
    with examine.connected(copy) as connection:
        return [*findings, examine.sequences_ahead(connection, source, contents)]


def _integrity(looks: Looks, source: Contents | None, contents: Contents) -> list[Finding]:
    findings = compare.not_ready(source, contents)
    kinds = contents.objects
    count = (
        f"{plural(len(kinds.get('index', {})), 'index')} and {plural(len(kinds.get('constraint', {})), 'constraint')}"
    )
    valid = [] if findings else [Finding("drill.all_valid", True, f"{count} are valid.")]
    return [*findings, *valid, *looks.found(Rung.INTEGRITY)]


def head_of_the_copy(ladder: Ladder, runbook: Runbook, source: Contents | None, contents: Contents) -> Finding:
    """Raises CouldNotTell where the page's configuration does not say in which table to look."""
    head_of(runbook)
    if source is not None:
        return compare.head(source, contents)
    known = known_head(runbook, contents.head)
    if not known.holds or ladder.found("drill.pitr_intact"):
        return known
    return doubt("drill.head_unproven", f"{known.sentence.rstrip('.')}; nothing says where the source stood.")


def head_for(runbook: Runbook) -> Head | None:
    """Where the page's migrations are recorded; None where that cannot be read, of which the rung itself tells."""
    try:
        return head_of(runbook)
    except CouldNotTell:
        return None
