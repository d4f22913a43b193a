"""TLS: what a client sees before it sends a password, on servers that get it right and on sabotaged ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.errors import ConnectionFailed, CouldNotTell, NotApplicable
from checks.targets import authority
from checks.targets.authority import issue
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of

Started = Callable[..., Elsewhere]


@pytest.fixture
def started(binaries: Binaries) -> Iterator[Started]:
    """Start a server sabotaged as the test says, seen over TCP; it is stopped afterwards."""
    servers: list[EmbeddedServer] = []

    def start(**sabotage: Any) -> Elsewhere:
        servers.append(EmbeddedServer.start(binaries, **sabotage))
        return Elsewhere(servers[-1].endpoint())

    yield start
    for server in servers:
        server.stop()


def trusting(target: Elsewhere, root: Path) -> Elsewhere:
    """The same server, seen by a client that trusts another authority."""
    return Elsewhere(replace(target.endpoint, options={"sslmode": "verify-full", "sslrootcert": str(root)}))


def test_a_server_with_a_good_certificate_holds(target: EmbeddedTarget) -> None:
    """TLS 1.3, a trusted certificate for this host, valid for long enough, and no plaintext."""
    [finding] = check_holds("tls", "{minimum: TLSv1.3}", target)
    assert finding.code == "tls.in_use"
    assert finding.observed == "TLSv1.3"
    assert "127.0.0.1" in str(finding.evidence[0]["names"])


def test_a_server_without_tls_does_not_hold(started: Started) -> None:
    """A server that offers no TLS does not hold, unless the page does not require it."""
    target = started(settings={"ssl": "off"}, plaintext=True)
    check_fails("tls", "{}", target, code="tls.not_offered")
    [finding] = check_holds("tls", "{required: false}", target)
    assert finding.code == "tls.not_in_use"


def test_a_server_that_also_takes_plaintext_does_not_hold(started: Started) -> None:
    """A server with a good certificate that does not refuse plaintext lets a misconfigured client leak its password."""
    target = started(plaintext=True)
    finding = check_fails("tls", "{}", target, code="tls.plaintext_accepted")
    assert finding.observed == "asks for a password"
    check_holds("tls", "{required: false}", target)


def test_an_old_protocol_does_not_hold(started: Started) -> None:
    """A server that goes no further than TLS 1.2 does not hold where the page wants 1.3."""
    target = started(settings={"ssl_max_protocol_version": "TLSv1.2"})
    check_holds("tls", "{}", target)
    check_fails("tls", "{minimum: TLSv1.3}", target, code="tls.protocol_too_old")


def test_a_certificate_that_ends_soon_does_not_hold(started: Started, tmp_path: Path) -> None:
    """A certificate with ten days left holds where a week is enough, and not where two are wanted."""
    target = started(certificate=issue(tmp_path, until=datetime.now(UTC) + timedelta(days=10)))
    check_holds("tls", "{expires_after: 7d}", target)
    check_fails("tls", "{}", target, code="tls.expires_soon")


def test_a_disposable_server_never_fails_for_the_age_of_its_certificate(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cached certificate that would soon be too old for a page is renewed, and not shown to the page."""
    kept = tmp_path / "cache"
    monkeypatch.setenv("PGRUNBOOK_CACHE", str(kept))
    with monkeypatch.context() as weeks_ago:
        weeks_ago.setattr(authority, "LASTS", timedelta(days=13))
        kept.mkdir(mode=0o755)
        authority.cached(kept)
    check_holds("tls", "{expires_after: 14d}", started())


def test_an_expired_certificate_does_not_hold(started: Started, tmp_path: Path) -> None:
    """An expired certificate does not hold, whatever else is verified."""
    target = started(certificate=issue(tmp_path, until=datetime.now(UTC) - timedelta(days=1)))
    check_fails("tls", "{}", target, code="tls.expired")
    check_fails("tls", "{verify: none}", target, code="tls.expired")


def test_a_certificate_whose_time_has_not_begun_does_not_hold(started: Started, tmp_path: Path) -> None:
    """A certificate issued for next year, or a clock that is wrong, is told from an expired one."""
    target = started(certificate=issue(tmp_path, until=datetime.now(UTC) + timedelta(days=400)))
    check_fails("tls", "{}", target, code="tls.not_yet_valid")


def test_a_certificate_for_another_host_does_not_hold(started: Started, tmp_path: Path) -> None:
    """A certificate that does not name the dialled host does not hold, unless only its issuer is verified."""
    target = started(certificate=issue(tmp_path, names=["db.example.org"]))
    finding = check_fails("tls", "{}", target, code="tls.wrong_host")
    assert finding.sentence == "The certificate is for db.example.org, and not for 127.0.0.1."
    check_holds("tls", "{verify: ca}", target)


def test_a_certificate_of_an_unknown_issuer_does_not_hold(started: Started, tmp_path: Path) -> None:
    """A certificate signed by an authority the client does not know does not hold, unless nothing is verified."""
    target = trusting(started(), issue(tmp_path).ca)
    check_fails("tls", "{}", target, code="tls.unknown_issuer")
    check_fails("tls", "{verify: ca}", target, code="tls.unknown_issuer")
    check_holds("tls", "{verify: none}", target)


def test_a_server_too_old_to_shake_hands_has_no_verdict(started: Started) -> None:
    """A server that knows only versions this machine refuses to speak cannot be looked at."""
    settings = {"ssl_min_protocol_version": "TLSv1", "ssl_max_protocol_version": "TLSv1.1"}
    with pytest.raises(ConnectionFailed) as failure:
        findings_of("tls", "{}", started(settings=settings))
    assert failure.value.code == "connectivity.tls_failed"


def test_a_root_certificate_that_is_not_there_has_no_verdict(target: EmbeddedTarget, tmp_path: Path) -> None:
    """A mistake in the URL is no fault of the server's, and no bug of ours."""
    with pytest.raises(CouldNotTell) as reason:
        findings_of("tls", "{}", trusting(Elsewhere(target.endpoint), tmp_path / "nowhere.pem"))
    assert reason.value.code == "connectivity.misconfigured"


def test_over_a_socket_there_is_no_tls(target: EmbeddedTarget) -> None:
    """Over a Unix socket the check is skipped: the kernel, not TLS, says who talks to whom."""
    with pytest.raises(NotApplicable):
        findings_of("tls", "{}", Elsewhere(target.socket_endpoint))


def test_an_unreachable_server_has_no_verdict(target: EmbeddedTarget) -> None:
    """Where nobody listens nothing is known of TLS; that the server is down is connectivity's finding."""
    with pytest.raises(ConnectionFailed):
        findings_of("tls", "{}", Elsewhere(replace(target.endpoint, port=1)))
