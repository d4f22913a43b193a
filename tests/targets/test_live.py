"""Live targets: read only by construction, and few sessions at once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from checks import secrets
from checks.check import Query
from checks.errors import ConnectionFailed
from checks.targets.embedded import EmbeddedTarget
from checks.targets.live import MOST_SESSIONS, LiveTarget, obtained
from checks.targets.session import Endpoint


@pytest.fixture
def live(target: EmbeddedTarget) -> LiveTarget:
    """The test's database as if somebody's work depended on it."""
    return LiveTarget("dev", target.endpoint)


def test_nothing_opens_a_writable_session(live: LiveTarget) -> None:
    """Whoever asks for a writable session with a live database has made a mistake in the code."""
    assert not live.disposable
    with pytest.raises(AssertionError):
        live.open(writable=True)


def test_a_session_only_reads(live: LiveTarget) -> None:
    """A session with a live database is read only, and the server says so."""
    session = live.open()
    assert session.guards["transaction_read_only"] == "on"
    (answer,) = session.ask([Query("SELECT 1")], patience=5)
    assert answer.value == 1
    session.close()


def test_four_sessions_are_the_most(live: LiveTarget) -> None:
    """A live server keeps its slots: a fifth session waits, and closing one makes room."""
    sessions = [live.open() for _ in range(MOST_SESSIONS)]
    with pytest.raises(ConnectionFailed, match="stayed busy"):
        live.open(timeout=0.01)
    sessions[0].close()
    sessions[0] = live.open()
    for session in sessions:
        session.close()


def test_a_failed_attempt_takes_no_slot(live: LiveTarget) -> None:
    """Attempts that fail leave room for those that may not."""
    broken = LiveTarget("dev", replace(live.endpoint, port=1))
    for _ in range(MOST_SESSIONS + 1):
        with pytest.raises(ConnectionFailed) as failure:
            broken.open()
        assert failure.value.code == "connectivity.refused"


def test_the_report_says_where(live: LiveTarget) -> None:
    """How we came by the server names environment, host, port and database, and never the password."""
    session = live.open()
    expected = f"environment dev, host 127.0.0.1 port {live.endpoint.port} database {live.endpoint.database}"
    assert session.server.obtained == expected
    assert secrets.mask(session.server.obtained) == expected
    session.close()
    assert obtained("dev", Endpoint(host="/run/pg")) == "environment dev, socket /run/pg port 5432"
    assert obtained("dev", Endpoint(engine="sqlite", path="/a.db")) == "environment dev, SQLite file /a.db"


def test_no_driver_is_loaded_before_it_is_needed() -> None:
    """Finding out where a database is, and looking at a SQLite file, cost no import of psycopg."""
    code = (
        "import sys, checks.targets.live, checks.targets.environment, checks.targets.sqlite, checks.targets.handshake\n"
        "print(sorted({'psycopg', 'sqlalchemy', 'pydantic', 'dotenv'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
