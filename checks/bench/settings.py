"""What a command decides of measuring, for every `benchmark` check of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a run that measures nothing pays for no baseline
    from checks.bench.baseline import Baselines


@dataclass(frozen=True, slots=True)
class Bench:
    """`baselines` are what the page's queries are held against, if anything; `rounds` win over those of the page."""

    baselines: Baselines | None = None
    rounds: int | None = None


AS_DECLARED = Bench()
