"""The date in a backup's name, as scripts write it: 20260102_030405, 2026-01-02, 20260102T030405Z, 1767323045."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_WRITTEN = re.compile(
    r"(?<!\d)(?P<year>20\d\d)(?P<dash>[-_.]?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"(?:[-_.T tT]?(?P<hour>[01]\d|2[0-3])[-_:.h]?(?P<minute>[0-5]\d)(?:[-_:.m]?(?P<second>[0-5]\d))?"
    r"(?:\.\d+)?(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?)?(?!\d)"
)
_EPOCH = re.compile(r"(?<!\d)(1\d{9})(?:\d{3})?(?!\d)")
_A_DAY = timedelta(days=1)
_ANY_ZONE = timedelta(hours=14)


def date_in(name: str, modified: datetime) -> datetime | None:
    """The UTC time that a name says, by its last date; None where it has none.

    A time without a zone is in this machine's, as `date` writes it. A name with a day alone leaves the hour to the time
    of the file, where that is of the same day.
    """
    for found in reversed(list(_WRITTEN.finditer(name))):
        try:
            return _read(found, modified)
        except ValueError:  # such as a 13th month: a number that only looks like a date
            continue
    epochs = _EPOCH.findall(name)
    return datetime.fromtimestamp(int(epochs[-1]), UTC) if epochs else None


def _read(found: re.Match[str], modified: datetime) -> datetime:
    day = datetime(int(found["year"]), int(found["month"]), int(found["day"]))  # noqa: DTZ001 - its zone comes below
    if found["hour"] is None:
        midnight = day.astimezone(UTC)
        same_day = midnight - _ANY_ZONE <= modified <= midnight + _A_DAY + _ANY_ZONE
        return modified if same_day else midnight
    time = day.replace(hour=int(found["hour"]), minute=int(found["minute"]), second=int(found["second"] or 0))
    zone = found["zone"]
    if not zone:
        return time.astimezone(UTC)
    if zone in {"Z", "UTC"}:
        return time.replace(tzinfo=UTC)
    return datetime.fromisoformat(f"{time.isoformat()}{zone[:3]}:{zone[-2:]}").astimezone(UTC)
