"""What the checks of one run are told of the runs before it, and how its figures become the next baseline."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from checks.bench.settings import AS_DECLARED, Bench
from checks.catalog.circumstances import Circumstances
from checks.choice import Measure, Output
from checks.errors import UsageError
from checks.plan import Plan
from checks.result import COULD_NOT_TELL, HELD, Results, Status
from checks.secrets import mask

if TYPE_CHECKING:
    from checks.catalog.past import Drawn

BENCHMARK = "benchmark"


@dataclass(frozen=True, slots=True)
class Known:
    """One run's plan, and what its checks are told of runs before it."""

    plan: Plan
    reports: Path
    bench: Bench

    @classmethod
    def of(cls, one: Plan, output: Output, measure: Measure) -> Known:
        """What is known for this run; with `measure.save` its figures are held against no baseline."""
        if not any(check.entry.kind == BENCHMARK and not check.skip for check in one.checks):
            return cls(one, output.folder, AS_DECLARED)
        from checks.bench.baseline import Baselines

        page = one.runbook
        baselines = Baselines(page.folder, page.front.runbook, one.environment, compares=not measure.save)
        return cls(one, output.folder, Bench(baselines, measure.rounds))

    def told(self, circumstances: Circumstances) -> Circumstances:
        """The circumstances with it."""
        return replace(circumstances, bench=self.bench, trend=partial(_trend, self.reports, self.plan))


def _trend(folder: Path, one: Plan, code: str) -> tuple[Drawn, ...]:
    """Imported when a page's check asks for it."""
    from checks.report.previous import trend

    return trend(folder, one, code)


def save(known: Sequence[Known], results: Sequence[Results]) -> int:
    """Make the figures of runs without a failure the baselines, and say so; 3 where one could not be written."""
    code = HELD
    for one, its in zip(known, results, strict=True):
        held = all(result.status in {Status.PASSED, Status.WARNED} for result in its.results)
        if one.bench.baselines is None or not held:
            sys.stderr.write(f"{one.plan.runbook.path}: the baseline was not saved, since not every check held.\n")
            continue
        try:
            for path in one.bench.baselines.save():
                sys.stderr.write(f"Saved the baseline {path}; commit it beside the page.\n")
        except UsageError as trouble:
            sys.stderr.write(f"{mask(str(trouble))}\n")
            code = COULD_NOT_TELL
    return code
