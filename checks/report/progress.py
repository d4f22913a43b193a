"""What a person sees while checks run: one line for each as it ends, and on a terminal what is still going on.

Several runbooks run side by side, so each line names its own. rich is imported for the live part only: a run in a
pipe or in CI never pays for it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from checks.board import Watch
from checks.plan import Plan
from checks.report.clean import shortened
from checks.report.compose import headline
from checks.report.console import WIDEST_WORD, Console, plain
from checks.result import Result, Status
from checks.units import show_seconds

if TYPE_CHECKING:
    from rich.table import Table

LONGEST_SENTENCE = 160
SHORTEST_SENTENCE = 20  # on a narrow terminal a line wraps rather than say nothing
WIDEST_NAME = 56


class Progress(Protocol):
    """Whoever watches all runs of a command. A context: what is drawn live goes away at its end."""

    def planned(self, plan: Plan) -> Watch:
        """One more run begins; tell the watch how it goes."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def progress_for(
    output: str, *, runbooks: Sequence[str], stdout: TextIO, stderr: TextIO, environ: Mapping[str, str]
) -> Progress:
    """Lines for text go to stdout; any other `output` (json, …) has stdout to itself, and they go to stderr.

    Live on a terminal that can move its cursor, outside CI. For text both streams must be that terminal: `| tee` is to
    get the lines too.
    """
    terminals = [stdout, stderr] if output == "text" else [stderr]
    capable = environ.get("TERM") != "dumb" and not environ.get("CI") and not environ.get("GITHUB_ACTIONS")
    if capable and all(stream.isatty() for stream in terminals):
        return LiveProgress(Console(stderr, environ), stderr, runbooks)
    return PlainProgress(Console(stdout if output == "text" else stderr, environ), runbooks)


class Lines:
    """The line that says a check ended, with names in columns."""

    def __init__(self, console: Console, runbooks: Sequence[str]) -> None:
        self._console = console
        self._runbook_width = max((len(name) for name in runbooks), default=0)

    def of(self, plan: Plan, result: Result, *, width: int = 0) -> str:
        """`PASSED   gaia  connectivity  3 round trips, median 0.4 ms  (12 ms)`, cut to `width` if there is one."""
        widest = min(max(len(check.name) for check in plan.checks), WIDEST_NAME)
        names = f"{plain(plan.label):<{self._runbook_width}}  {plain(result.planned.name):<{widest}}"
        time = "" if result.status is Status.SKIPPED else f"({show_seconds(result.seconds)})"
        room = width - WIDEST_WORD - len(names) - len(time) - 3 * len("  ") if width else LONGEST_SENTENCE
        sentence = shortened(plain(headline(result)), max(room, SHORTEST_SENTENCE))
        pieces = [self._console.status(result.status), names, sentence, self._console.faint(time)]
        return "  ".join(piece for piece in pieces if piece)

    def of_waiting(self, plan: Plan, sentence: str) -> str:
        """`WAITING  gaia  127.0.0.1 refuses the connection. Trying for 50.0 s more.`"""
        name = f"{plain(plan.label):<{self._runbook_width}}"
        return f"{'WAITING':<{WIDEST_WORD}}  {name}  {shortened(plain(sentence), LONGEST_SENTENCE)}"


class PlainProgress:
    """One line for each check as it ends."""

    def __init__(self, console: Console, runbooks: Sequence[str]) -> None:
        self._console = console
        self._lines = Lines(console, runbooks)

    def planned(self, plan: Plan) -> Watch:
        return _PlainWatch(self._console, self._lines, plan)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Lines stay."""


class _PlainWatch:
    def __init__(self, console: Console, lines: Lines, plan: Plan) -> None:
        self._console, self._lines, self._plan = console, lines, plan

    def stage(self, sentence: str) -> None:
        """A log holds what came of it; what is being done is for those who watch."""

    def delayed(self, sentence: str) -> None:
        self._console.line(self._lines.of_waiting(self._plan, sentence))

    def finished(self, result: Result) -> None:
        self._console.line(self._lines.of(self._plan, result))


class LiveProgress:
    """The same lines, and below them one row for each runbook that still runs."""

    def __init__(self, console: Console, stream: TextIO, runbooks: Sequence[str]) -> None:
        from rich.console import Console as RichConsole
        from rich.live import Live

        self._lines = Lines(console, runbooks)
        self._lock = threading.Lock()
        self._running: list[_LiveWatch] = []
        # Data from a database is no markup: rich would eat [abc] and colour numbers.
        self._console = RichConsole(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._live = Live(get_renderable=self._table, console=self._console, transient=True, refresh_per_second=10)

    def planned(self, plan: Plan) -> Watch:
        watch = _LiveWatch(self, plan)
        with self._lock:
            self._running.append(watch)
        return watch

    def show(self, plan: Plan, result: Result) -> None:
        """Write a finished check's line above the live rows."""
        from rich.text import Text

        with self._lock:
            line = self._lines.of(plan, result, width=self._console.width)
            self._console.print(Text.from_ansi(line), soft_wrap=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _table(self) -> Table:
        from rich.table import Table

        table = Table.grid(padding=(0, 2, 0, 0))
        for watch in list(self._running):
            if watch.waiting:
                table.add_row(watch.spinner, watch.name, watch.tally, watch.now)
        return table


class _LiveWatch:
    def __init__(self, live: LiveProgress, plan: Plan) -> None:
        from rich.spinner import Spinner

        self._live, self._plan = live, plan
        self._stage = ""
        self.spinner = Spinner("dots")
        self._counts: Counter[Status] = Counter()
        self._unfinished = dict.fromkeys(check.name for check in plan.checks)
        self.name = plain(plan.label)

    def stage(self, sentence: str) -> None:
        self._stage = plain(sentence)

    def delayed(self, sentence: str) -> None:
        self._stage = plain(sentence)

    def finished(self, result: Result) -> None:
        self._stage = ""  # from now on the checks' own names say what is being done
        self._counts[result.status] += 1
        self._unfinished.pop(result.planned.name, None)
        self._live.show(self._plan, result)

    @property
    def waiting(self) -> bool:
        """Whether any check has no result yet."""
        return bool(self._unfinished)

    @property
    def tally(self) -> str:
        """`7/12`"""
        return f"{sum(self._counts.values())}/{len(self._plan.checks)}"

    @property
    def now(self) -> str:
        """What is being done, else which checks are being asked."""
        return shortened(self._stage or f"asking {', '.join(self._unfinished)}", 80)
