"""Up, down and up again: the order of the steps, the same whatever takes them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from checks.errors import PgrunbookError
from checks.migrations.history import VersionTable
from checks.migrations.inventory import inventory, left_behind
from checks.migrations.outcome import Rehearsal
from checks.targets.session import Target


class StepFailed(PgrunbookError):
    """A migration, or what runs it, failed; the sentence has the database's own words."""


class Walk(ABC):
    """One way to go up and down. `up` and `down` raise StepFailed."""

    target: Target

    @abstractmethod
    def up(self) -> None:
        """Apply every migration that is not applied."""

    @abstractmethod
    def down(self) -> None:
        """Take every migration back, the last one first, each on its own where the tool can."""

    @abstractmethod
    def no_way_down(self) -> str:
        """Why there is no way down, as a sentence; empty where there is one. Asked after the first way up."""

    @abstractmethod
    def version_table(self) -> VersionTable:
        """Where the tool keeps its rows. Asked after the first way up."""

    def drift(self) -> tuple[str, ...] | None:
        """How the database differs from the declared models, or None where none are declared."""
        return None

    def walk(self) -> Rehearsal:
        """All steps, as far as they go. A way down that fails does not keep the database from its head."""
        walked: list[str] = []
        left: tuple[str, ...] = ()
        step, before = "up", inventory(self.target)
        try:
            self.up()
            walked.append(step)
            why = self.no_way_down()
            if not why:
                step = "down"
                self.down()
                walked.append(step)
                left = left_behind(before, inventory(self.target), self.version_table())
                step = "up again"
                self.up()
                walked.append(step)
        except StepFailed as failure:
            ready = step == "down" and self._back_up()
            return Rehearsal(tuple(walked), "", left, None, step, failure.sentence, ready=ready)
        try:
            return Rehearsal(tuple(walked), why, left, self.drift(), ready=True)
        except StepFailed as failure:
            return Rehearsal(tuple(walked), why, left, None, "drift", failure.sentence, ready=True)

    def _back_up(self) -> bool:
        try:
            self.up()
        except StepFailed:
            return False
        return True
