"""Connections are encrypted, with a certificate that clients can believe, and unencrypted ones are refused.

A password sent in clear on the way to the database is lost without anybody noticing, and a certificate that expires
stops every client that verifies it in the same second. This looks with a client's eyes, from where it runs: it dials
the server anew, sends no password, and goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from checks.catalog.circumstances import Circumstances
from checks.catalog.names import some
from checks.check import Asking, Check, Code, Finding
from checks.errors import CouldNotTell, UsageError
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.units import Duration, show_seconds

if TYPE_CHECKING:
    from checks.targets.handshake import Certificate, Handshake

EXAMPLE = "tls: {minimum: TLSv1.3, expires_after: 30d, verify: full}"

DIAL_SECONDS = 4.0  # two dials stay within a check's default time, so that the reason is told and not cut off


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a client must see when it dials the environment's own host and port."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    required: bool = field(
        default=True, metadata={"description": "Whether TLS must be offered, and connections without it refused."}
    )
    minimum: Literal["TLSv1.2", "TLSv1.3"] = field(
        default="TLSv1.2", metadata={"description": "The oldest protocol version a current client may end up with."}
    )
    expires_after: Duration = field(
        default=Duration(14 * 86400),
        metadata={
            "description": "How long the certificate must still be valid. Those `verify` makes have 60 days left."
        },
    )
    verify: Literal["full", "ca", "none"] = field(
        default="full",
        metadata={
            "description": "`full`: signed by an authority that `sslrootcert` or this machine trusts, for this host "
            "name; `ca`: so signed; `none`: anything, as `sslmode=require` takes it."
        },
    )


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """Dial as a client does, then once more without TLS.

    Raises NotApplicable over a Unix socket, and CouldNotTell where the URL's `sslrootcert` cannot be read.
    """
    # Python's ssl costs 15 ms to import, which a page without this check does not owe.
    from checks.targets.handshake import accepts_plaintext, look

    yield from ()  # it asks the handshake, and no query
    try:
        seen = look(circumstances.endpoint, timeout=DIAL_SECONDS)
    except UsageError as mistake:
        raise CouldNotTell(mistake.sentence, code="connectivity.misconfigured", hint=mistake.hint) from mistake
    if not seen.offers_tls or seen.certificate is None:
        return [_without(parameters)]
    host = circumstances.endpoint.host or ""
    findings = [_in_use(seen, seen.certificate)]
    findings += _too_old(parameters.minimum, seen.protocol)
    findings += _out_of_date(parameters.expires_after, seen.certificate)
    findings += _not_believed(parameters.verify, seen, seen.certificate, host)
    if parameters.required:
        plaintext = accepts_plaintext(circumstances.endpoint, timeout=DIAL_SECONDS)
        findings += [_plaintext(plaintext.welcome)] if plaintext.accepted else []
    return findings


def _without(parameters: Parameters) -> Finding:
    if parameters.required:
        return Finding("tls.not_offered", False, "The server does not offer TLS.", "TLS", "no TLS")
    return Finding("tls.not_in_use", True, "The server does not offer TLS, and the page does not require it.")


def _in_use(seen: Handshake, certificate: Certificate) -> Finding:
    left = certificate.not_after - datetime.now(UTC)
    until = f"{certificate.not_after:%Y-%m-%d}"
    return Finding(
        "tls.in_use",
        True,
        f"{seen.protocol} with {seen.cipher}; the certificate ends on {until}.",
        observed=seen.protocol,
        evidence=(
            {
                "subject": certificate.subject,
                "names": ", ".join(certificate.names),
                "issuer": certificate.issuer,
                "ends": until,
                "days left": left.days,
            },
        ),
    )


def _too_old(minimum: str, protocol: str) -> Iterator[Finding]:
    if protocol < minimum:
        sentence = f"The server speaks {protocol} at best, older than {minimum}."
        yield Finding("tls.protocol_too_old", False, sentence, f"at least {minimum}", protocol)


def _out_of_date(expires_after: Duration, certificate: Certificate) -> Iterator[Finding]:
    now, end, begin = datetime.now(UTC), certificate.not_after, certificate.not_before
    left = (end - now).total_seconds()
    if begin > now:
        sentence = f"The certificate is valid from {begin:%Y-%m-%d %H:%M} UTC only."
        yield Finding("tls.not_yet_valid", False, sentence, "valid now", f"valid from {begin:%Y-%m-%d}")
    if left <= 0:
        sentence = f"The certificate expired {show_seconds(-left)} ago."
        yield Finding("tls.expired", False, sentence, "valid now", f"ended on {end:%Y-%m-%d}")
    elif left < expires_after:
        sentence = f"The certificate expires in {show_seconds(left)}."
        yield Finding("tls.expires_soon", False, sentence, f"valid for {expires_after} more", show_seconds(left))


def _not_believed(verify: str, seen: Handshake, certificate: Certificate, host: str) -> Iterator[Finding]:
    # The chain's other faults are dates, which have codes of their own.
    if verify != "none" and seen.chain in {"unknown_issuer", "self_signed", "refused"}:
        sentence = f"The certificate's issuer, {certificate.issuer}, is not trusted here: {seen.chain_words}."
        yield Finding("tls.unknown_issuer", False, sentence, "a trusted issuer", certificate.issuer)
    if verify == "full" and not seen.host_matches:
        names = some(certificate.names or (certificate.subject,))
        sentence = f"The certificate is for {names}, and not for {host}."
        yield Finding("tls.wrong_host", False, sentence, host, names)


def _plaintext(welcome: str) -> Finding:
    said = {"asks_password": "asks for a password", "let_in": "lets the role in"}
    sentence = f"The server also takes connections without TLS: to one it {said.get(welcome, welcome)}."
    return Finding("tls.plaintext_accepted", False, sentence, "a refusal", said.get(welcome, welcome))


CODES: Mapping[str, Code] = {
    "tls.in_use": Code("The server offers TLS; the finding names protocol, cipher and certificate."),
    "tls.not_in_use": Code("The server offers no TLS, and the page does not require it."),
    "tls.not_offered": Code(
        "The server offers no TLS, which the page requires.",
        "Passwords and data cross the network in clear, and clients with `sslmode=require` cannot connect.",
        "Set `ssl = on` with `ssl_cert_file` and `ssl_key_file`, and reload. If a proxy stands before the server, "
        "see whether it passes TLS on.",
    ),
    "tls.protocol_too_old": Code(
        "The best protocol that server and client share is older than the page allows.",
        "Older versions have known weaknesses, and current clients begin to refuse them.",
        "Raise `ssl_min_protocol_version`, or upgrade the server's OpenSSL or the proxy before it.",
    ),
    "tls.expires_soon": Code(
        "The certificate ends sooner than the page allows.",
        "In the second it ends, every client that verifies it is locked out.",
        "Renew it now, and find out why the automatic renewal did not. `SELECT pg_reload_conf()` takes it up.",
    ),
    "tls.expired": Code(
        "The certificate has ended.",
        "Clients that verify it cannot connect; those that do not, cannot know whom they talk to.",
        "Renew the certificate and reload: `SELECT pg_reload_conf()`.",
    ),
    "tls.not_yet_valid": Code(
        "The certificate's time has not begun.",
        "Clients that verify it refuse it.",
        "Compare the clocks of this machine and the server; else install a certificate that is valid now.",
    ),
    "tls.wrong_host": Code(
        "The certificate does not name the host that is dialled.",
        "`sslmode=verify-full` refuses it, so clients fall back to modes that would accept an impostor.",
        "Dial a name the certificate holds, or have one issued with this name; behind a proxy that cannot be, say "
        "`verify: ca`.",
    ),
    "tls.unknown_issuer": Code(
        "The certificate is signed by nobody this machine trusts, or by itself.",
        "A client cannot tell the server from an impostor.",
        "Put the provider's root certificate where the URL's `sslrootcert` points; if a self-signed one is meant, "
        "say `verify: none`.",
    ),
    "tls.plaintext_accepted": Code(
        "A client that does not encrypt is not refused.",
        "One misconfigured client is enough to send a password in clear.",
        "Write `hostssl` in place of `host` in pg_hba.conf and reload; hosted servers have a switch for it "
        "(`require_ssl`, `rds.force_ssl`).",
    ),
}

CHECK = Check(
    kind="tls",
    claim="Connections are encrypted with a certificate clients can believe, and others are refused.",
    manual="https://www.postgresql.org/docs/current/ssl-tcp.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None: it goes before a password is sent.",
    alone=True,
)
