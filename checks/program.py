"""The `pgrunbook` command, and what Invoke must be taught for the documented exit codes to be true.

Invoke ends with 1 for a command line it cannot parse and for Ctrl-C; here 1 means that a check failed.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from checks import __version__
from checks.choice import NAGIOS
from checks.result import HELD, INTERRUPTED, WRONG
from checks.streams import hush


class Pgrunbook(Program):
    """Invoke's own program with 2 for a wrong command line and 130 for Ctrl-C."""

    def parse_collection(self) -> None:
        """Find the tasks; no tasks here is a wrong command line too."""
        _ends_with_2(super().parse_collection)

    def parse_tasks(self) -> None:
        """Parse what follows the core options."""
        _ends_with_2(super().parse_tasks)

    def parse_cleanup(self) -> None:
        """Answer `--help` and `--list`."""
        _ends_with_2(super().parse_cleanup)

    def execute(self) -> None:
        """Run the tasks."""
        try:
            super().execute()
        except KeyboardInterrupt:
            raise Exit("Interrupted.", code=INTERRUPTED) from None


def _ends_with_2(parse: Callable[[], Any]) -> None:
    try:
        parse()
    except BrokenPipeError:
        # `--list | head`: the reader has what it wanted.
        hush(sys.stdout)
        raise Exit(code=HELD) from None
    except ParseError as mistake:
        raise Exit(str(mistake), code=_told_to_monitoring(str(mistake)) if _for_monitoring() else WRONG) from None


def _for_monitoring() -> bool:
    """Whether `--format nagios` was asked for, in a command line that cannot be parsed."""
    return f"--format={NAGIOS}" in sys.argv or ("--format", NAGIOS) in pairwise(sys.argv)


def _told_to_monitoring(mistake: str) -> int:
    """The plug-in's line and exit code: 2 would be CRITICAL, and nobody looked at any server."""
    from checks.report import nagios

    sys.stdout.write(nagios.unknown(mistake))
    return nagios.UNKNOWN


def teach_invoke() -> None:
    """Give the running `invoke` our exit codes: it parses the rest of the command line after it loaded tasks.py."""
    from invoke.main import program

    program.__class__ = Pgrunbook


def main() -> None:
    """The console script: the same tasks as in the checkout, on any folder of runbooks."""
    # Imports make objects by the ten thousand, and none of them garbage.
    gc.set_threshold(50_000)
    from checks.tasks import namespace

    Pgrunbook(name="pgrunbook", binary="pgrunbook", version=__version__, namespace=namespace()).run()


if __name__ == "__main__":
    main()
