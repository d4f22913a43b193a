"""What every query of a benchmark took: the rows of a table, the bars of a chart, and earlier runs beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from checks.bench.figures import interval, show, sparkline, spread
from checks.catalog.benchmark_findings import MEASURED, Case
from checks.catalog.names import plural
from checks.catalog.past import Drawn
from checks.check import Bar, Cell, Chart, Finding

MOST_EARLIER = 10


def measured(
    cases: Sequence[Case], concurrency: int, path: Path | None, trend: Callable[[str], tuple[Drawn, ...]]
) -> Finding:
    """What every query took, as a table and as a chart, with what earlier reports have of the same."""
    slowest = max(cases, key=lambda case: case.figures.median)
    earlier = _earlier(trend(MEASURED), cases)
    over = plural(concurrency, "connection")
    what = "1 query" if len(cases) == 1 else f"{len(cases)} queries"
    held = [case for case in cases if case.record is not None]
    against = f" Baseline: {path}, of {held[0].record.saved[:10]}." if held and held[0].record else ""
    usable = sorted(frozenset().union(*(case.usable for case in cases)))
    small = f" Tables this small are read whole; told not to, {', '.join(usable)} would be used." if usable else ""
    sentence = (
        f"{what} measured over {over}; "
        f"{'it' if len(cases) == 1 else f'the slowest, `{slowest.name}`,'} takes {show(slowest.figures.median)} at the "
        f"median ({interval(slowest.figures)}) and touches {plural(slowest.shape.buffers, 'buffer')}.{small}{against}"
    )
    rows = tuple(_row(case, earlier[case.name]) for case in cases)
    bars = tuple(_bar(case, earlier[case.name]) for case in cases)
    title = "Median of each query, its 95 % interval, and the 95th of 100 rounds"
    return Finding(MEASURED, True, sentence, evidence=rows, chart=Chart(title, "ms", bars))


def _earlier(drawn: Sequence[Drawn], cases: Sequence[Case]) -> dict[str, tuple[float, ...]]:
    """The medians of each query in earlier reports, oldest first, in ms."""
    bars = [bar for one in drawn for bar in one.chart.bars]
    return {case.name: tuple(bar.middle for bar in bars if bar.label == case.name)[-MOST_EARLIER:] for case in cases}


def _row(case: Case, earlier: Sequence[float]) -> Mapping[str, Cell]:
    figures = case.figures
    row: dict[str, Cell] = {
        "query": case.name,
        "median": show(figures.median),
        "95 % sure of": f"{show(figures.low)} to {show(figures.high)}",
        "p95": show(figures.p95),
        "mean ± error": f"{show(figures.mean)} ± {show(figures.error)}",
        "rounds": figures.rounds,
        "spread": spread(case.times),
        "buffers": case.shape.buffers,
    }
    if case.record is not None:
        row |= {"baseline": show(case.record.figures.median), "its buffers": case.record.buffers}
    if earlier:
        row["earlier runs, and this"] = sparkline([*earlier, figures.median * 1000])
    return row


def _bar(case: Case, earlier: tuple[float, ...]) -> Bar:
    figures = case.figures
    return Bar(
        label=case.name,
        middle=_ms(figures.median),
        low=_ms(figures.low),
        high=_ms(figures.high),
        reach=_ms(figures.p95),
        baseline=_ms(case.record.figures.median) if case.record is not None else None,
        earlier=earlier,
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 4)
