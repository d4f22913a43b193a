"""Twice as many workers as connections, and what they saw: how long each waited, and whether somebody starved."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

ENOUGH = 4  # turns of the worker in the middle; with fewer of them, who had least is chance
_PATIENCE = 5  # times the load's seconds, on a machine too slow for that many turns in its time
_FIRST = 10.0  # seconds in which each is to have had its first turn


@dataclass(frozen=True, slots=True)
class Load:
    """So many workers for so many seconds; each holds a connection for `hold`, then does something else for `pause`.

    The pause is what makes it a service: one that takes again what it just gave back starves those who wait.
    """

    workers: int
    seconds: float
    hold: float = 0.015
    pause: float = 0.005

    @property
    def work(self) -> str:
        """What a worker asks of the server while it holds a connection."""
        return f"SELECT pg_sleep({self.hold})"


@dataclass(slots=True)
class Crowd:
    """What the workers of a load saw who share a pool: seconds of every wait, turns of each worker, how many refusals.

    Nothing counts before each has had a turn: till then they wait for connections to be opened, and not for each other.
    """

    load: Load
    waits: list[float] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    refused: int = 0
    broken: list[Exception] = field(default_factory=list)
    seconds: float = 0.0
    _served: set[int] = field(default_factory=set)
    _made: float = field(default_factory=time.monotonic)
    _began: float | None = None

    def __post_init__(self) -> None:
        self.turns = [0] * self.load.workers

    def is_over(self) -> bool:
        """Whether the workers may go: the time is up and they had enough turns, or something broke."""
        if self._began is None:
            return bool(self.broken) or time.monotonic() - self._made >= _FIRST
        self.seconds = time.monotonic() - self._began
        had_enough = sum(self.turns) >= ENOUGH * self.load.workers
        return bool(self.broken) or self.seconds >= self.load.seconds * (1 if had_enough else _PATIENCE)

    def serve(self, number: int, waited: float) -> None:
        """The worker of that number was handed a connection."""
        if self._began is not None:
            self.waits.append(waited)
            self.turns[number] += 1
        self._come(number)

    def refuse(self, number: int) -> None:
        """That worker was told that it waited too long."""
        self.refused += 1
        self._come(number)

    def _come(self, number: int) -> None:
        self._served.add(number)
        if self._began is None and len(self._served) == self.load.workers:
            self._began = time.monotonic()

    @property
    def middle(self) -> int:
        """The turns of the worker in the middle, when they are put in order."""
        return sorted(self.turns)[len(self.turns) // 2]

    @property
    def is_telling(self) -> bool:
        """Whether there were turns enough to say who was passed over."""
        return self.middle >= ENOUGH

    @property
    def passed_over(self) -> bool:
        """Whether somebody had a quarter of the turns of others, or less."""
        return self.is_telling and min(self.turns) * 4 <= self.middle
