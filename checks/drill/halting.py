"""Halting a drill from another thread, whatever the one that carries it out waits for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from checks.drill.state import State
from checks.errors import TargetFailed
from checks.targets.embedded import EmbeddedServer

GLANCE = 0.1  # seconds


@contextmanager
def halted_with(state: State) -> Iterator[None]:
    """While this lasts, whoever wants the drill stopped frees the thread that carries it out, whatever it waits for."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(GLANCE):
            # What came last is nearest: only the first asks a server far away. What is begun after a stop is ended too.
            while state.stop.is_set() and state.halts:
                state.halts.pop()()

    thread = threading.Thread(target=watch, name="stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def killed(server: EmbeddedServer) -> None:
    """End the server at once, from another thread; whoever waits for it finds it gone."""
    with suppress(TargetFailed, ProcessLookupError):
        os.kill(server.process_id, signal.SIGQUIT)
