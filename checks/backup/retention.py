"""Which of a system's backups may go: those beyond the last so many, or older than so long.

Only what `invoke backup` made is ever removed: a name of its own with a manifest that says the same runbook and
environment. The newest of them stays whatever the page says, since the last backup there is beats a tidy folder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.runbook.model import Keep


@dataclass(frozen=True, slots=True)
class Kept:
    """One backup of ours: its name, and the time of its snapshot."""

    name: str
    taken: datetime


def to_remove(backups: Sequence[Kept], keep: Keep | None, now: datetime) -> list[Kept]:
    """Those that are no longer kept, the oldest first."""
    if keep is None:
        return []
    oldest_first = sorted(backups, key=lambda one: (one.taken, one.name))
    if keep.last is not None:
        return oldest_first[: -keep.last]
    edge = now - timedelta(seconds=keep.within or 0)
    return [one for one in oldest_first[:-1] if one.taken < edge]


def name_of(runbook: str, environment: str, taken: datetime, suffix: str) -> str:
    """`relay-prod-20261121T090000Z.dump`."""
    return f"{runbook}-{environment}-{taken:%Y%m%dT%H%M%SZ}{suffix}"


def is_own_name(name: str, runbook: str, environment: str) -> bool:
    """Whether `invoke backup` gives a backup of this environment such a name."""
    return bool(re.fullmatch(rf"{re.escape(runbook)}-{re.escape(environment)}-\d{{8}}T\d{{6}}Z\.(?:dump|dir)", name))
