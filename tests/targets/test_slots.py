"""The slots a server has left: counted with few privileges, and never used up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from checks.errors import ConnectionFailed
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.live import MOST_SESSIONS, LiveTarget
from checks.targets.sessions import open_session
from checks.targets.slots import Slots, keep_enough
from tests.proxy import Proxy

SLOTS = 11  # 14, of which 3 are kept for superusers: with our four sessions, at most 5 others leave a tenth
FEW, MANY = 3, 6


@pytest.fixture(scope="module")
def small_server(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A server of eleven slots."""
    server = EmbeddedServer.start(binaries, settings={"max_connections": SLOTS + 3})
    server.execute("CREATE ROLE looker LOGIN PASSWORD 'look-1'")
    yield server
    server.stop()


def counted(target: EmbeddedTarget, user: str, password: str | None) -> Slots:
    """The slots as a session of that role counts them."""
    seen: list[Slots] = []
    endpoint = replace(target.endpoint, user=user, password=password)
    open_session(endpoint, timeout=10, obtained="tcp", admit=seen.append).close()
    (slots,) = seen
    return slots


def test_any_role_counts_every_session_on_every_major(target_of_every_major: EmbeddedTarget) -> None:
    """Others' sessions count, whoever asks, and the slots kept back for superusers do not."""
    server = target_of_every_major.server
    server.execute("CREATE ROLE looker LOGIN PASSWORD 'look-1'")
    for user, password in (("looker", "look-1"), (server.endpoint().user or "", server.password)):
        assert comes_to(Slots(50 - 3, 1), target_of_every_major, user, password)
        with server.connect(), server.connect():
            assert comes_to(Slots(50 - 3, 3), target_of_every_major, user, password)
    server.execute("DROP ROLE looker")


def comes_to(wanted: Slots, target: EmbeddedTarget, user: str, password: str | None) -> bool:
    """Whether that is what is counted, once the server has noticed the end of the sessions closed before."""
    return any(counted(target, user, password) == wanted for _ in range(100))


@pytest.mark.parametrize("taken", [1, 87])
def test_a_tenth_of_the_slots_may_remain(taken: int) -> None:
    """Of a hundred slots ten stay free, after the three sessions that may follow the first."""
    keep_enough(Slots(100, taken), still_to_open=MOST_SESSIONS - 1)


@pytest.mark.parametrize("taken", [88, 97, 100, 103])
def test_less_than_a_tenth_of_the_slots_is_left_alone(taken: int) -> None:
    """Nothing is asked where the application would be left with less, or has less already."""
    with pytest.raises(ConnectionFailed, match="less than a tenth") as failure:
        keep_enough(Slots(100, taken), still_to_open=MOST_SESSIONS - 1)
    assert failure.value.code == "connectivity.slots_scarce"


def attempts(target: LiveTarget, count: int) -> list[str]:
    """What came of opening as many sessions at the same time: a code each, or nothing where it opened."""
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            target.open(timeout=10).close()
            outcomes.append("")
        except ConnectionFailed as failure:
            outcomes.append(failure.code)

    threads = [threading.Thread(target=attempt) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("others", [FEW, MANY])
def test_a_live_target_never_takes_the_last_slots(small_server: EmbeddedServer, others: int) -> None:
    """With too few left, one session has counted them, it is closed, and no other is ever tried."""
    endpoint = replace(small_server.endpoint(), user="looker", password="look-1", options={"sslmode": "require"})
    with Proxy(("127.0.0.1", small_server.port)) as proxy, ExitStack() as held:
        for _ in range(others):
            held.enter_context(small_server.connect())
        live = LiveTarget("dev", replace(endpoint, port=proxy.port))
        outcomes = attempts(live, MOST_SESSIONS) + attempts(live, 1)
    if others == FEW:
        assert (set(outcomes), proxy.accepted) == ({""}, MOST_SESSIONS + 1)
    else:
        assert (set(outcomes), proxy.accepted) == ({"connectivity.slots_scarce"}, 1)


def test_whoever_waits_for_the_first_shares_its_failure(small_server: EmbeddedServer) -> None:
    """Four sessions that cannot be opened fail together, not one after the other; a later one tries again."""
    endpoint = replace(small_server.endpoint(), options={"sslmode": "require"})
    with Proxy(("127.0.0.1", small_server.port)) as proxy:
        live = LiveTarget("dev", replace(endpoint, port=proxy.port, password="wrong"))
        assert set(attempts(live, MOST_SESSIONS)) == {"connectivity.password_rejected"}
        first = proxy.accepted
        assert attempts(live, 1) == ["connectivity.password_rejected"]
    assert proxy.accepted > first
