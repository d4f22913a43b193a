"""Waiting for a server to come up, as a container's health check does, before the page's checks are asked.

The rhythm is that of a usual health check: a try every 10 seconds that may take 5. A shorter wait is divided so that
there are still five tries. Whatever keeps the server away is waited for alike: one that is being set up refuses
connections first, then passwords, then has no such database.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from checks.errors import ConnectionFailed
from checks.targets.session import Target
from checks.units import show_seconds

INTERVAL = 10.0
TRY = 5.0
TRIES = 5
GLANCE = 0.2  # seconds between looks at whether someone wants the run stopped


@dataclass(frozen=True, slots=True)
class Wait:
    """The rhythm of one command's waiting, in seconds, and when it ends on `time.monotonic()`.

    Runbooks whose server is the same share the end: the second does not wait anew for what the first waited for.
    """

    interval: float
    patience: float
    begun: float
    until: float

    @classmethod
    def begin(cls, wait: float) -> Wait:
        """A wait of so many seconds from now: 60 is a try every 10 seconds, 20 is one every 4."""
        now, interval = time.monotonic(), min(INTERVAL, wait / TRIES)
        return cls(interval, min(TRY, interval), now, now + wait)


def wait_for(target: Target, wait: Wait, *, tell: Callable[[str], None], stop: threading.Event) -> bool:
    """Whether a session could be opened in time. `tell` is given a sentence after each try that failed.

    It ends early when `stop` is set. The last diagnosis is told, and is then the checks' own to make.
    """
    while True:
        tried = time.monotonic()
        failure = _tried(target, wait.patience, stop)
        if failure is None or stop.is_set():
            return failure is None
        again, now = tried + wait.interval, time.monotonic()
        if again >= wait.until:
            tell(f"{failure.sentence} Waited {show_seconds(now - wait.begun)} in vain.")
            return False
        tell(f"{failure.sentence} Trying for {show_seconds(wait.until - now)} more.")
        stop.wait(max(0.0, again - now))


def _tried(target: Target, patience: float, stop: threading.Event) -> ConnectionFailed | None:
    """Why no session could be opened, or None. The try has a thread of its own, so that Ctrl-C need not wait for it."""
    failures: list[ConnectionFailed] = []
    trying = threading.Thread(target=_try, args=(target, patience, failures), name="wait", daemon=True)
    trying.start()
    while trying.is_alive() and not stop.is_set():
        trying.join(GLANCE)
    if trying.is_alive():
        return ConnectionFailed("It was interrupted while it was tried.", code="connectivity.lost")
    return failures[0] if failures else None


def _try(target: Target, patience: float, failures: list[ConnectionFailed]) -> None:
    try:
        target.open(timeout=patience).close()
    except ConnectionFailed as failure:
        failures.append(failure)
