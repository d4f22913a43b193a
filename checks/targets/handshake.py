"""What a client sees of a server's TLS before it sends any secret, and whether the server would do without.

Spoken by hand over a plain socket, since libpq tells neither the certificate nor why it believed it:
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
"""

from __future__ import annotations

import getpass
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from checks.errors import ConnectionFailed, NotApplicable
from checks.targets.certificates import (
    Certificate,
    Chain,
    believing,
    believing_anyone,
    certificate_of,
    chain_of,
    trusting,
)
from checks.targets.diagnosis import Attempt, diagnose
from checks.targets.session import Endpoint

__all__ = ["Certificate", "Chain", "Handshake", "Plaintext", "Welcome", "accepts_plaintext", "look"]

DEFAULT_PORT = 5432
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_PROTOCOL_3 = 196608
_LET_IN = 0


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client saw. Without `offers_tls` the rest is empty. `protocol` is OpenSSL's name: `TLSv1.3`.

    `chain` and `host_matches` are found apart from each other, so that two faults show as two; `chain_words` is
    OpenSSL's reason, where it refused the chain.
    """

    offers_tls: bool
    protocol: str = ""
    cipher: str = ""
    certificate: Certificate | None = None
    chain: Chain | None = None
    chain_words: str = ""
    host_matches: bool = False


class Welcome(StrEnum):
    """How a server meets a client that does not encrypt."""

    REFUSED = "refused"
    ASKS_PASSWORD = "asks_password"  # noqa: S105 - it names the server's question, not an answer
    LET_IN = "let_in"


@dataclass(frozen=True, slots=True)
class Plaintext:
    """How the server met a client without TLS; `reason` is what it said when it refused."""

    welcome: Welcome
    reason: str = ""

    @property
    def accepted(self) -> bool:
        return self.welcome is not Welcome.REFUSED


def look(endpoint: Endpoint, *, timeout: float) -> Handshake:
    """Shake hands as a client does, and say what was seen. `timeout` is in seconds for all of it.

    Raises NotApplicable for a Unix socket, and ConnectionFailed when the server cannot be reached or speaks no TLS
    this machine does. A certificate that is not to be believed is no failure, but what was seen.
    """
    deadline = time.monotonic() + timeout
    try:
        with _encrypted(endpoint, trusting(endpoint), deadline) as wire:
            return _seen(endpoint, wire, Chain.TRUSTED) if wire else Handshake(offers_tls=False)
    except ssl.SSLCertVerificationError as error:
        chain, words = chain_of(error), error.verify_message
    with _encrypted(endpoint, believing_anyone(), deadline) as wire:
        shown = wire.getpeercert(binary_form=True) if wire else None
    with _encrypted(endpoint, believing(shown or b""), deadline) as wire:
        return _seen(endpoint, wire, chain, words) if wire else Handshake(offers_tls=False)


def accepts_plaintext(endpoint: Endpoint, *, timeout: float) -> Plaintext:
    """Knock without TLS as the endpoint's own role and database, and go before any password is sent.

    Raises NotApplicable for a Unix socket, and ConnectionFailed when the answer is about something else: the server
    cannot be reached, is starting up or has no slot left.
    """
    deadline = time.monotonic() + timeout
    with _connected(endpoint, deadline) as wire:
        wire.sendall(_startup(endpoint))
        kind, body = _message(wire)
        if kind == b"v":  # the server names the protocol minors it speaks, and goes on
            kind, body = _message(wire)
        if kind == b"R":
            let_in = struct.unpack_from("!i", body)[0] == _LET_IN
            return Plaintext(Welcome.LET_IN if let_in else Welcome.ASKS_PASSWORD)
        if kind == b"E":
            return _refused(_fields(body), endpoint)
        return Plaintext(Welcome.REFUSED, "the server closed the connection without a word")


@contextmanager
def _encrypted(endpoint: Endpoint, context: ssl.SSLContext, deadline: float) -> Iterator[ssl.SSLSocket | None]:
    """A socket over which TLS is spoken, or None when the server does not offer it."""
    direct = endpoint.options.get("sslnegotiation") == "direct"
    with _connected(endpoint, deadline) as plain:
        if direct:
            context.set_alpn_protocols(["postgresql"])
        else:
            plain.sendall(_SSL_REQUEST)
            if plain.recv(1) != b"S":
                yield None
                return
        with context.wrap_socket(plain, server_hostname=endpoint.host) as wire:
            yield wire


@contextmanager
def _connected(endpoint: Endpoint, deadline: float) -> Iterator[socket.socket]:
    if endpoint.host is None or endpoint.is_socket:
        raise NotApplicable("the connection goes over a Unix socket, where TLS has no part")
    address = endpoint.options.get("hostaddr", endpoint.host), endpoint.port or DEFAULT_PORT
    late = "timeout"
    try:
        with socket.create_connection(address, timeout=max(0.001, deadline - time.monotonic())) as wire:
            late = "silent"
            wire.settimeout(max(0.001, deadline - time.monotonic()))
            yield wire
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError as error:
        raise ConnectionFailed(
            f"The server at {endpoint.host}, port {address[1]} offers TLS, but the handshake failed: {error.reason}.",
            code="connectivity.tls_failed",
            hint="Compare the TLS versions and ciphers of both sides; `ssl_min_protocol_version` is the server's.",
        ) from error
    except OSError as error:
        attempt = Attempt(
            message=str(error), cause=late if isinstance(error, TimeoutError) else "", port=str(address[1])
        )
        raise diagnose(attempt, endpoint) from error


def _seen(endpoint: Endpoint, wire: ssl.SSLSocket, chain: Chain, words: str = "") -> Handshake:
    certificate = certificate_of(wire.getpeercert() or {})
    cipher = wire.cipher()
    return Handshake(
        offers_tls=True,
        protocol=wire.version() or "",
        cipher=cipher[0] if cipher else "",
        certificate=certificate,
        chain=chain,
        chain_words=words,
        host_matches=certificate.covers(endpoint.host or ""),
    )


def _startup(endpoint: Endpoint) -> bytes:
    user = endpoint.user or getpass.getuser()
    settings = {"user": user, "database": endpoint.database or user, "application_name": "pgrunbook"}
    body = b"".join(f"{key}\0{value}\0".encode() for key, value in settings.items()) + b"\0"
    return struct.pack("!ii", len(body) + 8, _PROTOCOL_3) + body


def _message(wire: socket.socket) -> tuple[bytes, bytes]:
    """One message of the server: its type and its body; both empty when it hung up."""
    head = _exactly(wire, 5)
    if len(head) < 5:
        return b"", b""
    return head[:1], _exactly(wire, min(struct.unpack("!i", head[1:])[0] - 4, 1 << 16))


def _exactly(wire: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count and (more := wire.recv(count - len(got))):
        got += more
    return got


def _fields(body: bytes) -> dict[str, str]:
    """An ErrorResponse's fields by their letter: `C` is the SQLSTATE, `M` the message."""
    return {part[:1].decode("ascii", "replace"): part[1:].decode("utf-8", "replace") for part in body.split(b"\0")}


def _refused(fields: dict[str, str], endpoint: Endpoint) -> Plaintext:
    message, sqlstate = fields.get("M", ""), fields.get("C", "")
    about_tls = any(word in message.lower() for word in ("ssl", "tls", "encrypt", "insecure", "pg_hba.conf"))
    if sqlstate == "28000" or about_tls:
        return Plaintext(Welcome.REFUSED, message)
    raise diagnose(Attempt(message=message, sqlstate=sqlstate), endpoint)
