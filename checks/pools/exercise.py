"""One declared pool, exercised on purpose: emptied, kept from, crowded, and cut off from its server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from secrets import token_hex

from checks.pools.facts import Facts, Full, Leak, Recovery, Recycled, Stale
from checks.pools.library import SHORT, Broken, Library, Taken, Terms, Waited, opened
from checks.pools.load import Load
from checks.pools.reach import Reach
from checks.pools.watch import Watch
from checks.runbook.pools import Pool
from checks.targets.session import Endpoint

LEAKER = "the task that leaks"
TERMINATED = "pg_terminate_backend"
RESTARTED = "a server restart"
SHORT_LOAD = 0.12  # seconds under twice the load, unless in full
FULL_LOAD = 3.0
_AGAIN = 1  # how often a load in which somebody was passed over is tried anew: a machine has its moments
_SHORT_LIFE = 0.02
_SETTLING = 3.0
_TICK = 0.002
_LONGEST_NAME = 63  # bytes the server keeps of an application's name


class Exercise:
    """A pool, who looks on, and what was seen so far. `close` ends every session of it."""

    def __init__(self, service: str, pool: Pool, endpoint: Endpoint, *, full: bool) -> None:
        """`full` is for the declared time-out and a longer load, where short ones are the rule."""
        self._service, self._pool, self._full = service, pool, full
        # A name of this run's own: what it ends by name must not be a session of another run's on the same server.
        mark = token_hex(4)
        self._reach = Reach(endpoint, f"{f'pgrunbook pool {service}'[: _LONGEST_NAME - len(mark) - 1]} {mark}")
        self._crowded: Library | None = None
        self.facts: Facts | None = None

    @property
    def reach(self) -> Reach:
        """How the pool's sessions are opened, and by which name the server knows them."""
        return self._reach

    def empty(self, watch: Watch) -> Facts:
        """Take every connection and one more; let one task keep its own; give all back and take them again.

        Raises Broken where a connection cannot be opened for another reason than that there are too many.
        """
        began = time.monotonic()
        facts = self.facts = Facts(self._service, self._pool, Full(self._limit))
        with self._built(self._limit) as library:
            facts.full, taken = self._all_and_one_more(library, watch)
            if facts.full.refused is None:
                facts.leak = self._leak(library, taken, watch)
                facts.recovery = self._again(library, watch)
        facts.seconds = time.monotonic() - began
        return facts

    def crowd(self) -> None:
        """Twice as many workers as connections; the pool stays open after that. Raises Broken."""
        facts = self._seen
        self._crowded = opened(Terms(self._pool, self._reach, self._pool.patience, self._life))
        load = Load(2 * self._pool.most, FULL_LOAD if self._full else SHORT_LOAD)
        for _ in range(1 + _AGAIN):
            facts.crowd = self._crowded.crowd(load)
            if facts.crowd.broken:
                raise facts.crowd.broken[0]
            if not facts.crowd.passed_over:
                break

    def age(self) -> None:
        """Whether a connection that is too old is replaced. Raises Broken, Waited."""
        if self._pool.recycle is None:
            return
        single = replace(self._pool, size=1, overflow=0 if self._pool.is_sqlalchemy else None)
        library = opened(Terms(single, self._reach, self._patience, _SHORT_LIFE))
        try:
            [old] = library.take_many(["the first"])
            time.sleep(2 * _SHORT_LIFE)
            library.give_back(old)
            [new] = library.take_many(["the second"])
            library.give_back(new)
        finally:
            library.close()
        self._seen.recycled = Recycled(_SHORT_LIFE, replaced=new.backend != old.backend)

    def cut_off(self, watch: Watch, role: str) -> None:
        """End every pooled session by pg_terminate_backend, and see what is handed out next."""
        self.rest(watch)
        ended = watch.terminate(self._reach.application, role)
        self._seen.stale.append(self._handed_out(TERMINATED, ended))

    def rest(self, watch: Watch) -> int:
        """Give the pool as many idle sessions as it keeps; how many the server counts."""
        for one in self._open.take_many([f"task {number}" for number in range(self._pool.size)]):
            self._open.give_back(one)
        _until(lambda: self._open.out() == 0)
        return len(watch.settled(self._reach.application, lambda found: len(found) <= self._pool.size))

    def after_restart(self, ended: int) -> None:
        """See what is handed out after the server was restarted, when it had so many idle sessions."""
        self._seen.stale.append(self._handed_out(RESTARTED, ended))

    def refused(self) -> str:
        """What the driver says to a service that the server does not admit; empty where it does."""
        try:
            self._open.connect_once()
        except Broken as error:
            return error.words
        return ""

    def close(self) -> None:
        """End the sessions that are left."""
        if self._crowded is not None:
            self._crowded.close()

    @property
    def _limit(self) -> float:
        """Seconds that the one too many waits."""
        declared = self._pool.patience
        if declared is None:
            return SHORT
        return declared if self._full else min(SHORT, declared)

    @property
    def _patience(self) -> float:
        return self._pool.patience or _SETTLING

    @property
    def _life(self) -> float | None:
        return self._pool.longest_life

    @property
    def _seen(self) -> Facts:
        if self.facts is None:
            raise AssertionError("a pool is emptied first")
        return self.facts

    @property
    def _open(self) -> Library:
        if self._crowded is None:
            raise AssertionError("a pool is crowded before it is cut off")
        return self._crowded

    @contextmanager
    def _built(self, timeout: float) -> Iterator[Library]:
        library = opened(Terms(self._pool, self._reach, timeout, self._life))
        try:
            yield library
        finally:
            library.close()

    def _all_and_one_more(self, library: Library, watch: Watch) -> tuple[Full, list[Taken]]:
        tasks = [LEAKER, *(f"task {number}" for number in range(2, self._pool.most + 1))]
        try:
            taken = library.take_many(tasks)
        except (Broken, Waited) as error:
            why = _why(error, library)
            if not why.too_many:
                raise why from error
            return Full(self._limit, refused=why), []
        library.begin(_keeper(taken))
        asked = time.monotonic()
        words = ""
        try:
            library.give_back(library.take("one too many"))
        except Waited as late:
            words = late.words
        waited = time.monotonic() - asked
        sessions = len(watch.sessions(self._reach.application))
        return Full(self._limit, None, sessions, waited, words), taken

    def _leak(self, library: Library, taken: list[Taken], watch: Watch) -> Leak:
        """Everybody but one gives back, after which that one is to be named."""
        kept = _keeper(taken)
        others = [one for one in taken if one is not kept]
        for one in others:
            library.give_back(one)
        _until(lambda: len(library.ledger.loans()) == 1)
        seen = watch.settled(self._reach.application, lambda found: len(found.in_transaction) == 1)
        leak = Leak(LEAKER, kept.backend, library.ledger.loans(), seen.in_transaction)
        library.give_back(kept)
        return leak

    def _again(self, library: Library, watch: Watch) -> Recovery:
        """As many as the pool keeps, at once: none of them has to be opened, so none may be missing."""
        began, again, refused = time.monotonic(), 0, ""
        try:
            taken = library.take_many([f"task {number}" for number in range(self._pool.size)])
        except (Broken, Waited) as error:
            refused = error.words
        else:
            again = len(taken)
            for one in taken:
                library.give_back(one)
        seconds = time.monotonic() - began
        _until(lambda: library.out() == 0)
        seen = watch.settled(
            self._reach.application, lambda found: len(found) <= self._pool.size and not found.in_transaction
        )
        return Recovery(again, seconds, library.out(), len(seen), len(seen.in_transaction), refused)

    def _handed_out(self, cause: str, ended: int) -> Stale:
        """All that the pool kept are taken at once, as by requests that come in together, and each is tried."""
        # A library that listens is told a moment after the server forgot the session; a request comes later than that.
        _until(lambda: self._open.thought_alive() == 0)
        dead, words = 0, ""
        taken: list[Taken] = []
        try:
            taken = self._open.take_many([f"task {number}" for number in range(self._pool.size)])
        except (Broken, Waited) as error:
            dead, words = self._pool.size, error.words
        for one in taken:
            try:
                self._open.ping(one)
            except Broken as error:
                dead, words = dead + 1, error.words
        for one in taken:
            with suppress(Broken):  # one that is dead is not given back, and was counted
                self._open.give_back(one)
        return Stale(cause, ended, self._pool.size, dead, words)


def _keeper(taken: list[Taken]) -> Taken:
    return next(one for one in taken if one.task == LEAKER)


def _why(error: Broken | Waited, library: Library) -> Broken:
    """What the server said. psycopg_pool only says that it waited in vain, since its own threads are told why."""
    if isinstance(error, Waited):
        try:
            library.connect_once()
        except Broken as told:
            return told
        return Broken(error.words)
    return error


def _until(is_so: Callable[[], bool]) -> None:
    """Until it is, or has had its time to come to be."""
    until = time.monotonic() + _SETTLING
    while not is_so() and time.monotonic() < until:
        time.sleep(_TICK)
