"""A server at its last slot: what a service is told there, and whether somebody can still get in to mend it.

https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-SUPERUSER-RESERVED-CONNECTIONS
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from checks.errors import ConnectionFailed, CouldNotTell
from checks.pools.facts import Refusal
from checks.pools.library import Broken, broken
from checks.pools.reach import Reach
from checks.pools.watch import superuser
from checks.targets.dial import dial
from checks.targets.session import Endpoint

MOST = 500  # sessions that are opened to fill a server
_AT_ONCE = 8
_TIME = 10.0  # seconds


class Crowding:
    """Sessions of the service's role until the server admits no more. Make it, ask it, and close it."""

    def __init__(self, service: Endpoint, left: int) -> None:
        """Take the slots that are left, and more of them if they come free meanwhile."""
        self._arguments = Reach(service, "pgrunbook crowd").psycopg()
        self._service = service
        self._held: list[psycopg.Connection[Any]] = []
        self._odd: list[Broken] = []
        threads = [threading.Thread(target=self._take, args=(left,), daemon=True) for _ in range(_AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def told(self, refused: Callable[[], str], admin: Endpoint) -> Refusal:
        """What a service and a superuser are told now; `refused` gives what the service's own driver makes of it."""
        until = time.monotonic() + _TIME
        while not (words := refused()) and not self._odd and time.monotonic() < until:
            self._take(MOST)  # a session that was just being closed has given its slot back
        if self._odd or not words:
            why = self._odd[0].words if self._odd else "it admits more sessions than it says"
            raise CouldNotTell(f"The server could not be filled: {why}", code="pool.lost")
        return Refusal(len(self._held), words, self._code(), _superuser_is_told(admin))

    def close(self) -> None:
        """Give the slots back."""
        for connection in self._held:
            connection.close()

    def _take(self, left: int) -> None:
        # Beyond those left, some are tried in case others are given back: the refusal is what ends it.
        while len(self._held) < left + _AT_ONCE:
            try:
                self._held.append(psycopg.connect(**self._arguments))
            except psycopg.Error as error:
                told = broken(error)
                if not told.too_many:
                    self._odd.append(told)
                return

    def _code(self) -> str:
        """The documented code of the refusal, which libpq's text alone does not tell in every language."""
        try:
            dial(self._service, time.monotonic() + _TIME).finish()
        except ConnectionFailed as failure:
            return failure.code
        return ""


def _superuser_is_told(admin: Endpoint) -> str:
    try:
        with superuser(admin) as connection:
            connection.execute("SELECT 1")
    except CouldNotTell as failure:
        return failure.sentence
    return ""
