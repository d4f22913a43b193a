"""Whether a query became slower, beyond what the measurements cannot tell and what the whole server explains.

A baseline was measured at another time, when the machine had more or less to do. So two more queries are measured in
the same rounds: a bare round trip, and one that computes and reads no table. What the baseline's query should take now
is its own work, stretched as the latter is, and a round trip of now.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.bench.baseline import Gauge, Record
from checks.bench.figures import Figures

ROUND_TRIP = "SELECT 1"
YARDSTICK = "SELECT count(*) FROM generate_series(1, 10000)"
EFFECT = 0.1  # a change of less is nobody's concern, however sure it is
LEAST = 50e-6  # seconds
SAME_SPEED = 2.0  # a server this many times quicker or slower is another one, and its times say nothing of these
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Expected:
    """What a query should take now if nothing about it changed: the baseline's median and its bounds, in seconds."""

    median: float
    low: float
    high: float


def pace(then: Gauge, now: Gauge) -> float:
    """How many times as long the server takes to compute the same: 2.0 is half as quick."""
    return max(now.yardstick - now.round_trip, _TINY) / max(then.yardstick - then.round_trip, _TINY)


def expected(record: Record, now: Gauge) -> Expected:
    """The baseline's times at the speed the server has now."""
    factor = pace(record.gauge, now)

    def today(time: float) -> float:
        return now.round_trip + max(0.0, time - record.gauge.round_trip) * factor

    return Expected(today(record.figures.median), today(record.figures.low), today(record.figures.high))


def same_speed(record: Record, now: Gauge) -> bool:
    """Whether the server is near enough as quick as it was for times to be compared."""
    return 1 / SAME_SPEED <= pace(record.gauge, now) <= SAME_SPEED


def is_slower(record: Record, figures: Figures, now: Gauge) -> bool:
    """Whether the intervals of both medians are apart, and the medians by more than a tenth and 50 µs."""
    wanted = expected(record, now)
    apart = figures.low > wanted.high
    return apart and figures.median > wanted.median * (1 + EFFECT) and figures.median - wanted.median > LEAST
