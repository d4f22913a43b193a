"""The words of a diagnosis, and the causes that are told by words alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from checks.catalog.codes import CONNECTION_CODES
from checks.errors import ConnectionFailed
from checks.targets.causes import CAUSES
from checks.targets.causes import code_of as code_of_cause
from checks.targets.diagnosis import Attempt, diagnose
from checks.targets.embedded import EmbeddedTarget
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


def test_where_and_who_are_said(target: EmbeddedTarget) -> None:
    """A failure names host, port and role, and what the server said, but never the password."""
    failure = failure_of(replace(target.endpoint, user="nobody_here", password="wrong-one"))
    assert f"127.0.0.1, port {target.endpoint.port}" in failure.sentence
    assert "`nobody_here`" in failure.sentence
    assert "wrong-one" not in str(failure)


def test_every_address_of_a_name_is_tried(target: EmbeddedTarget) -> None:
    """A name with several addresses, none of which listens, is refused."""
    assert code_of(replace(target.endpoint, host="localhost", port=1)) == "refused"


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
        (
            Attempt('root certificate file "/home/u/.postgresql/root.crt" does not exist\nEither provide the file'),
            "misconfigured",
        ),
        (Attempt("could not get home directory to locate root certificate file\nEither provide"), "misconfigured"),
        (Attempt("FATAL:  unsupported frontend protocol 3.0: server supports 1.0 to 2.0", "0A000"), "too_old"),
        (Attempt("connection is insecure (try using `sslmode=require`)"), "tls_required"),
        (Attempt("FATAL:  SSL required", "08P01"), "tls_required"),
        (Attempt("FATAL:  SSL/TLS required"), "tls_required"),
        (Attempt("FATAL:  no more connections allowed (max_client_conn)", "08P01"), "too_many_connections"),
        (Attempt("FATAL:  no such database: d", "08P01"), "database_missing"),
        (Attempt("FATAL:  pgbouncer cannot connect to server", "08P01"), "lost"),
        (
            Attempt('FATAL:  no pg_hba.conf entry for host "[local]", user "u", database "d", no encryption'),
            "not_in_hba",
        ),
        (Attempt("something nobody has seen yet"), "failed"),
    ],
)
def test_wordings_are_understood(attempt: Attempt, code: str) -> None:
    """What cannot be provoked at will is told by SQLSTATE, or by the words of libpq and an English server."""
    endpoint = Endpoint(host="h", options={"sslmode": "disable"})
    assert diagnose(attempt, endpoint).code == f"connectivity.{code}"


def test_no_encryption_is_not_always_the_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asked for TLS first, and was told there is none, lacks a line of pg_hba.conf and not TLS."""
    monkeypatch.delenv("PGSSLMODE", raising=False)
    attempt = Attempt('FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", no encryption', "28000")
    assert diagnose(attempt, Endpoint(host="h")).code == "connectivity.not_in_hba"
    assert diagnose(attempt, Endpoint(host="h", options={"sslmode": "disable"})).code == "connectivity.tls_required"


def test_every_cause_says_what_was_expected() -> None:
    """A failure names what there should have been, and each cause has a hint."""
    for cause, row in CAUSES.items():
        failure = diagnose(Attempt(cause=cause), Endpoint(host="10.0.0.1", user="u", database="d"))
        assert (failure.expected, failure.hint) == (row.expected, row.hint)
        assert "  " not in failure.sentence
        assert failure.sentence.endswith(".")


def test_every_cause_is_documented() -> None:
    """Each code a failure can have is one `invoke explain` knows."""
    assert {code_of_cause(cause) for cause in CAUSES} <= set(CONNECTION_CODES)
