"""Failures to connect, each provoked on a real server, or in the words libpq has for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.catalog.codes import CONNECTION_CODES
from checks.errors import ConnectionFailed
from checks.targets.authority import issue
from checks.targets.binaries import Binaries
from checks.targets.causes import CAUSES
from checks.targets.diagnosis import Attempt, diagnose
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.session import Endpoint
from checks.targets.sessions import open_session
from tests.proxy import Proxy


def failure_of(endpoint: Endpoint) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as failure:
        open_session(endpoint, timeout=5, obtained="a test").close()
    assert failure.value.hint
    return failure.value


def code_of(endpoint: Endpoint) -> str:
    return failure_of(endpoint).code.removeprefix("connectivity.")


@pytest.fixture
def role(target: EmbeddedTarget) -> Iterator[str]:
    """A role with the password `pass-word-1` that may have one session."""
    with target.server.connect() as connection:
        connection.execute("CREATE ROLE lone LOGIN PASSWORD 'pass-word-1' CONNECTION LIMIT 1")
    yield "lone"
    with target.server.connect() as connection:
        connection.execute("DROP OWNED BY lone")
        connection.execute("DROP ROLE lone")


def test_where_and_who_are_said(target: EmbeddedTarget) -> None:
    """A failure names host, port and role, and what the server said, but never the password."""
    failure = failure_of(replace(target.endpoint, user="nobody_here", password="wrong-one"))
    assert f"127.0.0.1, port {target.endpoint.port}" in failure.sentence
    assert "`nobody_here`" in failure.sentence
    assert "wrong-one" not in str(failure)


def test_nobody_listening_is_refused(target: EmbeddedTarget) -> None:
    """A port without a server, and a folder without a socket, are refused."""
    assert code_of(replace(target.endpoint, port=1)) == "refused"
    assert code_of(replace(target.endpoint, host="localhost", port=1)) == "refused"
    assert code_of(replace(target.socket_endpoint, port=1)) == "refused"


def test_an_unknown_host_is_not_found(target: EmbeddedTarget) -> None:
    """A host no resolver knows is told apart from one that does not answer."""
    assert code_of(replace(target.endpoint, host="nowhere.invalid")) == "host_not_found"


def test_a_wrong_password_is_rejected(target: EmbeddedTarget) -> None:
    """A password that is wrong is told apart from one that is missing."""
    assert code_of(replace(target.endpoint, password="wrong-one")) == "password_rejected"
    assert code_of(replace(target.endpoint, password=None)) == "password_missing"


def test_a_missing_database_is_named(target: EmbeddedTarget) -> None:
    """A database that is not there is named."""
    failure = failure_of(replace(target.socket_endpoint, database="no_such"))
    assert failure.code == "connectivity.database_missing"
    assert "`no_such`" in failure.sentence


def test_a_missing_role_is_told(target: EmbeddedTarget) -> None:
    """The server does not tell a missing role from a wrong password, so that nobody may guess names."""
    assert code_of(replace(target.endpoint, user="no_such")) == "password_rejected"


def test_a_server_that_demands_tls_is_told(target: EmbeddedTarget) -> None:
    """A connection that must not be encrypted is refused by a server that takes nothing else."""
    assert code_of(replace(target.endpoint, options={"sslmode": "disable"})) == "tls_required"


def test_no_slot_left_is_told(target: EmbeddedTarget, role: str) -> None:
    """A role at its connection limit finds no slot left."""
    endpoint = replace(target.endpoint, user=role, password="pass-word-1")
    first = open_session(endpoint, timeout=5, obtained="a test")
    assert code_of(endpoint) == "too_many_connections"
    first.close()


def test_a_database_closed_to_the_role_is_told(target: EmbeddedTarget, role: str) -> None:
    """A role without CONNECT on the database is not permitted."""
    with target.server.connect() as connection:
        connection.execute(f"REVOKE CONNECT ON DATABASE {target.database} FROM PUBLIC".encode())
    assert code_of(replace(target.endpoint, user=role, password="pass-word-1")) == "not_permitted"


def test_certificates_are_told_apart(target: EmbeddedTarget, binaries: Binaries, tmp_path: Path) -> None:
    """An unknown authority, another host and an expired certificate have a code each."""
    full = {**target.endpoint.options, "sslmode": "verify-full"}
    (tmp_path / "other").mkdir()
    other = issue(tmp_path / "other")
    assert code_of(replace(target.endpoint, options={**full, "sslrootcert": str(other.ca)})) == "certificate_unknown"
    assert code_of(replace(target.endpoint, host="0.0.0.0", options=full)) == "certificate_host"
    old = issue(tmp_path, until=datetime.now(UTC) - timedelta(days=1))
    server = EmbeddedServer.start(binaries, certificate=old)
    options = {"sslmode": "verify-full", "sslrootcert": str(old.ca)}
    assert code_of(replace(server.endpoint("postgres"), options=options)) == "certificate_expired"
    server.stop()


def test_tls_not_offered_is_told(binaries: Binaries) -> None:
    """A URL that demands TLS of a server without it is told so."""
    server = EmbeddedServer.start(binaries, plaintext=True, settings={"ssl": "off"})
    assert code_of(replace(server.endpoint("postgres"), options={"sslmode": "require"})) == "tls_not_offered"
    server.stop()


def test_another_language_is_understood(target: EmbeddedTarget) -> None:
    """The SQLSTATE decides, so a server that speaks German is diagnosed like any other."""

    def german(data: bytes) -> bytes:
        return data.replace(b"does not exist", b"gibt es nicht ")

    with Proxy(f"{target.socket_endpoint.host}/.s.PGSQL.{target.socket_endpoint.port}", rewrite_back=german) as proxy:
        endpoint = replace(target.socket_endpoint, host="127.0.0.1", port=proxy.port, database="no_such")
        failure = failure_of(endpoint)
    assert "gibt es nicht" in failure.sentence
    assert failure.code == "connectivity.database_missing"


def test_something_else_listening_is_told(tmp_path: Path) -> None:
    """A peer that is not PostgreSQL, or hangs up at once, is told apart from a server."""
    with Proxy(str(tmp_path / "none")) as proxy:
        proxy.hang_up = True
        assert code_of(Endpoint(host="127.0.0.1", port=proxy.port)) == "lost"


@pytest.mark.parametrize(
    ("attempt", "code"),
    [
        (Attempt(cause="timeout"), "timeout"),
        (Attempt("FATAL:  the database system is starting up", "57P03"), "starting_up"),
        (Attempt("FATAL:  the database system is shutting down", "57P03"), "shutting_down"),
        (Attempt("FATAL:  das Datenbanksystem startet", "57P03"), "starting_up"),
        (Attempt("FATAL:  terminating connection due to administrator command", "57P01"), "lost"),
        (Attempt("FATAL:  sorry, too many clients already", "53300"), "too_many_connections"),
        (Attempt('FATAL:  role "x" does not exist', "28000"), "role_missing"),
        (Attempt('FATAL:  role "x" is not permitted to log in', "28000"), "role_missing"),
        (
            Attempt('FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", SSL encryption', "28000"),
            "not_in_hba",
        ),
        (
            Attempt('FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", no encryption', "28000"),
            "tls_required",
        ),
        (
            Attempt(
                'connection to server at "h" failed: FATAL:  no pg_hba.conf entry for user "u", SSL encryption\n'
                'connection to server at "h" failed: FATAL:  no pg_hba.conf entry for user "u", no encryption',
                "28000",
            ),
            "not_in_hba",
        ),
        (Attempt("connection to server failed: No route to host"), "unreachable"),
        (Attempt("connection to server failed: Network is unreachable"), "unreachable"),
        (Attempt("SSL error: certificate has expired"), "certificate_expired"),
        (Attempt("received invalid response to SSL negotiation: H"), "lost"),
        (Attempt('invalid sslmode value: "x"'), "misconfigured"),
        (Attempt("something nobody has seen yet"), "failed"),
    ],
)
def test_wordings_are_understood(attempt: Attempt, code: str) -> None:
    """What cannot be provoked at will is told by SQLSTATE, or by the words of libpq and an English server."""
    endpoint = Endpoint(host="h", options={"sslmode": "disable"})
    assert diagnose(attempt, endpoint).code == f"connectivity.{code}"


def test_every_cause_is_documented() -> None:
    """Each code a failure can have is one `invoke explain` knows."""
    assert {f"connectivity.{cause}" for cause in CAUSES} <= set(CONNECTION_CODES)
