"""Where a drill's part of the Markdown report stands: measures and ladder first, the evidence after, a place to sign.

Layout only, as in `layout`.
"""

from __future__ import annotations

from collections.abc import Mapping

from checks.drilled import Earlier, Likeness
from checks.report import escape
from checks.report.drill_model import UNMEASURED, DrillReport, Measure
from checks.report.layout import MARKS, Page, moment
from checks.report.model import CheckReport
from checks.result import Status
from checks.units import show_bytes, show_seconds

HEADINGS = (
    "The ladder",
    "Timeline",
    "Fidelity of the copy",
    "What could not be proven",
    "Earlier drills",
    "What was drilled, with what",
    "Sign-off",
    "The runbook's checks, asked of the copy",
)
_NO_VERDICT = frozenset({Status.SKIPPED, Status.ERRORED})
BAR = 40  # characters of the whole timeline
_LIKE = {Likeness.MATCHED: "✅", Likeness.SUBSTITUTED: "⚠️", Likeness.NOT_VERIFIABLE: "❔"}


class DrillPage:
    """What the template asks about a drill."""

    headings = HEADINGS

    def __init__(self, drill: DrillReport) -> None:
        self._drill = drill

    def backup(self) -> str:
        """`relay-20261121T090000Z.dump`, custom, 12 MB, from … and as of when."""
        drill = self._drill
        if not drill.artifact:
            return f"none came to hand; it was to come from {drill.origin}"
        taken = f", taken {moment(drill.taken)} ({drill.dated})" if drill.taken else ", of an unknown time"
        return f"{drill.artifact}: {drill.format}, {show_bytes(drill.bytes)}, from {drill.origin}{taken}"

    def measures(self) -> list[list[str]]:
        """Measured, allowed, and whether the one is within the other; a time that was not measured is none."""
        return [
            [escape.cell(one.name), _shown(one.seconds, UNMEASURED), _shown(one.budget, "none named"), _outcome(one)]
            for one in self._drill.measures
        ]

    def ladder(self) -> list[list[str]]:
        """One row a rung."""
        return [
            [MARKS[rung.status], *map(escape.cell, (_rung(rung), Page.time(rung), rung.claim, rung.sentence))]
            for rung in self._drill.ladder
        ]

    def untimed(self) -> bool:
        """Whether rungs were climbed that have no time of their own."""
        return any(not rung.seconds and rung.status not in _NO_VERDICT for rung in self._drill.ladder)

    def told(self) -> list[CheckReport]:
        """The rungs there is more to say of than has room in one row."""
        return [
            rung
            for rung in self._drill.ladder
            if rung.hint or not all(finding.holds and finding.is_plain for finding in rung.findings)
        ]

    def timeline(self) -> list[list[str]]:
        """When each phase began, how long it took, and both drawn: phases may overlap."""
        whole = max((phase.began + phase.seconds for phase in self._drill.phases), default=0.0) or 1.0
        rows = []
        for phase in self._drill.phases:
            before = min(round(phase.began / whole * BAR), BAR - 1)
            length = max(1, min(round(phase.seconds / whole * BAR), BAR - before))
            bar = escape.code(f"{'·' * before}{'█' * length}{'·' * (BAR - before - length)}")
            rows.append([escape.cell(phase.name), show_seconds(phase.began), show_seconds(phase.seconds), bar])
        return rows

    def fidelity(self) -> list[list[str]]:
        """What the copy's surroundings have of the source's."""
        return [
            [f"{_LIKE[one.likeness]} {one.likeness}", *map(escape.cell, (one.what, one.source, one.copy))]
            for one in self._drill.fidelity
        ]

    def trend(self) -> list[list[str]]:
        """Earlier drills, newest first."""
        return [
            [moment(one.began), _came_of(one), _shown(one.seconds, "not reached")]
            for one in reversed(self._drill.trend)
        ]

    def facts(self) -> list[list[str]]:
        """Hashes and versions, the source and the copy."""
        drill = self._drill
        rows = {"Source": drill.source_server or "not known", "Copy": drill.copy_server or "none was made"}
        rows |= {"Restored to": drill.restore_point} if drill.restore_point else {}
        hashes = {f"SHA-256 of the {name}": escape.code(value) for name, value in drill.hashes.items()}
        return [*_rows(rows), *map(list, hashes.items()), *_rows(drill.versions)]


def _rows(values: Mapping[str, str]) -> list[list[str]]:
    return [[escape.cell(name), escape.cell(value)] for name, value in values.items()]


def _rung(rung: CheckReport) -> str:
    return rung.name.removeprefix("drill: ")


def _came_of(drill: Earlier) -> str:
    if not drill.held:
        return "came to no verdict" if drill.undecided else "did not hold"
    return "held" if drill.proven else "held, contents not proven"


def _shown(seconds: float | None, otherwise: str) -> str:
    return otherwise if seconds is None else show_seconds(seconds)


def _outcome(measure: Measure) -> str:
    if measure.within is None:
        return "➖ not judged"  # noqa: RUF001 - as wide as the other signs
    if measure.doubt:
        return f"⚠️ within, {measure.doubt}" if measure.within else f"❌ exceeded, {measure.doubt}"
    return "✅ within" if measure.within else "❌ exceeded"
