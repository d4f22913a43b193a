"""Each failure to connect, provoked on a server of each major, over TCP and the socket, as each client meets it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.targets.authority import issue
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.session import Endpoint
from tests.majors import start
from tests.proxy import Proxy
from tests.targets.clients import CLIENTS, everyone_says
from tests.targets.patients import (
    PASSWORD,
    after_a_crash,
    as_standby,
    full_backlog,
    in_recovery,
    over_both,
    over_socket,
    over_tcp,
    patient_of,
    shutting_down,
    silenced,
    starting_up,
    without_free_slots,
)

OF_LIBPQ = {name: client for name, client in CLIENTS.items() if "asyncpg" not in name}
OF_ASYNCPG = {name: client for name, client in CLIENTS.items() if "asyncpg" in name}


def test_the_healthy_have_no_code(patient: EmbeddedServer) -> None:
    """No client finds anything on a server that is well."""
    everyone_says("healthy", over_both(patient))


def test_host_not_found(patient: EmbeddedServer) -> None:
    """A host no resolver knows."""
    everyone_says("connectivity.host_not_found", [replace(over_tcp(patient), host="nowhere.invalid")])


def test_refused(patient: EmbeddedServer) -> None:
    """A port nobody listens on, and a socket that is not there."""
    everyone_says("connectivity.refused", [replace(one, port=1) for one in over_both(patient)])


def test_timeout() -> None:
    """A port whose packets are dropped."""
    with full_backlog() as port:
        there = Endpoint(host="127.0.0.1", port=port, user="app", database="shop", options={"sslmode": "disable"})
        everyone_says("connectivity.timeout", [there], timeout=0.3)


def test_silent(patient: EmbeddedServer) -> None:
    """A server that accepts and never answers."""
    with silenced(patient):
        for sentence in everyone_says("connectivity.silent", over_both(patient), timeout=0.3):
            assert re.search(r"says nothing\.( The message was: connection timeout expired\.)?$", sentence)


def test_password_rejected(patient: EmbeddedServer) -> None:
    """A wrong password, and a role the server will not admit it lacks."""
    said = everyone_says(
        "connectivity.password_rejected", [replace(one, password="wrong-1") for one in over_both(patient)]
    )
    assert "wrong-1" not in "".join(said)
    assert all("`app`" in sentence for sentence in said)


def test_what_told_the_cause_is_quoted(
    binaries: Binaries, patient_from: Callable[[Binaries], EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`prefer` tries again without TLS: what is quoted is the answer to the password, or to the role, all the same."""
    monkeypatch.delenv("PGSSLMODE", raising=False)
    patient = patient_from(binaries)
    wrong = replace(over_tcp(patient, "tls_only", sslmode="prefer"), password="wrong-1")
    for sentence in everyone_says("connectivity.password_rejected", [wrong]):
        assert sentence.endswith('The message was: password authentication failed for user "app".')
    unlisted = over_tcp(patient, "unlisted", sslmode="prefer")
    for sentence in everyone_says("connectivity.not_in_hba", [unlisted], clients=OF_LIBPQ):
        assert sentence.endswith(", SSL encryption.")


def test_password_missing(patient: EmbeddedServer) -> None:
    """No password where one is asked for; asyncpg sends an empty one, which the server cannot tell from a wrong one."""
    without = [replace(one, password=None) for one in over_both(patient)]
    everyone_says("connectivity.password_missing", without, clients=OF_LIBPQ)
    everyone_says("connectivity.password_rejected", without, clients=OF_ASYNCPG)


def test_not_in_hba(patient: EmbeddedServer) -> None:
    """A database that no line of pg_hba.conf names."""
    said = everyone_says("connectivity.not_in_hba", over_both(patient, "unlisted"))
    assert all("`unlisted`" in sentence for sentence in said)


def test_tls_required(patient: EmbeddedServer) -> None:
    """A client without TLS where only lines for TLS would let it in."""
    everyone_says("connectivity.tls_required", [over_tcp(patient, "tls_only", sslmode="disable")])


def test_tls_not_offered(every_major: Binaries) -> None:
    """A client that demands TLS of a server without it."""
    server = start(every_major, {"ssl": "off"})
    everyone_says("connectivity.tls_not_offered", [over_tcp(server, "postgres", "postgres", sslmode="require")])
    server.stop()


def test_certificates(
    every_whole_major: Binaries, patient_from: Callable[[Binaries], EmbeddedServer], tmp_path: Path
) -> None:
    """A certificate of an unknown authority, and one for another host."""
    patient, other = patient_from(every_whole_major), issue(tmp_path)
    verified = over_tcp(patient, sslmode="verify-full", sslrootcert=str(patient.folder.tls / "ca.pem"))
    unknown = {**verified.options, "sslrootcert": str(other.ca)}
    everyone_says("healthy", [verified])
    everyone_says("connectivity.certificate_unknown", [replace(verified, options=unknown)])
    everyone_says("connectivity.certificate_host", [replace(verified, host="0.0.0.0")])


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_a_missing_root_certificate_is_named(
    binaries: Binaries, patient_from: Callable[[Binaries], EmbeddedServer], tmp_path: Path, mode: str
) -> None:
    """A file that is not there, or holds no certificate, is named: of the server's own certificate nothing is said."""
    empty, absent = tmp_path / "empty.pem", tmp_path / "absent.pem"
    empty.write_text("no certificate")
    for file in (absent, empty):
        there = over_tcp(patient_from(binaries), sslmode=mode, sslrootcert=str(file))
        for sentence in everyone_says("connectivity.misconfigured", [there], clients=OF_LIBPQ):
            assert sentence.startswith(f"The file `{file}` of the authorities to trust is missing or holds no certif")
            assert "root certificate file" in sentence.partition(" The message was: ")[2]


def test_certificate_expired(every_whole_major: Binaries, tmp_path: Path) -> None:
    """A certificate whose time is over."""
    old = issue(tmp_path, until=datetime.now(UTC) - timedelta(days=1))
    server = EmbeddedServer.start(every_whole_major, certificate=old)
    there = replace(server.endpoint("postgres"), options={"sslmode": "verify-full", "sslrootcert": str(old.ca)})
    everyone_says("connectivity.certificate_expired", [there])
    server.stop()


def test_database_missing(patient: EmbeddedServer) -> None:
    """A database that is not there is named."""
    said = everyone_says("connectivity.database_missing", over_both(patient, "no_such"))
    assert all("`no_such`" in sentence for sentence in said)


@pytest.mark.parametrize("user", ["absent", "idle"])
def test_role_missing(patient: EmbeddedServer, user: str) -> None:
    """A role that is not there, and one that may not log in, where the server says so."""
    said = everyone_says("connectivity.role_missing", over_both(patient, "gate", user))
    assert all(f"`{user}`" in sentence for sentence in said)


def test_not_permitted(patient: EmbeddedServer) -> None:
    """A database the role has no CONNECT on."""
    everyone_says("connectivity.not_permitted", over_both(patient, "closed"))


def test_too_many_connections(patient: EmbeddedServer) -> None:
    """No slot is left for anyone, or none for the role."""
    everyone_says("connectivity.too_many_connections", over_both(patient, user="lone"))
    with without_free_slots(patient, reserved_too=True):
        everyone_says("connectivity.too_many_connections", over_both(patient))


def test_only_reserved_slots(patient: EmbeddedServer) -> None:
    """The slots that are left are the superuser's."""
    with without_free_slots(patient, reserved_too=False):
        everyone_says("connectivity.only_reserved_slots", over_both(patient))
        patient.connect().close()


def test_starting_up(doomed: EmbeddedServer) -> None:
    """A server that has not begun to recover."""
    with starting_up(doomed):
        everyone_says("connectivity.starting_up", over_both(doomed))


def test_shutting_down(doomed: EmbeddedServer) -> None:
    """A server that waits for its last session to end."""
    with shutting_down(doomed):
        everyone_says("connectivity.shutting_down", over_both(doomed))


def test_in_recovery_after_a_crash(doomed: EmbeddedServer) -> None:
    """A server of which a process has been killed."""
    with after_a_crash(doomed):
        everyone_says("connectivity.in_recovery", over_both(doomed))


def test_in_recovery_as_a_standby(doomed: EmbeddedServer) -> None:
    """A standby that is not to be read."""
    with in_recovery(doomed):
        everyone_says("connectivity.in_recovery", over_both(doomed))


def test_lost(patient: EmbeddedServer) -> None:
    """A peer that hangs up at once."""
    with Proxy(over_socket(patient).host or "") as proxy:
        proxy.hang_up = True
        everyone_says(
            "connectivity.lost", [replace(over_tcp(patient), port=proxy.port, options={"sslmode": "disable"})]
        )


@pytest.mark.parametrize(
    "mistake",
    [
        {"ssl_min_protocol_version": "TLSv1.3", "ssl_max_protocol_version": "TLSv1.2"},
        {"ssl_min_protocol_version": "TLSv9"},
        {"min_protocol_version": "3.2", "max_protocol_version": "3.0"},
        {"target_session_attrs": "nonsense"},
    ],
    ids=str,
)
def test_misconfigured(
    binaries: Binaries, patient_from: Callable[[Binaries], EmbeddedServer], mistake: dict[str, str]
) -> None:
    """Parameters that libpq knows, with values it cannot use."""
    said = everyone_says("connectivity.misconfigured", [over_tcp(patient_from(binaries), **mistake)], clients=OF_LIBPQ)
    assert all(sentence.startswith("The connection parameters for the server") for sentence in said)


def test_another_kind_of_server(binaries: Binaries, patient_from: Callable[[Binaries], EmbeddedServer]) -> None:
    """A standby, or a session that cannot write, is asked for, and a primary is there."""
    patient = patient_from(binaries)
    for wanted in ("standby", "read-only"):
        there = over_tcp(patient, target_session_attrs=wanted)
        for sentence in everyone_says("connectivity.misconfigured", [there], clients=OF_LIBPQ):
            assert "is not of the kind that `target_session_attrs` asks for. The message was: s" in sentence
    for wanted in ("primary", "read-write", "prefer-standby", "any"):
        everyone_says("healthy", [over_tcp(patient, target_session_attrs=wanted)], clients=OF_LIBPQ)


def test_another_kind_of_server_than_a_primary(binaries: Binaries) -> None:
    """A primary, or a session that can write, is asked for, and a standby is there."""
    server = patient_of(binaries)
    with as_standby(server):
        for wanted in ("primary", "read-write"):
            there = over_tcp(server, target_session_attrs=wanted)
            for sentence in everyone_says("connectivity.misconfigured", [there], clients=OF_LIBPQ):
                assert "is not of the kind that `target_session_attrs` asks for. The message was: s" in sentence
    server.stop()


def test_too_old_by_its_version(patient: EmbeddedServer) -> None:
    """A server that says it is 9.6 is asked nothing; a driver would go on."""

    def aged(data: bytes) -> bytes:
        return re.sub(rb"(server_version\0)\d\d\.\d", rb"\g<1>9.6.", data)

    there = over_socket(patient)
    with Proxy(f"{there.host}/.s.PGSQL.{there.port}", rewrite_back=aged) as proxy:
        elsewhere = Endpoint(host="127.0.0.1", port=proxy.port, user="app", password=PASSWORD, database="shop")
        [sentence] = everyone_says("connectivity.too_old", [elsewhere], clients={"pgrunbook": CLIENTS["pgrunbook"]})
    assert "it is PostgreSQL 9.6" in sentence


def test_too_old_by_its_protocol(patient: EmbeddedServer) -> None:
    """A protocol newer than the server's is demanded: libpq alone has a way to."""
    wanted = {"min_protocol_version": "3.2", "max_protocol_version": "3.2"}
    old = over_tcp(patient, **wanted)
    speaks_it = patient.binaries.major >= 18
    everyone_says("healthy" if speaks_it else "connectivity.too_old", [old], clients=OF_LIBPQ)
