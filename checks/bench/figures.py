"""What many rounds of one query amount to, with how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from checks.units import show_seconds

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Figures:
    """Times in seconds. `low` and `high` bound the median with a confidence of 95 %; `error` is the mean's.

    The interval is that of order statistics: between two of the measured times themselves, whatever their distribution.
    https://en.wikipedia.org/wiki/Median#Confidence_interval_for_the_population_median (D. M. Hollander, D. A. Wolfe,
    Nonparametric Statistical Methods, chapter 3).
    """

    rounds: int
    median: float
    p95: float
    mean: float
    error: float
    low: float
    high: float

    @classmethod
    def of(cls, times: Sequence[float]) -> Figures:
        """The figures of at least one time, most of them by pytest-benchmark's own Stats."""
        import pytest_benchmark.stats

        library: Any = pytest_benchmark.stats  # it has no types
        stats = library.Stats()
        for time in times:
            stats.update(time)
        low, high = median_ranks(len(times))
        ordered = stats.sorted_data
        return cls(
            rounds=len(times),
            median=stats.median,
            p95=ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)],
            mean=stats.mean,
            error=stats.stddev / math.sqrt(len(times)),
            low=ordered[low],
            high=ordered[high],
        )


def median_ranks(count: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The positions, from 0, in `count` sorted values between which the true median lies with that confidence.

    How many of them are below the true median is binomial with one half. Of fewer than six values it is all there is.
    """
    tail = (1 - confidence) / 2
    below, position = 0.0, 0
    while position < count // 2:
        below += math.comb(count, position) / 2**count
        if below > tail:
            break
        position += 1
    low = max(0, position - 1)
    return low, count - 1 - low


BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """One character a value, the lowest bar for zero and the highest for the largest value."""
    top = max(values, default=0.0)
    if top <= 0:
        return BARS[0] * len(values)
    return "".join(BARS[min(len(BARS) - 1, int(value / top * len(BARS)))] for value in values)


def spread(times: Sequence[float], bins: int = 8) -> str:
    """How the times are spread from the quickest to the slowest, as a sparkline of their histogram."""
    low, high = min(times), max(times)
    counts = [0] * bins
    for time in times:
        counts[min(bins - 1, int((time - low) / (high - low) * bins)) if high > low else 0] += 1
    return sparkline(counts)


def interval(figures: Figures) -> str:
    """What the median lies in, as people say it."""
    return f"95 % sure of {show(figures.low)} to {show(figures.high)}"


def show(seconds: float) -> str:
    """A time as short as those of queries are: `85 µs`, `2.15 ms`."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1000:.2f} ms" if seconds < 0.1 else show_seconds(seconds)
