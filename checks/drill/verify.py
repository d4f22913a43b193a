"""Verify: the ladder, rung by rung, on a copy that was just restored."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import psycopg

from checks.backup.complaints import Complaint, Weight
from checks.backup.contents import Contents
from checks.backup.copy import RESTORER, Copy
from checks.backup.describe import describe
from checks.backup.head import Head, head_of
from checks.backup.restore import Restored
from checks.catalog.names import plural
from checks.check import Finding, Severity
from checks.drill import compare, examine
from checks.drill.excused import of_copy, undescribed
from checks.drill.pending import apply_pending, known_head
from checks.drilled import Rung, Step
from checks.errors import CouldNotTell, PgrunbookError
from checks.result import Status, judge
from checks.runbook.model import Runbook

if TYPE_CHECKING:
    from checks.drill.request import Acquired

NO_SOURCE = "there is no manifest to hold the copy against"
NO_DIGESTS = "the manifest has no digest that could be compared"
NO_MIGRATIONS = "the page declares no migrations"
BELOW = "a rung below it did not hold"
UNFIT = "the disposable server could not hold all of it"


@dataclass(slots=True)
class Ladder:
    """The steps so far, and what could not be proven."""

    steps: list[Step] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)

    def take(self, rung: Rung, look: Callable[[], Sequence[Finding]]) -> None:
        """One step. Whatever keeps it from a verdict is its reason."""
        clock = time.monotonic()
        try:
            findings = tuple(look())
        except CouldNotTell as reason:
            self.steps.append(self._without(rung, reason, reason.code, clock))
        except psycopg.Error as error:
            refusal = of_copy(error, None)
            self.steps.append(self._without(rung, refusal, refusal.code, clock))
        else:
            self.steps.append(Step(rung, judge(findings, Severity.FAIL), findings, time.monotonic() - clock))

    def skip(self, rung: Rung, why: str) -> None:
        """A step that is not taken."""
        self.steps.append(Step(rung, Status.SKIPPED, reason=why, code="run.skipped"))

    def rest(self, why: str, after: Rung) -> None:
        """Skip every rung above `after` but the budgets, which are measured whatever came before."""
        taken = {step.rung for step in self.steps}
        above = list(Rung)[list(Rung).index(after) + 1 :]
        for rung in above:
            if rung not in taken and rung not in {Rung.BUDGETS, Rung.BOUNDARY}:
                self.skip(rung, why)

    @property
    def holds(self) -> bool:
        """Whether every rung that was tried did."""
        return all(step.status in {Status.PASSED, Status.WARNED, Status.SKIPPED} for step in self.steps)

    @staticmethod
    def _without(rung: Rung, reason: PgrunbookError, code: str, clock: float) -> Step:
        return Step(rung, Status.ERRORED, (), time.monotonic() - clock, reason.sentence, code, reason.hint)


def restored_step(restored: Restored, seconds: float) -> Step:
    """What the client's errors amount to: lost data fails, an unfit server is no verdict, the rest is told."""
    losses = [_finding(one) for one in _distinct(restored, Weight.LOSS)]
    if losses:
        return Step(Rung.RESTORED, Status.FAILED, tuple(losses[:20]), seconds)
    unfit = _distinct(restored, Weight.UNFIT)
    if unfit:
        first = unfit[0]
        others = f", and {plural(len(unfit) - 1, 'error')} more" if len(unfit) > 1 else ""
        reason = f"{UNFIT}: {first.text}{f' ({first.command})' if first.command else ''}{others}"
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
        self._asked: dict[Rung, Future[examine.Looked]] = {}

    def __enter__(self) -> Looks:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def begin(self) -> None:
        """Begin; whoever describes has a snapshot by now, and does not see what amcheck needs to be there."""
        self._asked[Rung.INTEGRITY] = self._pool.submit(examine.amcheck, self._copy)
        self._asked[Rung.VIEWS] = self._pool.submit(self._views)

    def found(self, rung: Rung) -> examine.Looked:
        """What was seen, once it was."""
        if rung not in self._asked:
            self.begin()
        return self._asked[rung].result()

    def _views(self) -> examine.Looked:
        with examine.connected(self._copy) as connection:
            return examine.views(connection, self._copy)


def described(
    copy: Copy, head: Head | None, *, digests: bool = True, meanwhile: Callable[[], None] = lambda: None
) -> Contents:
    """The copy, by the questions its source was described by. `meanwhile` is called once there is a snapshot."""
    with copy.connect() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SELECT count(*) FROM pg_class")
        meanwhile()
        try:
            found = describe(connection, digests=digests, head=head)
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
    looks: Looks | None = None,
) -> None:
    """Every rung from the objects to the pending migrations."""
    source = acquired.source
    seen = looks or Looks(copy)
    about = compare.Surroundings(
        RESTORER,
        frozenset(copy.missing_extensions | copy.refused_extensions),
        contained=bool(copy.refused_extensions or any(one.code == "drill.contained" for one in restored.complaints)),
    )
    if source is None:
        ladder.take(Rung.OBJECTS, lambda: _something(contents))
        ladder.skip(Rung.COUNTS, NO_SOURCE)
        ladder.skip(Rung.DIGESTS, NO_SOURCE)
    else:
        ladder.take(Rung.OBJECTS, lambda: compare.objects(source, contents, about))
        ladder.take(Rung.COUNTS, lambda: compare.counts(source, contents))
        if source.tables and not any(table.digest for table in source.tables.values()):
            ladder.skip(Rung.DIGESTS, NO_DIGESTS)
        else:
            ladder.take(Rung.DIGESTS, lambda: compare.digests(source, contents))
        ladder.unproven += [f"The source did not show its {kind}: {why}" for kind, why in source.unknown.items()]
    ladder.take(Rung.SEQUENCES, lambda: _sequences(ladder, copy, source, contents))
    ladder.take(Rung.INTEGRITY, lambda: _integrity(ladder, seen, source, contents))
    ladder.take(Rung.VIEWS, lambda: _views(ladder, seen))
    if runbook.front.migrations is None:
        ladder.skip(Rung.HEAD, NO_MIGRATIONS)
        ladder.skip(Rung.PENDING, NO_MIGRATIONS)
        return
    ladder.take(Rung.HEAD, lambda: _head(runbook, source, contents))
    ladder.take(Rung.PENDING, lambda: [apply_pending(runbook, copy)])


def _something(contents: Contents) -> list[Finding]:
    """Without a manifest all that can be said of objects is that there are some, and rows in them."""
    rows = sum(table.rows for table in contents.tables.values())
    if not contents.tables:
        return [Finding("drill.nothing_restored", False, "The copy has no table.", "tables", "none")]
    sentence = f"The copy has {plural(len(contents.tables), 'table')} with {plural(rows, 'row')}"
    if not rows:
        return [Finding("drill.nothing_restored", False, f"{sentence}.", "rows", "none")]
    return [Finding("drill.objects_unproven", True, f"{sentence}; nothing says how many there were.")]


def _sequences(ladder: Ladder, copy: Copy, source: Contents | None, contents: Contents) -> list[Finding]:
    findings = compare.sequences(source, contents) if source is not None else []
    with examine.connected(copy) as connection:
        looked = examine.sequences_ahead(connection, source, contents)
    ladder.unproven += looked.unproven
    return [*findings, *looked.findings]


def _integrity(ladder: Ladder, looks: Looks, source: Contents | None, contents: Contents) -> list[Finding]:
    findings = compare.not_ready(source, contents)
    looked = looks.found(Rung.INTEGRITY)
    ladder.unproven += looked.unproven
    kinds = contents.objects
    count = (
        f"{plural(len(kinds.get('index', {})), 'index')} and {plural(len(kinds.get('constraint', {})), 'constraint')}"
    )
    valid = [] if findings else [Finding("drill.all_valid", True, f"{count} are valid.")]
    return [*findings, *valid, *looked.findings]


def _views(ladder: Ladder, looks: Looks) -> list[Finding]:
    looked = looks.found(Rung.VIEWS)
    ladder.unproven += looked.unproven
    return list(looked.findings)


def _head(runbook: Runbook, source: Contents | None, contents: Contents) -> list[Finding]:
    if source is not None:
        return compare.head(source, contents)
    return [known_head(runbook, contents.head)]


def head_for(runbook: Runbook, unproven: list[str]) -> Head | None:
    """Where the page's migrations are recorded; None where that cannot be read, which is said."""
    try:
        return head_of(runbook)
    except CouldNotTell as reason:
        unproven.append(f"Where migrations are recorded could not be read: {reason.sentence}")
        return None
