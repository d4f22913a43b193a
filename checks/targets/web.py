"""One GET of a web service, as a client that is in a hurry and trusts nobody asks it.

TLS is verified against what this machine trusts (OpenSSL's `SSL_CERT_FILE` adds to it), redirects are followed within
the service and nowhere else, the body is read up to a limit as it comes over the wire, and all of it has one deadline.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.secrets import mask, remember
from checks.targets.web_address import WebAddress
from checks.units import show_seconds

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

LARGEST_BODY = 2**20
MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `body` is at most LARGEST_BODY bytes, as sent; `is_whole` says whether that was all of it.

    `seconds` runs from before the name was looked up to the last byte that was read.
    """

    status: int
    body: bytes
    is_whole: bool
    seconds: float


class NoReply(Exception):
    """Nothing came back that could be judged. `cause` is what follows the dot of an `http.…` code.

    `status` is that of the answer which led nowhere, 0 where none came.
    """

    def __init__(self, cause: str, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status
        self.cause = cause
        self.sentence = sentence


def get(address: WebAddress, path: str, *, patience: float, settles: Callable[[int], bool] = lambda _: False) -> Reply:
    """Ask for `path` below the address, giving up after `patience` seconds.

    A redirect is followed unless `settles(status)` says that it is what was wanted. Raises NoReply.
    """
    begun = time.monotonic()
    until = begun + patience
    here, path = address, f"{address.prefix}{path}"
    for _ in range(MOST_REDIRECTS + 1):
        with _named(here, patience), _asked(here, path, until) as response:
            if response.status not in REDIRECTS or settles(response.status):
                body = _body(response, until, here, patience)
                whole = len(body) <= LARGEST_BODY
                return Reply(response.status, body[:LARGEST_BODY], whole, time.monotonic() - begun)
            there = here.redirected(path, response.headers.get("Location", ""))
        if there is None:
            sentence = f"{address.shown} answers {response.status} and sends elsewhere, where nobody was told to ask."
            raise NoReply("redirected", sentence, response.status)
        here, path = there
    sentence = f"{address.shown} answers {response.status} and redirects more than {MOST_REDIRECTS} times."
    raise NoReply("redirected", sentence, response.status)


@contextmanager
def _asked(address: WebAddress, path: str, until: float) -> Iterator[BaseHTTPResponse]:
    from urllib3 import Timeout

    pool = _pool(address)
    try:
        left = max(until - time.monotonic(), 0.001)
        response = pool.urlopen(
            "GET", path, headers=_headers(address), redirect=False, retries=False, preload_content=False,
            decode_content=False, timeout=Timeout(total=left),
        )  # fmt: skip
        try:
            yield response
        finally:
            response.close()
    finally:
        pool.close()


def _pool(address: WebAddress) -> HTTPConnectionPool:
    import ssl

    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

    if address.scheme == "http":
        return HTTPConnectionPool(address.host, address.port)
    return HTTPSConnectionPool(address.host, address.port, ssl_context=ssl.create_default_context())


def _headers(address: WebAddress) -> dict[str, str]:
    headers = {"User-Agent": "pgrunbook", "Accept": "application/json, */*", "Accept-Encoding": "identity"}
    if address.credentials:
        encoded = base64.b64encode(address.credentials.encode()).decode()
        remember(encoded)
        headers["Authorization"] = f"Basic {encoded}"
    return headers


def _body(response: BaseHTTPResponse, until: float, address: WebAddress, patience: float) -> bytes:
    """The body, and one chunk beyond the limit at the most. The deadline holds however slowly it drips."""
    read = bytearray()
    while len(read) <= LARGEST_BODY:
        chunk = response.read1(_CHUNK, decode_content=False)
        if not chunk:
            break
        read += chunk
        if time.monotonic() >= until:
            raise _late(address, patience)
    return bytes(read)


def _late(address: WebAddress, patience: float) -> NoReply:
    return NoReply("timeout", f"{address.shown} did not answer in full within {show_seconds(patience)}.")


@contextmanager
def _named(address: WebAddress, patience: float) -> Iterator[None]:
    """Every way a request can fail, by its cause, in a sentence that shows no secret."""
    from urllib3 import exceptions as failed

    where = address.shown
    try:
        yield
    except (failed.NameResolutionError, failed.LocationParseError):
        raise NoReply("host_not_found", f"The host of {where} does not resolve to an address.") from None
    except failed.NewConnectionError as failure:
        why = _reason(failure.__cause__)
        cause = "refused" if isinstance(failure.__cause__, ConnectionRefusedError) else "unreachable"
        raise NoReply(cause, f"No connection to {where}: {why}.") from None
    except failed.SSLError as failure:
        raise NoReply("tls_failed", f"TLS with {where} failed: {_reason(failure)}.") from None
    except failed.TimeoutError:  # after those that urllib3 takes for kinds of it
        raise _late(address, patience) from None
    except (failed.HTTPError, ValueError) as failure:
        raise NoReply("broken", f"What {where} answered is no HTTP, or broke off: {_reason(failure)}.") from None


def _reason(failure: BaseException | None) -> str:
    """The innermost words of a failure, without Python's."""
    while failure is not None and isinstance(failure.args[0] if failure.args else None, BaseException):
        failure = failure.args[0]
    words = getattr(failure, "verify_message", "") or getattr(failure, "strerror", "") or str(failure or "")
    return mask(words.strip().rstrip(".").partition("\n")[0]) or type(failure).__name__
