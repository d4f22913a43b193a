"""What to do when whoever read our output goes away."""

from __future__ import annotations

import os
from typing import TextIO


def hush(stream: TextIO) -> None:
    """Send the rest of `stream` nowhere: Python would complain once more when it flushes it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
