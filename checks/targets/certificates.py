"""What a server's certificate says of itself, and whether a client may believe it; the standard library only.

https://www.postgresql.org/docs/current/libpq-ssl.html
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from checks.errors import UsageError
from checks.targets.session import Endpoint

NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python's ssl passes on but has no name for


class Chain(StrEnum):
    """Whether the certificate leads back to an authority this machine trusts, and if not, the first reason found."""

    TRUSTED = "trusted"
    UNKNOWN_ISSUER = "unknown_issuer"
    SELF_SIGNED = "self_signed"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REFUSED = "refused"  # for a reason rarer than these: a weak key, a wrong purpose, a revocation


# https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_CHAIN_BY_VERIFY_CODE = {
    2: Chain.UNKNOWN_ISSUER,
    9: Chain.NOT_YET_VALID,
    10: Chain.EXPIRED,
    18: Chain.SELF_SIGNED,
    19: Chain.UNKNOWN_ISSUER,  # an authority that signed itself, and that this machine does not know
    20: Chain.UNKNOWN_ISSUER,
    21: Chain.UNKNOWN_ISSUER,
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate a server showed. `names` are its DNS names and addresses; times are in UTC."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime

    def covers(self, host: str) -> bool:
        """Whether `host` is one of the names, as libpq compares them: `*` stands for one whole first label."""
        return any(_covers(name, host) for name in self.names or (self.subject,))


def chain_of(error: ssl.SSLCertVerificationError) -> Chain:
    """The stable word for what OpenSSL refused a certificate for."""
    return _CHAIN_BY_VERIFY_CODE.get(error.verify_code, Chain.REFUSED)


def trusting(endpoint: Endpoint) -> ssl.SSLContext:
    """Verify against `sslrootcert` of the endpoint, libpq's own file, or the system's roots; not the host name.

    Raises UsageError when the file named cannot be read.
    """
    named = endpoint.options.get("sslrootcert") or os.environ.get("PGSSLROOTCERT", "")
    default = Path("~/.postgresql/root.crt").expanduser()
    file = named if named not in {"", "system"} else str(default) if not named and default.is_file() else None
    try:
        context = ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"The root certificate file {file} of `sslrootcert` cannot be read: {error.strerror or error}.",
            hint="Name a file of PEM certificates, or `sslrootcert=system`.",
        ) from error
    context.check_hostname = False
    return context


def believing_anyone() -> ssl.SSLContext:
    """Verify nothing: to be shown a certificate, never to send a secret."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def believing(certificate: bytes) -> ssl.SSLContext:
    """Trust exactly this DER certificate, expired or not: Python tells the contents of none it has not verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    return context


def certificate_of(found: dict[str, Any]) -> Certificate:
    """The certificate from `SSLSocket.getpeercert()`."""
    return Certificate(
        subject=_common_name(found.get("subject", ())),
        issuer=_common_name(found.get("issuer", ())),
        names=tuple(name for kind, name in found.get("subjectAltName", ()) if kind in {"DNS", "IP Address"}),
        not_before=datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notBefore"]), UTC),
        not_after=datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notAfter"]), UTC),
    )


def _common_name(name: Iterable[Iterable[tuple[str, str]]]) -> str:
    parts = [pair for relative in name for pair in relative]
    return dict(parts).get("commonName") or ", ".join(value for _, value in parts)


def _covers(name: str, host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ip_address(host) == ip_address(name)
    name, host = name.lower(), host.lower().rstrip(".")
    if name.startswith("*."):
        return host.partition(".")[2] == name[2:]
    return name == host
