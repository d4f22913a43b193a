"""The runs of one command, side by side, until they end, are interrupted, or have had time enough.

Their threads are daemons: a migration of somebody's that sleeps in their own code cannot be stopped, only left behind.
What was started for it stops when the process ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait

from checks.board import Watch
from checks.errors import CouldNotTell
from checks.plan import Plan
from checks.result import Results
from checks.run import INTERRUPTED, without_asking

AT_ONCE = 4  # each run waits for its own server most of the time
DEADLINE = 900.0  # seconds for everything: preparing disposable databases has no other bound
WINDING_UP = 3.0  # seconds runs are given to come back with what they know, once told to stop
GLANCE = 0.5

Run = Callable[[Watch, threading.Event], Results]


def all_of(
    runs: Sequence[tuple[Plan, Run, Watch]],
    *,
    target: str,
    meanwhile: Callable[[], None],
    deadline: float = DEADLINE,
    at_once: int = AT_ONCE,
) -> list[Results]:
    """Every run's results, in order. `meanwhile` is done in this thread while the runs wait for their servers.

    On Ctrl-C, and when the deadline passes, runs are told to stop; one that does not is left behind, and its checks
    are errored. `target` is what the results of such a run name.
    """
    stop, slots = threading.Event(), threading.Semaphore(at_once)
    futures = [_started(run, watch, stop, slots) for _, run, watch in runs]
    reason = CouldNotTell("interrupted before it was answered", code=INTERRUPTED)
    until = time.monotonic() + deadline
    try:
        meanwhile()
        while wait(futures, timeout=GLANCE).not_done and time.monotonic() < until:
            continue
    except KeyboardInterrupt:
        until = 0.0
    if not all(future.done() for future in futures):
        if until:
            reason = CouldNotTell("the command's own deadline passed before it was answered", code="run.timeout")
        stop.set()
        _wind_up(futures)
    return [
        future.result() if future.done() else without_asking(plan, target, reason, watch)
        for future, (plan, _, watch) in zip(futures, runs, strict=True)
    ]


def _started(run: Run, watch: Watch, stop: threading.Event, slots: threading.Semaphore) -> Future[Results]:
    future: Future[Results] = Future()

    def body() -> None:
        with slots:
            try:
                future.set_result(run(watch, stop))
            except BaseException as error:  # noqa: BLE001 - the thread that waits for the future raises it
                future.set_exception(error)

    threading.Thread(target=body, name="run", daemon=True).start()
    return future


def _wind_up(futures: Sequence[Future[Results]]) -> None:
    """Wait a little for runs that were told to stop. A second Ctrl-C means now."""
    try:
        wait(futures, timeout=WINDING_UP)
    except KeyboardInterrupt:
        return
