"""The `pgrunbook` command, held where a test wants it: `python -m tests.held MODULE:NAME before|after ARGUMENTS`.

The named function writes the file `held` and waits, before it does its work or after it, until a signal ends the wait.
All else is the command's own.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARK = "held"


def hold(where: str, when: str) -> None:
    """Put a wait around a function, `checks.module:Class.method` or `checks.module:function`."""
    module, _, name = where.partition(":")
    holder: Any = importlib.import_module(module)
    *above, last = name.split(".")
    for part in above:
        holder = getattr(holder, part)
    work: Callable[..., Any] = getattr(holder, last)

    def held(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            work(*args, **kwargs)
        Path(MARK).touch()
        while True:
            time.sleep(0.02)

    setattr(holder, last, held)


if __name__ == "__main__":
    hold(sys.argv[1], sys.argv[2])
    sys.argv = ["pgrunbook", *sys.argv[3:]]
    from checks.program import main

    main()
