"""How far a drill came, written down by whoever carries it out and read by whoever concludes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from checks.backup.contents import Contents
from checks.backup.copy import Copy
from checks.backup.restore import Restored
from checks.board import Watch
from checks.drill.ladder import Ladder
from checks.drill.request import Acquired, Request
from checks.drill.timeline import Timeline
from checks.drilled import Fidelity
from checks.errors import CouldNotTell
from checks.result import Results
from checks.run import INTERRUPTED
from checks.runbook.model import Runbook


@dataclass(slots=True)
class State:
    """How far a drill came; what it shows is made of it at the end."""

    request: Request
    watch: Watch
    stop: threading.Event
    began: datetime
    timeline: Timeline = field(default_factory=Timeline)
    ladder: Ladder = field(default_factory=Ladder)
    acquired: Acquired | None = None
    copy: Copy | None = None
    restored: Restored | None = None
    contents: Contents | None = None
    fidelity: list[Fidelity] = field(default_factory=list)
    results: Results | None = None
    usable: float | None = None
    verified: float | None = None
    halts: list[Callable[[], None]] = field(default_factory=list)

    @property
    def runbook(self) -> Runbook:
        return self.request.runbook

    def go_on(self) -> None:
        """Raise where somebody wants the drill stopped."""
        if self.stop.is_set():
            raise CouldNotTell("interrupted before it was done", code=INTERRUPTED)
