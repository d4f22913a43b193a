"""Text of a database URL → Endpoint."""

from __future__ import annotations

from checks.targets.session import Endpoint


def conninfo(endpoint: Endpoint) -> dict[str, str]:
    """The endpoint as libpq's parameters."""
    named = {
        "host": endpoint.host,
        "port": endpoint.port,
        "user": endpoint.user,
        "password": endpoint.password,
        "dbname": endpoint.database,
    }
    return {**endpoint.options, **{key: str(value) for key, value in named.items() if value is not None}}
