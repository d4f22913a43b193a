"""The steps of a ladder as they are taken, each with its verdict and the time it took of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from checks.check import Finding, Severity
from checks.drill.excused import of_copy
from checks.drilled import Rung, Step
from checks.errors import CouldNotTell
from checks.result import Status, judge

BELOW = "a rung below it did not hold"


def shared() -> float:
    """The time of a rung that is read off one description of the whole copy: none of its own."""
    return 0.0


@dataclass(slots=True)
class Ladder:
    """The steps so far, and what could not be proven and belongs to none of them."""

    steps: list[Step] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)

    def take(
        self, rung: Rung, look: Callable[[], Sequence[Finding]], *, took: Callable[[], float] | None = None
    ) -> None:
        """One step. Whatever keeps it from a verdict is its reason.

        `took` gives its seconds where they are not those of `look`: `shared` where it only compares what was asked for
        several rungs at once.
        """
        clock = time.monotonic()

        def seconds() -> float:
            return took() if took else time.monotonic() - clock

        try:
            findings = tuple(look())
        except CouldNotTell as reason:
            self.steps.append(self._without(rung, reason, seconds()))
        except psycopg.Error as error:
            refusal = of_copy(error, None)
            self.steps.append(self._without(rung, refusal, seconds()))
        else:
            self.steps.append(Step(rung, judge(findings, Severity.FAIL), findings, seconds()))

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

    def found(self, code: str) -> bool:
        """Whether a rung so far has a finding of that code which holds."""
        return any(finding.code == code and finding.holds for step in self.steps for finding in step.findings)

    @property
    def holds(self) -> bool:
        """Whether every rung that was tried did."""
        return all(step.status in {Status.PASSED, Status.WARNED, Status.SKIPPED} for step in self.steps)

    @staticmethod
    def _without(rung: Rung, reason: CouldNotTell, seconds: float) -> Step:
        return Step(rung, Status.ERRORED, (), seconds, reason.sentence, reason.code, reason.hint)
