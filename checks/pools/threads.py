"""Many threads that share a pool, as the workers of a synchronous service do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from checks.pools.library import Broken, Library, Taken, Waited, broken
from checks.pools.load import Crowd, Load


def take_together(library: Library, tasks: Sequence[str]) -> list[Taken]:
    """One connection for each task, asked for at once, as requests that come in together do.

    Raises the first error when all have been answered, with none kept.
    """
    taken: list[Taken] = []
    failures: list[Exception] = []

    def take(task: str) -> None:
        try:
            taken.append(library.take(task))
        except (Broken, Waited) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=take, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        for one in taken:
            library.give_back(one)
        raise failures[0]
    return taken


def crowd_of(library: Library, load: Load, work: Callable[[Taken], Any]) -> Crowd:
    """What the workers saw. Each finishes the turn it waits for when the time is up."""
    crowd = Crowd(load)
    # Daemons: one that is stuck must not keep the process from ending.
    workers = [
        threading.Thread(target=_Worker(library, work, crowd), args=(number,), daemon=True)
        for number in range(load.workers)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return crowd


@dataclass(frozen=True, slots=True)
class _Worker:
    """What every worker is given; calling it with a worker's number is that worker's whole life."""

    library: Library
    work: Callable[[Taken], Any]
    crowd: Crowd

    def __call__(self, number: int) -> None:
        while not self.crowd.is_over():
            try:
                self._turn(number)
            except Waited:
                self.crowd.refuse(number)
            except Broken as error:
                self.crowd.broken.append(error)
            time.sleep(self.crowd.load.pause)

    def _turn(self, number: int) -> None:
        asked = time.monotonic()
        taken = self.library.take(f"worker {number + 1}")
        self.crowd.serve(number, time.monotonic() - asked)
        try:
            self.work(taken)
        except Exception as error:
            raise broken(error) from error
        finally:
            self.library.give_back(taken)
