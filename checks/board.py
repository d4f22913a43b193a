"""Where results come in while checks run, from every thread, and whoever watches is told of each."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from typing import Protocol

from checks.plan import PlannedCheck
from checks.result import Result, Status


class Watch(Protocol):
    """Whoever watches one runbook's run; its threads may call at any time."""

    def stage(self, sentence: str) -> None:
        """What is being done now, before or between checks: `applying 5 migrations`."""
        ...

    def delayed(self, sentence: str) -> None:
        """Why the checks are not asked yet, which may last; a log shows this too."""
        ...

    def finished(self, result: Result) -> None:
        """One check came to its end."""
        ...


class Board:
    """The results as they come in; the first one for a check is the one that counts."""

    def __init__(self, planned: Sequence[PlannedCheck], watch: Watch) -> None:
        self._planned = planned
        self._watch = watch
        self._lock = threading.Lock()
        self._results: dict[str, Result] = {}
        self._arrivals: queue.SimpleQueue[None] = queue.SimpleQueue()
        for check in planned:
            if check.skip:
                self.post(Result(check, Status.SKIPPED, reason=check.skip, code="run.skipped"))

    def post(self, result: Result) -> None:
        with self._lock:
            if result.planned.name not in self._results:
                self._results[result.planned.name] = result
                self._watch.finished(result)
        self._arrivals.put(None)

    def close(
        self, code: str, reason: str, hint: str = "", besides: Sequence[PlannedCheck] = (), seconds: float = 0.0
    ) -> None:
        """Give every check still without a result, `besides` some, this reason for having none."""
        for check in (check for check in self._planned if check not in besides):
            self.post(Result(check, Status.ERRORED, reason=reason, code=code, hint=hint, seconds=seconds))

    def wait(self, seconds: float) -> None:
        """Until a result arrives, or `seconds` have passed."""
        try:
            self._arrivals.get(timeout=seconds)
        except queue.Empty:
            return

    def has(self, checks: Sequence[PlannedCheck]) -> bool:
        """Whether each of them has its result."""
        return all(check.name in self._results for check in checks)

    @property
    def complete(self) -> bool:
        return len(self._results) == len(self._planned)

    def results(self) -> tuple[Result, ...]:
        return tuple(self._results[check.name] for check in self._planned)
