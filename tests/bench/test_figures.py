"""Figures: a median with the interval it lies in, whatever the times' distribution."""

from __future__ import annotations

import random

import pytest

from checks.bench.figures import Figures, median_ranks, sparkline, spread


def test_the_interval_of_the_median_is_that_of_the_tables() -> None:
    """The ranks for 95 % are those that textbooks print, counted from 0."""
    assert {count: median_ranks(count) for count in (6, 10, 20, 30, 100)} == {
        6: (0, 5),
        10: (1, 8),
        20: (5, 14),
        30: (9, 20),
        100: (39, 60),
    }


def test_the_interval_covers_the_true_median_as_often_as_it_says() -> None:
    """Of skewed times too, at least 95 of 100 intervals hold the median they were drawn around."""
    random.seed(5)
    covered = 0
    for _ in range(1000):
        figures = Figures.of([random.lognormvariate(0, 1) for _ in range(30)])
        covered += figures.low <= 1.0 <= figures.high
    assert covered >= 950


def test_figures_of_known_times() -> None:
    """Median, 95th of 100, mean and its standard error are what their names say."""
    figures = Figures.of([float(number) for number in range(1, 101)])
    assert (figures.rounds, figures.median, figures.p95, figures.mean) == (100, 50.5, 95.0, 50.5)
    assert figures.error == pytest.approx(2.9011, abs=1e-4)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_of_few_times_the_interval_is_all_there_is(count: int) -> None:
    """No more is claimed to be known than was measured."""
    times = [float(number) for number in range(count)]
    figures = Figures.of(times)
    assert (figures.low, figures.high) == (times[0], times[-1])


def test_sparklines() -> None:
    """The tallest bar is the largest value, the lowest is zero, and a spread has a bar for each eighth."""
    assert sparkline([0, 1, 2, 4]) == "▁▃▅█"
    assert sparkline([0.0, 0.0]) == "▁▁"
    assert spread([1.0, 1.0, 1.0, 2.0]) == "█▁▁▁▁▁▁▃"
    assert spread([1.0, 1.0]) == "█▁▁▁▁▁▁▁"
