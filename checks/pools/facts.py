"""What was seen of a pool while it was exercised: numbers, names and words. What they mean is for the check to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from checks.pools.ledger import Loan
from checks.pools.library import Broken
from checks.pools.load import Crowd
from checks.runbook.pools import Pool


@dataclass(frozen=True, slots=True)
class Full:
    """All connections were taken, and one more was asked for, which was to end after `limit` seconds.

    `refused` is why the server admitted fewer sessions than the pool may open; then nothing else is known. `sessions`
    is how many the server counted. `words` are the library's own, empty where it handed out one connection too many.
    """

    limit: float
    refused: Broken | None = None
    sessions: int = 0
    waited: float = 0.0
    words: str = ""


@dataclass(frozen=True, slots=True)
class Leak:
    """One task kept its connection. `loans` is what the pool's own hooks say of who holds what, `idle` the server."""

    task: str
    backend: int
    loans: Sequence[Loan]
    idle: Sequence[int]

    @property
    def named(self) -> Loan | None:
        """What names the task; None unless it is the only one that is named."""
        same = [loan for loan in self.loans if loan.task == self.task and loan.backend == self.backend]
        return same[0] if same and len(self.loans) == 1 else None


@dataclass(frozen=True, slots=True)
class Recovery:
    """After everything was given back: `again` connections were taken in so many seconds, and given back.

    `out` is how many the library counts as out after that, `sessions` and `in_transaction` what the server sees.
    """

    again: int
    seconds: float
    out: int
    sessions: int
    in_transaction: int
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Stale:
    """So many pooled sessions were ended by `cause`; of those handed out after that, so many were dead."""

    cause: str
    ended: int
    asked: int
    dead: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class Recycled:
    """A connection was given back when it was older than `age` seconds; whether another one was handed out next."""

    age: float
    replaced: bool


@dataclass(slots=True)
class Facts:
    """All that was seen of one pool; what was not tried is None, or not in `stale`."""

    service: str
    pool: Pool
    full: Full
    leak: Leak | None = None
    recovery: Recovery | None = None
    crowd: Crowd | None = None
    recycled: Recycled | None = None
    stale: list[Stale] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server at its last slot: what a service is told, and what a superuser, for whom some are kept, is told.

    `sessions` is how many there were then. `superuser` is empty where one could get in.
    """

    sessions: int
    service: str
    code: str
    superuser: str = ""
