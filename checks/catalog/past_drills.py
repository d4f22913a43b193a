"""The drills of one page that were made before, as a check of them is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PastDrill:
    """A drill of the history: when it began (UTC), what it drilled, and what came of it.

    `verdict` is the report's (`held`, `failed`, `could not tell`, `interrupted`). `seconds` is the time until the copy
    was proven, where it came to that.
    """

    began: datetime
    environment: str
    verdict: str
    artifact: str
    seconds: float | None = None
    physical: bool = False

    @property
    def held(self) -> bool:
        """Whether every rung and every check held."""
        return self.verdict == "held"


@dataclass(frozen=True, slots=True)
class PastDrills:
    """The drills of one page, oldest first, the file they stand in, and the numbers of its lines that are no drill."""

    file: Path
    drills: tuple[PastDrill, ...] = ()
    damaged: tuple[int, ...] = ()
