"""What a client sees of TLS, on servers whose certificates are wrong in one way each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.errors import ConnectionFailed, NotApplicable, UsageError
from checks.targets.authority import Certificate as Files
from checks.targets.authority import issue
from checks.targets.binaries import Binaries
from checks.targets.certificates import Certificate
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.handshake import Chain, Welcome, accepts_plaintext, look
from checks.targets.session import Endpoint

TIMEOUT = 10.0
YESTERDAY = datetime.now(UTC) - timedelta(days=1)

Start = Callable[..., EmbeddedServer]


@pytest.fixture
def start(binaries: Binaries) -> Iterator[Start]:
    """Start a server of the test's own, which is stopped after it."""
    servers: list[EmbeddedServer] = []

    def started(*, certificate: Files | None = None, plaintext: bool = False, ssl: bool = True) -> EmbeddedServer:
        server = EmbeddedServer.start(
            binaries, certificate=certificate, plaintext=plaintext, settings={"ssl": "on" if ssl else "off"}
        )
        servers.append(server)
        return server

    yield started
    for server in servers:
        server.stop()


def trusting(endpoint: Endpoint, ca: Path, **changes: str) -> Endpoint:
    return replace(endpoint, options={"sslrootcert": str(ca)}, **changes)  # type: ignore[arg-type]  # all are strings


def test_a_good_certificate_is_believed(target: EmbeddedTarget) -> None:
    """A certificate of a trusted authority for this name is trusted, and its dates and names are shown."""
    seen = look(target.endpoint, timeout=TIMEOUT)
    assert (seen.offers_tls, seen.chain, seen.host_matches) == (True, Chain.TRUSTED, True)
    assert seen.protocol == "TLSv1.3"
    assert seen.cipher
    assert seen.certificate is not None
    assert set(seen.certificate.names) >= {"localhost", "127.0.0.1"}
    assert seen.certificate.not_before < datetime.now(UTC) < seen.certificate.not_after


def test_an_unknown_authority_is_not_believed(target: EmbeddedTarget) -> None:
    """A certificate whose authority is not among the system's is shown all the same, and not believed."""
    seen = look(replace(target.endpoint, options={"sslrootcert": "system"}), timeout=TIMEOUT)
    assert (seen.chain, seen.host_matches) == (Chain.UNKNOWN_ISSUER, True)
    assert seen.chain_words
    assert seen.certificate is not None
    assert "localhost" in seen.certificate.names


def test_a_certificate_that_signed_itself_is_told(start: Start, tmp_path: Path) -> None:
    """A certificate nobody but itself vouches for is told apart from one of an unknown authority."""
    files = issue(tmp_path)
    seen = look(replace(start(certificate=self_signed(files)).endpoint("postgres"), options={}), timeout=TIMEOUT)
    assert seen.chain is Chain.SELF_SIGNED


def self_signed(files: Files) -> Files:
    import trustme

    authority = trustme.CA()
    files.certificate.write_bytes(authority.cert_pem.bytes())
    files.key.write_bytes(authority.private_key_pem.bytes())
    return files


def test_an_expired_certificate_is_told_with_its_end(start: Start, tmp_path: Path) -> None:
    """Python tells nothing of a certificate it does not believe; the end of an expired one is found all the same."""
    files = issue(tmp_path, until=YESTERDAY)
    seen = look(trusting(start(certificate=files).endpoint("postgres"), files.ca), timeout=TIMEOUT)
    assert seen.chain is Chain.EXPIRED
    assert seen.host_matches
    assert seen.certificate is not None
    assert abs(seen.certificate.not_after - YESTERDAY) < timedelta(seconds=2)


def test_two_faults_show_as_two(start: Start, tmp_path: Path) -> None:
    """An authority nobody knows does not hide that the certificate is for another host, too."""
    files = issue(tmp_path, names=["db.example"])
    endpoint = start(certificate=files).endpoint("postgres")
    both = look(replace(endpoint, options={}), timeout=TIMEOUT)
    one = look(trusting(endpoint, files.ca), timeout=TIMEOUT)
    assert (both.chain, both.host_matches) == (Chain.UNKNOWN_ISSUER, False)
    assert (one.chain, one.host_matches) == (Chain.TRUSTED, False)


def test_a_server_without_tls_is_told(start: Start) -> None:
    """A server that offers no TLS is no failure to look, but what was seen."""
    seen = look(start(ssl=False, plaintext=True).endpoint("postgres"), timeout=TIMEOUT)
    assert not seen.offers_tls


def test_plaintext_refused_is_told_with_the_servers_words(target: EmbeddedTarget) -> None:
    """A server that takes TLS only refuses the role before it asks for a password."""
    found = accepts_plaintext(target.endpoint, timeout=TIMEOUT)
    assert found.welcome is Welcome.REFUSED
    assert not found.accepted
    assert "pg_hba.conf" in found.reason


def test_a_password_asked_for_in_clear_is_acceptance(start: Start) -> None:
    """A server that would take the password unencrypted accepts plaintext, though it lets nobody in without one."""
    found = accepts_plaintext(start(plaintext=True).endpoint("postgres"), timeout=TIMEOUT)
    assert found.welcome is Welcome.ASKS_PASSWORD
    assert found.accepted


def test_a_socket_has_no_tls(target: EmbeddedTarget) -> None:
    """Over a Unix socket the question makes no sense, and is not answered with a yes or a no."""
    with pytest.raises(NotApplicable):
        look(target.socket_endpoint, timeout=TIMEOUT)
    with pytest.raises(NotApplicable):
        accepts_plaintext(target.socket_endpoint, timeout=TIMEOUT)


def test_nobody_there_is_a_failed_connection(target: EmbeddedTarget) -> None:
    """Where nothing listens there is nothing to say of TLS."""
    with pytest.raises(ConnectionFailed) as failure:
        look(replace(target.endpoint, port=1), timeout=TIMEOUT)
    assert failure.value.code == "connectivity.refused"


def test_a_root_file_that_is_not_there_is_a_mistake(target: EmbeddedTarget, tmp_path: Path) -> None:
    """An `sslrootcert` nobody can read is the URL's mistake, not the certificate's."""
    with pytest.raises(UsageError, match="sslrootcert"):
        look(trusting(target.endpoint, tmp_path / "none.pem"), timeout=TIMEOUT)


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (("db.example",), "DB.example", True),
        (("*.example",), "db.example", True),
        (("*.example",), "a.db.example", False),
        (("*.example",), "example", False),
        (("127.0.0.1",), "127.0.0.1", True),
        (("0:0:0:0:0:0:0:1",), "::1", True),
        (("other.example",), "cn.example", False),
        ((), "cn.example", True),
    ],
)
def test_names_are_compared_as_libpq_does(names: tuple[str, ...], host: str, covered: bool) -> None:
    """A wildcard stands for one label, addresses compare as addresses, and the common name counts only alone."""
    now = datetime.now(UTC)
    assert Certificate("cn.example", "issuer", names, now, now).covers(host) is covered
