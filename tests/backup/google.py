"""Google Cloud Storage as far as it differs from S3, in front of moto's server: both speak the same XML.

Google asks for a token that the service account signed itself, and refuses to delete what is not there; S3 does
neither.
https://cloud.google.com/storage/docs/xml-api/overview, …/xml-api/reference-status
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True)
class Account:
    """A service account with a key of its own, made for one run of the tests."""

    email: str = "drills@tests.iam.gserviceaccount.com"
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)

    def write(self, path: Path, **otherwise: object) -> Path:
        """Its file, as `gcloud iam service-accounts keys create` leaves it, or with something `otherwise`."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        said = {
            "type": "service_account",
            "client_email": self.email,
            "private_key_id": "1",
            "private_key": pem.decode(),
        }
        path.write_text(json.dumps({**said, **otherwise}), encoding="utf-8")
        return path

    def signed(self, token: str) -> bool:
        """Whether it is a token that this account signed, and for itself."""
        try:
            said, _, signature = token.rpartition(".")
            self._key.public_key().verify(_bytes(signature), said.encode(), padding.PKCS1v15(), hashes.SHA256())
            return bool(json.loads(_bytes(said.partition(".")[2]))["iss"] == self.email)
        except (InvalidSignature, ValueError):
            return False


@dataclass(frozen=True)
class Google:
    """What answers as Google does: `behind` it is moto."""

    behind: App
    account: Account

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme != "Bearer" or not self.account.signed(token):
            return _error(401, "AuthenticationRequired", "Authentication required.")(environ, start)
        if environ["REQUEST_METHOD"] == "DELETE" and not environ["QUERY_STRING"] and not self._has(environ):
            return _error(404, "NoSuchKey", "The specified key does not exist.")(environ, start)
        return self.behind(environ, start)

    def _has(self, environ: dict[str, Any]) -> bool:
        _, status, _ = run_wsgi_app(self.behind, {**environ, "REQUEST_METHOD": "HEAD"}, buffered=True)
        return status.startswith("200")


def _error(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, content_type="application/xml; charset=UTF-8")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
