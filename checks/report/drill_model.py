"""A drill's part of a report, which only the report of a drill has.

Values as in `model`, and part of the same JSON.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.backup.artifact import Format
from checks.drilled import Earlier, Fidelity, Phase
from checks.report.model import CheckReport

PHYSICAL = Format.PHYSICAL.value
UNMEASURED = "not measured"  # and not "not reached", which reads as if a budget had been missed


@dataclass(frozen=True, slots=True)
class Measure:
    """A time that was measured, and the page's budget for it; seconds, None where there is none. `within` compares.

    `doubt` says what the time rests on where that is not proven.
    """

    name: str
    seconds: float | None
    budget: float | None
    within: bool | None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a drill showed: `checks.drilled.Drill` with every rung a check of its own, and every number compared.

    A rung's `claim` is what it proves, and its `line` that of the page's `drill` check. `trend_sentence` compares
    `rto_verified` with earlier drills; `sparkline` draws them, this one last. `contents_proven` is whether every row
    was held against what the source had: a report written before there was this field knows of no proof.
    """

    origin: str
    artifact: str
    format: str
    bytes: int
    taken: str
    dated: str
    restore_point: str
    source_server: str
    copy_server: str
    began: str
    operator: str
    host: str
    rto_usable: float | None
    rto_verified: float | None
    rpo: float | None
    measures: tuple[Measure, ...]
    ladder: tuple[CheckReport, ...]
    phases: tuple[Phase, ...]
    fidelity: tuple[Fidelity, ...]
    unproven: tuple[str, ...]
    notes: tuple[str, ...]
    trend: tuple[Earlier, ...]
    trend_sentence: str
    sparkline: str
    due: str
    hashes: dict[str, str]
    versions: dict[str, str]
    contents_proven: bool = False

    @property
    def is_physical(self) -> bool:
        """Whether it was files of a server that were restored, and not a dump."""
        return self.format == PHYSICAL
