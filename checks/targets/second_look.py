"""A second look at a server, where the first failure says too little to tell its cause."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import replace

from checks.errors import PgrunbookError
from checks.targets.diagnosis import Attempt
from checks.targets.session import Endpoint

DEFAULT_PORT = 5432
VERIFY_FAILED = "certificate verify failed"


def explained(attempt: Attempt, endpoint: Endpoint, *, timeout: float) -> Attempt:
    """The attempt with the reason why a certificate was not believed, which libpq keeps to itself."""
    if not attempt.message.rstrip().endswith(VERIFY_FAILED):
        return attempt
    from checks.targets.handshake import look

    with suppress(PgrunbookError):
        words = look(endpoint, timeout=timeout).chain_words
        return replace(attempt, message=f"{attempt.message}: {words}")
    return attempt


def accepts(endpoint: Endpoint, *, timeout: float) -> bool:
    """Whether anything takes a connection at the endpoint, within `timeout` seconds, whatever it says then."""
    host, port = endpoint.host or "localhost", endpoint.port or DEFAULT_PORT
    try:
        if not endpoint.is_socket:
            with socket.create_connection((endpoint.options.get("hostaddr", host), port), timeout=timeout):
                return True
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(timeout)
            wire.connect(f"{host}/.s.PGSQL.{port}")
            return True
    except OSError:
        return False
