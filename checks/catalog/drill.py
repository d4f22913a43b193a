"""A drill restored the newest backup not long ago, and what came back was what was there.

A backup nobody restored is a hope. On a live environment this reads the history of drills and touches no backup; on a
disposable server it rehearses one: dump, restore into a second server, and the whole ladder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from checks.catalog import drill_codes, drill_doubt_codes, drill_history_codes, drill_pitr_codes
from checks.catalog.circumstances import Circumstances
from checks.catalog.names import plural
from checks.catalog.past import PastDrill, PastDrills
from checks.check import Asking, Check, Code, Finding, Severity
from checks.errors import NotApplicable
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import ExtensionName, Line, Slug
from checks.units import Duration, show_seconds

EXAMPLE = """\
drill:
  of: [prod]
  every: 90d
  rto: 30min
  rpo: 24h
  marker: SELECT created_at FROM audit_log"""

CODES: Mapping[str, Code] = {
    **drill_history_codes.CODES,
    **drill_codes.CODES,
    **drill_doubt_codes.CODES,
    **drill_pitr_codes.CODES,
}
SOON = 0.9  # of `every`
SKEW = timedelta(hours=1)  # between the clocks of two machines; what began later than that never began


@dataclass(frozen=True, slots=True)
class Parameters:
    """The budgets of a drill, and how often there is to be one."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    every: Duration = field(
        default=Duration(90 * 86400),
        metadata={"description": "How old the last good drill may be. It warns when nine tenths of that have passed."},
    )
    rto: Duration | None = field(
        default=None,
        metadata={"description": "How long it may take from fetching the backup until the copy is proven."},
    )
    rpo: Duration | None = field(
        default=None,
        metadata={"description": "How old the newest backup may be: so much is lost with the database."},
    )
    of: tuple[Slug, ...] = field(
        default=(),
        metadata={
            "description": "The environments whose backups are drilled: a drill of any of them counts for each. In "
            "others the check is skipped. Default: each for itself."
        },
    )
    marker: Line | None = field(
        default=None,
        metadata={
            "description": "A query that returns one column of times, of rows that are written all the time. After "
            "recovery to a point in time there must be some before it, and none after. Times are counted, never shown."
        },
    )
    extensions: tuple[ExtensionName, ...] = field(
        default=(),
        metadata={
            "description": "Extensions that a superuser makes for the dump on the copy, beyond those known to be "
            "harmless. SQL of the dump can then do what they can: run programs, reach files and other servers. Name "
            "one only where you trust whoever can write the backups."
        },
    )

    def __post_init__(self) -> None:
        if self.every <= 0:
            raise ValueError("`every` is more than nothing, such as 90d")


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """What the history says of a live environment; on a disposable server, what a rehearsal shows.

    Raises NotApplicable for a live environment whose backups are not drilled.
    """
    yield from ()
    if circumstances.disposable:
        return circumstances.rehearse(parameters)
    here = circumstances.environment
    if parameters.of and here not in parameters.of:
        raise NotApplicable(f"drills are of {', '.join(parameters.of)}; this is {here}")
    return judged(circumstances.drills(parameters.of or (here,)), parameters, datetime.now(UTC), here)


def judged(history: PastDrills, parameters: Parameters, now: datetime, environment: str) -> list[Finding]:
    """What the history amounts to at the time `now`."""
    known = [drill for drill in history.drills if drill.began <= now + SKEW]
    good = [drill for drill in known if drill.held]
    decided = [drill for drill in known if drill.held or drill.verdict == "failed"]
    damaged = _damaged(history, len(history.drills) - len(known))
    if decided and not decided[-1].held:
        return [*damaged, _failed(decided[-1], good)]
    if not good:
        return [*damaged, _never(history, known, environment)]
    proven = [drill for drill in good if drill.proven]
    last = good[-1]
    if proven and _age(proven[-1], now) <= parameters.every:
        last = proven[-1]  # one that proved more and is recent enough is not outdone by a newer one that proved less
    aged = _aged(last, parameters, now)
    unproven = [_unproven(last, proven)] if not last.proven and aged.code != "drill.overdue" else []
    inconclusive = [_inconclusive(known[-1])] if aged.holds and not known[-1].held else []
    return [*damaged, *unproven, aged, *inconclusive]


def _age(drill: PastDrill, now: datetime) -> float:
    return max(0.0, (now - drill.began).total_seconds())


def _unproven(last: PastDrill, proven: Sequence[PastDrill]) -> Finding:
    before = f"the last that proved them was on {_day(proven[-1])}" if proven else "none ever proved them"
    sentence = (
        f"The last drill, of {last.artifact} on {_day(last)}, restored it and met no fault, but there was nothing to "
        f"hold its contents against; {before}."
    )
    observed = f"contents not proven on {_day(last)}"
    return Finding("drill.contents_unproven", False, sentence, "proven contents", observed, severity=Severity.WARN)


def _aged(last: PastDrill, parameters: Parameters, now: datetime) -> Finding:
    age = _age(last, now)
    wanted, observed = f"a good drill every {parameters.every}", f"{show_seconds(age)} ago"
    took = f", and took {show_seconds(last.seconds)} to verify" if last.seconds is not None else ""
    what = f"The last good drill, of {last.artifact} on {_day(last)}, was {observed}{took}"
    if age > parameters.every:
        late = show_seconds(age - parameters.every)
        return Finding("drill.overdue", False, f"{what}: the next one is {late} overdue.", wanted, observed)
    due = (last.began + timedelta(seconds=parameters.every)).date()
    if age > parameters.every * SOON:
        sentence = f"{what}: the next one is due by {due}."
        return Finding("drill.due_soon", False, sentence, wanted, observed, severity=Severity.WARN)
    return Finding("drill.recent", True, f"{what}; the next one is due by {due}.", wanted, observed)


def _never(history: PastDrills, known: Sequence[PastDrill], environment: str) -> Finding:
    none = f"{plural(len(known), 'drill')} in {history.file}, and none that came to a verdict" if known else ""
    sentence = f"{none or f'No drill of {environment} stands in {history.file}'}: no backup was ever proven."
    return Finding("drill.never", False, sentence, "a drill that held", none or "no drill")


def _failed(last: PastDrill, good: Sequence[PastDrill]) -> Finding:
    before = f"the last that held was on {_day(good[-1])}" if good else "none ever held"
    sentence = f"The last drill, of {last.artifact} on {_day(last)}, failed; {before}."
    return Finding("drill.failed_last", False, sentence, "a drill that held", f"failed on {_day(last)}")


def _inconclusive(last: PastDrill) -> Finding:
    sentence = f"The last drill, on {_day(last)}, came to no verdict ({last.verdict})."
    return Finding("drill.inconclusive_last", False, sentence, "a verdict", last.verdict, severity=Severity.WARN)


def _damaged(history: PastDrills, future: int) -> list[Finding]:
    told = []
    if history.damaged:
        lines = ", ".join(map(str, history.damaged[:10])) + (", …" if len(history.damaged) > 10 else "")
        told.append(f"{plural(len(history.damaged), 'line')} of {history.file} cannot be read: {lines}")
    if future:
        told.append(f"{plural(future, 'drill')} in {history.file} began after today, which does not count")
    if not told:
        return []
    sentence = f"{'; '.join(told)}."
    return [Finding("drill.history_damaged", False, sentence, "a history to go by", severity=Severity.WARN)]


def _day(drill: PastDrill) -> str:
    return drill.began.date().isoformat()


CHECK = Check(
    kind="drill",
    claim="A drill restored the newest backup not long ago, and what came back was what was there.",
    manual="https://www.postgresql.org/docs/current/backup.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None: no database is asked but a disposable one; of a live environment the history of drills is read.",
    alone=True,
)
