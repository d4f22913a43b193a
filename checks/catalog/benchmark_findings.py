"""From a query's plan, buffers and times to what is wrong with it: the plan first, and times last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checks.bench.baseline import Gauge, Quickest, Record
from checks.bench.compare import expected, is_doubtful, is_slower, pace
from checks.bench.figures import Figures, interval, show
from checks.bench.shape import Shape, indexes_of, join_order, read_whole_of
from checks.catalog.names import plural
from checks.check import Finding, Severity
from checks.units import Duration

if TYPE_CHECKING:
    from checks.catalog.benchmark import Measured

MEASURED, SLOW, SLOWER = "benchmark.measured", "benchmark.slow", "benchmark.slower"
UNLIKE = "benchmark.baseline_unlike"
MORE = 1.5  # as many buffers as in the baseline, and so many more, are too many
MORE_BUFFERS = 16


@dataclass(frozen=True, slots=True)
class Case:
    """One query with all it is judged by. `times` are seconds.

    `is_small` is whether the tables it reads whole are so small that this is right; `usable` then are the indexes it
    uses where it is told not to.
    `record` is its baseline, where there is one of its like; `unlike` is why the one there is, is not. `is_compared`
    is whether baselines are looked at, and `same_speed` whether the server is as quick as it was for the baseline.
    """

    name: str
    wanted: Measured
    shape: Shape
    times: tuple[float, ...]
    figures: Figures
    quickest: Quickest
    gauge: Gauge
    usable: frozenset[str] = frozenset()
    is_small: bool = False
    record: Record | None = None
    unlike: tuple[str, ...] = ()
    is_compared: bool = False
    same_speed: bool = True

    @property
    def is_doubtful(self) -> bool:
        """Whether a time looks bad, so that it had better be measured again before it is told."""
        if any(_bounds(self)) or not self.same_speed:
            return True
        return self.record is not None and is_doubtful(self.record, self.quickest, self.gauge)

    @property
    def is_excused(self) -> bool:
        """Whether it looks slower, and only the server's own slowness or the baseline's noise excuses it."""
        if self.record is None or not is_doubtful(self.record, self.quickest, self.gauge):
            return False
        return not self.same_speed or not is_slower(self.record, self.quickest, self.gauge)


def judged(case: Case) -> Iterator[Finding]:
    """What does not hold of one query; the first such finding has its plan folded under it."""
    found = [*_plan(case), *_buffers(case), *_bounds(case)]
    if not any(finding.severity is Severity.FAIL for finding in found):
        found += [*_slower(case), *_of_another_speed(case)]
    for number, finding in enumerate([*found, *_held_against_nothing(case)]):
        folds = number == 0 and bool(found)
        yield replace(finding, folded=f"Plan of {case.name}\n{case.shape}") if folds else finding


def _plan(case: Case) -> Iterator[Finding]:
    """The first of: an index not used, a table read whole, another order of joins, any other change."""
    yield from list(_every_plan_trouble(case))[:1]


def _every_plan_trouble(case: Case) -> Iterator[Finding]:
    before = case.record.plan if case.record is not None else case.shape.steps
    used = case.shape.indexes | case.usable
    lost = (*(one for one in case.wanted.uses if one not in used), *_lost_since(case))
    if lost:
        whole = ", ".join(sorted(case.shape.read_whole))
        instead = f"; it reads {whole} from end to end" if whole else ""
        yield _finding(
            "benchmark.index_lost",
            f"`{case.name}` does not use {', '.join(dict.fromkeys(lost))}{instead}.",
            f"uses {', '.join(dict.fromkeys(lost))}",
            f"uses {', '.join(sorted(case.shape.indexes)) or 'no index'}",
        )
    scanned = [one for one in case.wanted.no_seq_scan if one in case.shape.read_whole and not case.is_small]
    if scanned:
        yield _finding(
            "benchmark.seq_scan",
            f"`{case.name}` reads {', '.join(scanned)} from end to end.",
            f"no Seq Scan on {', '.join(scanned)}",
            f"Seq Scan on {', '.join(scanned)}",
        )
    order, now = join_order(before), join_order(case.shape.steps)
    if order != now and sorted(order) == sorted(now):
        sentence = f"`{case.name}` joins its tables in another order than in the baseline."
        yield _finding("benchmark.join_changed", sentence, " → ".join(order), " → ".join(now))
    elif before != case.shape.steps:
        yield _finding(
            "benchmark.plan_changed",
            f"`{case.name}` has another plan than in the baseline.",
            _steps(before),
            _steps(case.shape.steps),
            Severity.WARN,
        )


def _lost_since(case: Case) -> list[str]:
    """Indexes of the baseline that are not used, where a table is read whole now that was not then."""
    if case.record is None or not case.shape.read_whole - read_whole_of(case.record.plan):
        return []
    return sorted(indexes_of(case.record.plan) - case.shape.indexes)


def _steps(steps: Sequence[str]) -> str:
    return " / ".join(" ".join(part for part in step.strip().split("|") if part) for step in steps)


def _buffers(case: Case) -> Iterator[Finding]:
    touched, most = case.shape.buffers, case.wanted.buffers
    if most is not None and touched > most:
        sentence = f"`{case.name}` touches {plural(touched, 'buffer')}, more than {most:,}."
        yield _finding("benchmark.buffers", sentence, f"at most {most:,}", f"{touched:,}")
    elif case.record is not None and touched > max(MORE * case.record.buffers, case.record.buffers + MORE_BUFFERS):
        sentence = f"`{case.name}` touches {plural(touched, 'buffer')}, and touched {case.record.buffers:,} before."
        yield _finding("benchmark.more_buffers", sentence, f"about {case.record.buffers:,}", f"{touched:,}")


def _bounds(case: Case) -> Iterator[Finding]:
    figures, median, p95 = case.figures, case.wanted.median, case.wanted.p95
    if median is not None and figures.median > median:
        sure = figures.low > median
        yield _slow(case, "the median", figures.median, median, Severity.FAIL if sure else Severity.WARN)
    elif p95 is not None and figures.p95 > p95:
        yield _slow(case, "the 95th of 100 rounds", figures.p95, p95, Severity.FAIL)


def _slow(case: Case, what: str, time: float, bound: Duration, severity: Severity) -> Finding:
    unsure = "" if severity is Severity.FAIL else ", though within what the measurement cannot tell"
    sentence = f"`{case.name}` takes {show(time)} at {what}, more than {bound}{unsure}."
    return _finding(SLOW, sentence, f"at most {bound}", f"{show(time)} ({interval(case.figures)})", severity)


def _slower(case: Case) -> Iterator[Finding]:
    if case.record is None or not case.same_speed or not is_slower(case.record, case.quickest, case.gauge):
        return
    wanted = expected(case.record.quickest.low, case.record, case.gauge)
    most = expected(case.record.quickest.high, case.record, case.gauge)
    more = case.quickest.low / wanted - 1
    yield _finding(
        SLOWER,
        f"`{case.name}` takes {more:.0%} longer than in the baseline of {case.record.saved[:10]}, beyond the noise of "
        f"both: the quickest of {case.figures.rounds} rounds took {show(case.quickest.low)}.",
        f"the quickest in {show(wanted)} to {show(most)}, at the speed the server has now",
        f"the quickest in {show(case.quickest.low)}",
    )


def _of_another_speed(case: Case) -> Iterator[Finding]:
    if case.record is None or case.same_speed:
        return
    times = pace(case.record.gauge, case.gauge)
    sentence = f"The times of `{case.name}` were not held against its baseline: this is no server of its speed."
    observed = f"it takes {times:.2g} times as long to compute the same"
    yield _finding(UNLIKE, sentence, "a server about as quick", observed, Severity.WARN)


def _held_against_nothing(case: Case) -> Iterator[Finding]:
    if case.unlike:
        sentence = f"The baseline of `{case.name}` is of another kind, so nothing was held against it."
        yield _finding(UNLIKE, sentence, "a baseline of the same kind", "; ".join(case.unlike), Severity.WARN)
    elif case.is_compared and case.record is None and not case.wanted.is_bounded:
        sentence = f"`{case.name}` was measured and held against nothing: it has no bound and no baseline."
        yield _finding("benchmark.no_baseline", sentence, "a bound or a baseline", "neither", Severity.WARN)


def _finding(code: str, sentence: str, wanted: str, found: str, severity: Severity = Severity.FAIL) -> Finding:
    return Finding(code, False, sentence, wanted, found, severity=severity)
