"""A restart of the server in a container that outlives it: its data is in memory and would go with the container.

The container's first process (container_start.sh) is told by a signal how to shut the server down, and starts it again.
https://www.postgresql.org/docs/current/server-shutdown.html
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from checks.errors import TargetFailed
from checks.targets.container_pulse import Connect, awaited, born
from checks.targets.container_sight import not_ready
from checks.targets.engine_faults import engine_faults

if TYPE_CHECKING:
    from checks.targets.container_box import Box

PATIENCE = 10.0  # seconds a server may take to shut down in its own way
AGAIN = 60.0  # seconds, after it was killed
_SIGNALS = {signal.SIGQUIT: "USR1", signal.SIGINT: "USR2", signal.SIGTERM: "ALRM", signal.SIGKILL: "HUP"}
_SETTLED = "WINCH"


def restart(box: Box, connect: Connect, seen: Callable[[], TargetFailed | None], how: signal.Signals) -> None:
    """Shut down as `how` says, which is killed when it is not heeded, and start again. Raises TargetFailed.

    `seen` tells what has become of the container meanwhile.
    """
    before = born(connect)
    _tell(box, _SIGNALS[how])
    if not awaited(connect, seen, PATIENCE, before=before):
        _tell(box, _SIGNALS[signal.SIGKILL])
        if not awaited(connect, seen, AGAIN, before=before):
            raise not_ready(box, AGAIN)
    _tell(box, _SETTLED)


def _tell(box: Box, name: str) -> None:
    with engine_faults("restarting a container"):
        box.get_wrapped_container().kill(signal=name)
