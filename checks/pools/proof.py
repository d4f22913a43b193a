"""Every declared pool of a page, exercised on one server, and that server brought to its last slot and restarted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from checks.errors import CouldNotTell
from checks.pools.crowding import MOST, Crowding
from checks.pools.exercise import Exercise
from checks.pools.facts import Facts, Refusal
from checks.pools.library import Broken, Waited
from checks.pools.service_role import service_role
from checks.pools.watch import LOST, watching
from checks.runbook.pools import Pool
from checks.targets.session import Endpoint

_SPARE = 8  # slots for those who look on, and for sessions that are just being closed


@dataclass(frozen=True, slots=True)
class Where:
    """The server. `restart` is None where it must not be restarted, and `disposable` says whether it may be filled."""

    endpoint: Endpoint
    disposable: bool
    restart: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen. `refusal` is None where the server was not filled; `unproven` is what was not tried, and why."""

    facts: Sequence[Facts]
    refusal: Refusal | None
    unproven: Sequence[str]


def prove(pools: Mapping[str, Pool], where: Where, *, full: bool) -> Proof:
    """Exercise all, side by side where the server has room for that. Raises CouldNotTell."""
    with _reached(where) as service, ExitStack() as closing:
        exercises = [Exercise(name, pool, service, full=full) for name, pool in pools.items()]
        for exercise in exercises:
            closing.callback(exercise.close)
        with watching(where.endpoint) as watch:
            abreast = where.disposable and sum(pool.most for pool in pools.values()) + _SPARE <= watch.slots().left
        _each(exercises, lambda one: _exercise(one, where.endpoint, service), abreast=abreast)
        whole = [one for one in exercises if one.facts and one.facts.full.refused is None]
        unproven: list[str] = []
        refusal = _filled(whole, where, service, unproven)
        _restarted(whole, where, unproven)
        return Proof([one.facts for one in exercises if one.facts], refusal, unproven)


@contextmanager
def _reached(where: Where) -> Iterator[Endpoint]:
    """The endpoint of a service: an ordinary role's on a server of ours, else the one that the environment names."""
    if not where.disposable:
        yield where.endpoint
        return
    with service_role(where.endpoint) as service:
        yield service


def _exercise(exercise: Exercise, admin: Endpoint, service: Endpoint) -> None:
    with watching(admin) as watch, _lost_is_told():
        if exercise.empty(watch).full.refused is not None:
            return
        exercise.crowd()
        exercise.age()
        exercise.cut_off(watch, service.user or watch.role())


def _each(exercises: Sequence[Exercise], do: Callable[[Exercise], None], *, abreast: bool) -> None:
    """Do it to all; the first failure is raised when all have ended."""
    if not abreast or len(exercises) == 1:
        for exercise in exercises:
            do(exercise)
        return
    failures: list[Exception] = []

    def caught(exercise: Exercise) -> None:
        try:
            do(exercise)
        except Exception as failure:  # noqa: BLE001 - raised again below, in the thread that waits
            failures.append(failure)

    threads = [threading.Thread(target=caught, args=(exercise,), daemon=True) for exercise in exercises]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _filled(whole: Sequence[Exercise], where: Where, service: Endpoint, unproven: list[str]) -> Refusal | None:
    if not where.disposable:
        unproven.append("the server at its last slot, which a live one is spared")
        return None
    if not whole:
        return None
    with watching(where.endpoint) as watch:
        left = watch.slots().left
    if left > MOST:
        unproven.append(f"the server at its last slot: {left} sessions would have to be opened for that")
        return None
    with ExitStack() as stack:
        crowding = Crowding(service, left)
        stack.callback(crowding.close)
        return crowding.told(whole[0].refused, where.endpoint)


def _restarted(whole: Sequence[Exercise], where: Where, unproven: list[str]) -> None:
    """All pools at rest, then the restart, then each of them again."""
    if where.restart is None:
        unproven.append("a server restart, which a live one is spared" if not where.disposable else "a server restart")
        return
    if not whole:
        return
    with _lost_is_told():
        with watching(where.endpoint) as watch:
            ended = [exercise.rest(watch) for exercise in whole]
        where.restart()
        for exercise, count in zip(whole, ended, strict=True):
            exercise.after_restart(count)


@contextmanager
def _lost_is_told() -> Iterator[None]:
    """What a pool meets where it should meet nothing is the server's doing, and no verdict on the pool."""
    try:
        yield
    except (Broken, Waited) as failure:
        raise CouldNotTell(f"The pool could not be exercised to the end: {failure.words}", code=LOST) from failure
