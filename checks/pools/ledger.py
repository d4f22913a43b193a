"""Who holds which connection, written down by the pool's own hooks: how a service finds the task that leaks one.

Each library has hooks at a connection's way out and back: SQLAlchemy's `checkout` and `checkin` events, asyncpg's
`setup` and `reset`, psycopg_pool's `check` and `reset`. A service needs these few lines, and nothing else of ours.
"""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field

# A variable of the context, as a request's number is kept: asyncpg may check out in a task of its own.
task_name: ContextVar[str] = ContextVar("task_name", default="")


@dataclass(frozen=True, slots=True)
class Loan:
    """One connection that is out: who took it, its backend's process number, and for how many seconds."""

    task: str
    backend: int
    seconds: float


@dataclass(slots=True)
class Ledger:
    """Every connection that is out, by its backend's process number."""

    _out: dict[int, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, backend: int) -> None:
        """A connection went out to the task whose name stands in the context, else to the thread that runs."""
        with self._lock:
            self._out[backend] = (task_name.get() or threading.current_thread().name, time.monotonic())

    def gave_back(self, backend: int) -> None:
        """It came back."""
        with self._lock:
            self._out.pop(backend, None)

    def loans(self) -> list[Loan]:
        """What is out, the longest first."""
        now = time.monotonic()
        with self._lock:
            found = [Loan(task, backend, now - since) for backend, (task, since) in self._out.items()]
        return sorted(found, key=lambda loan: -loan.seconds)
