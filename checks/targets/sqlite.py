"""A session with a SQLite file."""

from __future__ import annotations

from checks.errors import ConnectionFailed
from checks.targets.session import Endpoint, Session


def open_sqlite(endpoint: Endpoint, *, writable: bool, timeout: float, obtained: str) -> Session:
    """Soon."""
    raise ConnectionFailed("SQLite is not spoken yet.", code="connectivity.failed")
