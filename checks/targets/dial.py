"""Connect: every address in turn, and never longer than allowed.

psycopg's connect resolves names without a limit and gives each address the whole time; here one deadline covers name,
TCP, TLS and password together. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PQCONNECTSTARTPARAMS
"""

from __future__ import annotations

import os
import queue
import re
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

from psycopg.conninfo import make_conninfo
from psycopg.pq import ConnStatus, PollingStatus
from psycopg.pq import PGconn as LibpqConnection
from psycopg.pq.abc import PGconn

from checks.targets.guards import APPLICATION_NAME, OLDEST_MAJOR
from checks.targets.session import Endpoint
from checks.targets.url import conninfo

if TYPE_CHECKING:  # a server that answers needs none of the words for one that does not
    from checks.errors import ConnectionFailed
    from checks.targets.diagnosis import Attempt

LEAST_SHARE = 0.05  # seconds an address is given, however many there are
_POLL_FOR = {PollingStatus.READING: select.POLLIN, PollingStatus.WRITING: select.POLLOUT}
_TRACED_SQLSTATE = re.compile(r'ErrorResponse\b.*? C "([0-9A-Z]{5})"')


def dial(endpoint: Endpoint, deadline: float) -> PGconn:
    """A connected libpq handle. `deadline` is on `time.monotonic()`. Raises ConnectionFailed with a diagnosed code."""
    settings = {**conninfo(endpoint), "application_name": APPLICATION_NAME, "client_encoding": "UTF8"}
    addresses = _addresses(endpoint, deadline)
    for position, address in enumerate(addresses, start=1):
        left = deadline - time.monotonic()
        share = time.monotonic() + max(LEAST_SHARE, left / (len(addresses) - position + 1))
        pgconn, late, sqlstate = _connect({**settings, **address}, share)
        if pgconn.status == ConnStatus.OK:
            return _new_enough(pgconn, endpoint)
        attempt = _attempt(pgconn, late, sqlstate, address=address.get("hostaddr", settings.get("hostaddr", "")))
        failure, another_may_do = _told(attempt, endpoint, deadline)
        if position == len(addresses) or not another_may_do:
            raise failure
    raise AssertionError("a name that resolves has at least one address")


def _told(attempt: Attempt, endpoint: Endpoint, deadline: float) -> tuple[ConnectionFailed, bool]:
    """Why there is no connection, and whether another address of the host may have one."""
    from checks.targets.diagnosis import ANOTHER_ADDRESS_MAY_DO, diagnose
    from checks.targets.second_look import explained

    looked_at = explained(attempt, endpoint, timeout=max(LEAST_SHARE, deadline - time.monotonic()))
    failure = diagnose(looked_at, endpoint)
    return failure, failure.code in ANOTHER_ADDRESS_MAY_DO


def _because(cause: str, endpoint: Endpoint, words: str = "") -> ConnectionFailed:
    """The failure of a known cause."""
    from checks.targets.diagnosis import Attempt, diagnose

    return diagnose(Attempt(words, cause=cause), endpoint)


def _connect(settings: dict[str, str], deadline: float) -> tuple[PGconn, bool, str]:
    """A handle, connected or not; whether time ran out; and the SQLSTATE of the error, where one is known."""
    pgconn = LibpqConnection.connect_start(make_conninfo(**settings).encode())
    with _overheard(pgconn) as errors:
        timed_out = not _polled(pgconn, deadline)
    return pgconn, timed_out, errors[-1] if errors else ""


def _attempt(pgconn: PGconn, timed_out: bool, sqlstate: str, *, address: str) -> Attempt:
    """What is known of a handle that did not connect; it is given back."""
    from checks.targets.diagnosis import Attempt

    # Before the peer took the connection it is the way to it that is blocked, afterwards the peer itself.
    late = "timeout" if pgconn.status == ConnStatus.STARTED else "silent"
    attempt = Attempt(
        message=pgconn.error_message.decode("utf-8", "replace").strip(),
        sqlstate=sqlstate,
        cause=late if timed_out else "",
        address=address,
        user=pgconn.user.decode(),
        database=pgconn.db.decode(),
        host=pgconn.host.decode(),
        port=pgconn.port.decode(),
    )
    pgconn.finish()
    return attempt


def _new_enough(pgconn: PGconn, endpoint: Endpoint) -> PGconn:
    version = pgconn.server_version  # 90624 for 9.6.24, 170010 for 17.10; 0 where something else answers in its name
    if version == 0 or version >= OLDEST_MAJOR * 10000:
        return pgconn
    pgconn.finish()
    major = f"{version // 10000}.{version // 100 % 100}" if version < 100000 else str(version // 10000)
    words = f"it is PostgreSQL {major}, and the questions asked here need {OLDEST_MAJOR} or newer"
    raise _because("too_old", endpoint, words)


def _polled(pgconn: PGconn, deadline: float) -> bool:
    """Carry the connection through to its end, good or bad; False when time runs out first."""
    wanted = PollingStatus.WRITING if pgconn.status != ConnStatus.BAD else PollingStatus.FAILED
    while wanted in _POLL_FOR:
        poll = select.poll()
        poll.register(pgconn.socket, _POLL_FOR[wanted])
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            return False
        wanted = PollingStatus(pgconn.connect_poll())
    return True


@contextmanager
def _overheard(pgconn: PGconn) -> Iterator[list[str]]:
    """The SQLSTATEs of errors the server sends meanwhile.

    libpq keeps only their text, in the server's language; its own trace, into memory, shows the code. It is there on
    Linux; elsewhere the diagnosis makes do with the text.
    """
    heard: list[str] = []
    if sys.platform != "linux" or pgconn.status == ConnStatus.BAD:
        yield heard
        return
    memory = os.memfd_create("overheard")
    try:
        pgconn.trace(memory)
        yield heard
        pgconn.untrace()
        text = os.pread(memory, os.fstat(memory).st_size, 0).decode("utf-8", "replace")
        heard += _TRACED_SQLSTATE.findall(text)
    finally:
        os.close(memory)


def _addresses(endpoint: Endpoint, deadline: float) -> list[dict[str, str]]:
    """What to add to the connection parameters for each address of the host; nothing where there is none to look up."""
    if endpoint.host is None or endpoint.is_socket or "hostaddr" in endpoint.options or _is_address(endpoint.host):
        return [{}]
    found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()
    # Nothing can interrupt getaddrinfo, so it is left behind in a thread of its own when it takes too long.
    threading.Thread(target=_resolve, args=(endpoint.host, found), name="resolve", daemon=True).start()
    try:
        answer = found.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise _because("timeout", endpoint) from None
    if isinstance(answer, OSError):
        raise _because("host_not_found", endpoint, answer.strerror or str(answer)) from answer
    return [{"hostaddr": address} for address in answer]


def _resolve(host: str, found: queue.SimpleQueue[list[str] | OSError]) -> None:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        found.put(error if isinstance(error, OSError) else OSError(str(error)))
    else:
        found.put(list(dict.fromkeys(cast(str, info[4][0]) for info in infos)))


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
