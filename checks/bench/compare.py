"""Whether a query became slower, beyond what the measurements cannot tell and what the whole server explains.

Whatever else a machine does only ever adds to a time, and adds more to the median of a long query than to that of a
short one. The quickest round is what the query itself costs, and of three measurements it hardly moves on the busiest
machine: so the quickest are compared. Where the server computes more slowly than it did, which a query that reads no
table shows, the query may too.
"""

from __future__ import annotations

from checks.bench.baseline import Gauge, Quickest, Record

ROUND_TRIP = "SELECT 1"
YARDSTICK = "SELECT count(*) FROM generate_series(1, 10000)"
DOUBT = 0.05  # longer by so much, it is measured again
EFFECT = 0.1  # longer by less than this is nobody's concern, however sure it is
LEAST = 100e-6  # seconds; nor is this
SAME_SPEED = 2.0  # a server this many times quicker or slower is another one, and its times say nothing of these
_TINY = 1e-6


def pace(then: Gauge, now: Gauge) -> float:
    """How many times as long the server takes to compute the same: 2.0 is half as quick."""
    return max(now.yardstick - now.round_trip, _TINY) / max(then.yardstick - then.round_trip, _TINY)


def expected(time: float, record: Record, now: Gauge) -> float:
    """What took `time` seconds for the baseline should take now: no less on a quicker server, more on a slower one."""
    work = max(0.0, time - record.gauge.round_trip)
    return max(now.round_trip, record.gauge.round_trip) + work * max(1.0, pace(record.gauge, now))


def same_speed(record: Record, now: Gauge) -> bool:
    """Whether the server is near enough as quick as it was for times to be compared."""
    return 1 / SAME_SPEED <= pace(record.gauge, now) <= SAME_SPEED


def is_doubtful(record: Record, quickest: Quickest, now: Gauge) -> bool:
    """Whether it looks slower, even where a slower server would excuse it, so that it had better be measured again.

    One busy moment makes the server look slow, and a query that became slower as good as before.
    """
    work = max(0.0, record.quickest.low - record.gauge.round_trip)
    return quickest.low > (max(now.round_trip, record.gauge.round_trip) + work) * (1 + DOUBT)


def is_slower(record: Record, quickest: Quickest, now: Gauge) -> bool:
    """Whether its quickest round took longer by a tenth and 100 µs, and than each of the baseline's measurements."""
    wanted = expected(record.quickest.low, record, now)
    beyond_noise = quickest.low > expected(record.quickest.high, record, now)
    return beyond_noise and quickest.low > wanted * (1 + EFFECT) and quickest.low - wanted > LEAST
