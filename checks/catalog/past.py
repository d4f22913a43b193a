"""What a check is told of runs before this one: figures, charts and drills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from checks.check import Cell, Chart


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier report has of one finding: when its run began (UTC), and the evidence it shows."""

    began: datetime
    evidence: tuple[Mapping[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart of an earlier report, and when its run began (UTC)."""

    began: datetime
    chart: Chart


@dataclass(frozen=True, slots=True)
class PastDrill:
    """A drill of the history: when it began (UTC), what it drilled, and what came of it.

    `verdict` is the report's (`held`, `held, contents not proven`, `failed`, `could not tell`, `interrupted`).
    `seconds` is the time until the copy was verified, where it came to that. `proven` is whether its contents were
    held against what the source had, and not only restored and read.
    """

    began: datetime
    environment: str
    verdict: str
    artifact: str
    seconds: float | None = None
    physical: bool = False
    proven: bool = False

    @property
    def held(self) -> bool:
        """Whether no rung and no check failed, be the contents proven or not."""
        return self.verdict in {"held", "held, contents not proven"}

    @property
    def undecided(self) -> bool:
        """Whether it came to no verdict, as one that was interrupted."""
        return not self.held and self.verdict != "failed"


@dataclass(frozen=True, slots=True)
class PastDrills:
    """The drills of one page, oldest first, the file they stand in, and the numbers of its lines that are no drill."""

    file: Path
    drills: tuple[PastDrill, ...] = ()
    damaged: tuple[int, ...] = ()
