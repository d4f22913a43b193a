"""When each phase of a drill began and how long it took, by one clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from checks.drilled import Phase


class Timeline:
    """Phases in the order they ended; one that was cut short by an error is there too."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._phases: list[Phase] = []

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What was timed, by when it began."""
        return tuple(sorted(self._phases, key=lambda phase: phase.began))

    def seconds(self) -> float:
        """Since the drill began."""
        return time.monotonic() - self._began

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        began = self.seconds()
        try:
            yield
        finally:
            self._phases.append(Phase(name, began, self.seconds() - began))
