"""How a pool of ours reaches a server: the endpoint with its TLS, and read-only sessions that name themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from checks.targets.session import Endpoint
from checks.targets.url_forms import conninfo

# What a session may do where something goes wrong: nothing that writes, and nothing for long. Milliseconds.
_GUARDS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "20000",
    "lock_timeout": "100",
    "idle_in_transaction_session_timeout": "60000",
}
_CONNECTING = 10  # seconds
# asyncpg reads these from its URL; whatever else a URL of libpq's says there, it would send to the server as a setting.
_ASYNCPG = frozenset(
    {
        "sslmode",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslcrl",
        "sslpassword",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "passfile",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
    }
)


@dataclass(frozen=True, slots=True)
class Reach:
    """An endpoint, and the application name that the sessions of one pool share and nobody else has."""

    endpoint: Endpoint
    application: str

    def psycopg(self) -> dict[str, Any]:
        """The arguments of `psycopg.connect`, password included."""
        given = conninfo(self.endpoint)
        guards = " ".join(f"-c {name}={value}" for name, value in _GUARDS.items())
        options = f"{given.get('options', '')} {guards}".strip()
        named = {"application_name": self.application, "options": options, "connect_timeout": _CONNECTING}
        return {**given, **named}

    def asyncpg(self) -> dict[str, Any]:
        """The arguments of `asyncpg.connect`, password included."""
        endpoint = self.endpoint
        query = urlencode({key: value for key, value in endpoint.options.items() if key in _ASYNCPG})
        settings = {**_GUARDS, "application_name": self.application}
        if "options" in endpoint.options:
            settings["options"] = endpoint.options["options"]
        return {
            "dsn": f"postgresql:///?{query}" if query else None,
            "host": endpoint.host,
            "port": endpoint.port,
            "user": endpoint.user,
            "password": endpoint.password,
            "database": endpoint.database,
            "server_settings": settings,
            "timeout": _CONNECTING,
        }
