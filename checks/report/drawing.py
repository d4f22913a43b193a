"""One chart as an SVG file: every place is worked out here, and the template draws.

Its numbers come from the chart alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.check import Bar, Chart
from checks.report.clean import shortened

WIDTH, LABELS, PLOT, TREND = 800, 200, 420, 110  # pixels: all of it, names, bars, and earlier runs
TOP, ROW, MARGIN = 46, 34, 16
LONGEST_LABEL = 28
TICKS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One bar with every place worked out, in pixels."""

    label: str
    value: str
    y: float
    middle: float
    low: float
    high: float
    reach: float
    baseline: float | None
    trend: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with every place worked out: what the template draws."""

    title: str
    unit: str
    width: int
    height: float
    left: int
    right: int
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    has_baseline: bool
    has_trend: bool


def svg(chart: Chart) -> str:
    """The chart as a whole SVG file."""
    from checks.report.markdown import environment

    return environment().get_template("chart.svg.j2").render(chart=drawing(chart))


def drawing(chart: Chart) -> Drawing:
    """Where everything goes, from zero to the largest value."""
    values = [value for bar in chart.bars for value in (bar.middle, bar.high, bar.reach, bar.baseline or 0.0)]
    top = max(values, default=0.0) or 1.0

    def x(value: float) -> float:
        return round(LABELS + value / top * PLOT, 1)

    lines = tuple(
        Line(
            label=shortened(bar.label, LONGEST_LABEL),
            value=f"{bar.middle:.3g} {chart.unit}",
            y=TOP + ROW * number + ROW / 2,
            middle=x(bar.middle),
            low=x(bar.low),
            high=x(bar.high),
            reach=x(bar.reach),
            baseline=None if bar.baseline is None else x(bar.baseline),
            trend=_trend(bar, TOP + ROW * number + ROW / 2),
        )
        for number, bar in enumerate(chart.bars)
    )
    return Drawing(
        title=chart.title,
        unit=chart.unit,
        width=WIDTH,
        height=TOP + ROW * len(lines) + 2 * MARGIN,
        left=LABELS,
        right=LABELS + PLOT,
        lines=lines,
        ticks=tuple((x(top * tick / TICKS), f"{top * tick / TICKS:.3g}") for tick in range(TICKS + 1)),
        has_baseline=any(bar.baseline is not None for bar in chart.bars),
        has_trend=any(bar.earlier for bar in chart.bars),
    )


def _trend(bar: Bar, y: float) -> str:
    """The points of a line through earlier values to this one, from zero at the bottom of its row."""
    values: Sequence[float] = [*bar.earlier, bar.middle]
    if len(values) < 2:
        return ""
    top, left, height = max(values) or 1.0, LABELS + PLOT + MARGIN, ROW - 12
    step = (TREND - MARGIN) / (len(values) - 1)
    return " ".join(
        f"{left + number * step:.1f},{y + height / 2 - value / top * height:.1f}" for number, value in enumerate(values)
    )
