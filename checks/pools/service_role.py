"""An ordinary role on a disposable server, as services log in with: a superuser's sessions would take reserved slots.

Its password is for one run. The verifier is of one iteration, where a server's own takes 4096: what protects a password
that people choose would only slow down thirty log-ins with a random one.
https://www.postgresql.org/docs/current/sasl-authentication.html
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as random
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from checks import secrets
from checks.pools.watch import superuser
from checks.targets.session import Endpoint

ROLE = "pgrunbook_service"


@contextmanager
def service_role(endpoint: Endpoint) -> Iterator[Endpoint]:
    """The superuser's `endpoint` of a disposable server as that of a role made for the while. Raises CouldNotTell."""
    password = random.token_urlsafe(24)
    secrets.remember(password)
    with superuser(endpoint) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
        connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{_verifier(password)}'")
    try:
        yield replace(endpoint, user=ROLE, password=password)
    finally:
        with superuser(endpoint) as connection:
            connection.execute(f"DROP ROLE IF EXISTS {ROLE}")


def _verifier(password: str) -> str:
    salt = random.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256$1:{b64encode(salt).decode()}${b64encode(stored).decode()}:{b64encode(server).decode()}"
