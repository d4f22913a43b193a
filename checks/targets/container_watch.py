"""Looks after a container while others wait for answers of the server in it.

A paused container, or one cut off from its network, keeps every connection to it open and silent for ever, and no time
limit of the server itself can end that. So the engine is asked every half second how the container is, and one that can
answer nobody any more is removed: whoever waits hears of it at once. It was to be thrown away anyhow.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from checks.errors import TargetFailed

PERIOD = 0.5  # seconds
_SILENT = frozenset({"container.paused", "container.disconnected"})
# The server may answer again, and something else may befall it.
_FOR_NOW = frozenset(
    {"container.engine_lost", "container.engine_silent", "container.disk_full", "container.out_of_memory"}
)


class Watch(threading.Thread):
    """Looks by `look` until it is ended or the container is. `remove` ends one that answers nobody."""

    def __init__(self, look: Callable[[], TargetFailed | None], remove: Callable[[], None]) -> None:
        super().__init__(name="container watch", daemon=True)
        self.seen: TargetFailed | None = None
        self._look = look
        self._remove = remove
        self._ended = threading.Event()

    def run(self) -> None:
        """Look, keep what was seen, and act on it."""
        while not self._ended.wait(PERIOD):
            found = self._look()
            if self._ended.is_set():
                return
            self.seen = found
            if found is not None and found.code in _SILENT:
                self._remove()
            if found is not None and found.code not in _FOR_NOW:
                return

    def end(self) -> None:
        """Look no more. What was seen stays."""
        self._ended.set()
