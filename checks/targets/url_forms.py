"""An endpoint as the forms that libpq, SQLAlchemy and people read."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from checks.check import SQLITE
from checks.targets.session import Endpoint


def conninfo(endpoint: Endpoint) -> dict[str, str]:
    """The endpoint as libpq's parameters, password included."""
    named = {
        "host": endpoint.host,
        "port": endpoint.port,
        "user": endpoint.user,
        "password": endpoint.password,
        "dbname": endpoint.database,
    }
    return {**endpoint.options, **{key: str(value) for key, value in named.items() if value is not None}}


def masked(endpoint: Endpoint) -> str:
    """The endpoint as a URL for people: no password, and no parameter but `sslmode`."""
    if endpoint.engine == SQLITE:
        return f"sqlite:///{endpoint.path}"
    query = {key: endpoint.options[key] for key in ("service", "sslmode") if key in endpoint.options}
    return _url("postgresql", endpoint, quote(endpoint.user or "", safe=""), query)


def sqlalchemy_url(endpoint: Endpoint) -> str:
    """The endpoint as SQLAlchemy and Alembic take it, for the psycopg driver, password included: never print it."""
    if endpoint.engine == SQLITE:
        return f"sqlite:///{endpoint.path}"
    user = quote(endpoint.user or "", safe="")
    if endpoint.password is not None:
        user += ":" + quote(endpoint.password, safe="")
    return _url("postgresql+psycopg", endpoint, user, dict(endpoint.options))


def _url(scheme: str, endpoint: Endpoint, user: str, query: dict[str, str]) -> str:
    host = endpoint.host or ""
    if endpoint.is_socket:
        query = {"host": host, **query}
    at = "" if endpoint.is_socket else f"[{host}]" if ":" in host else host
    if endpoint.port is not None:
        query, at = ({**query, "port": str(endpoint.port)}, at) if not at else (query, f"{at}:{endpoint.port}")
    who = f"{user}@" if user else ""
    asked = f"?{urlencode(query, safe='/', quote_via=quote)}" if query else ""
    return f"{scheme}://{who}{at}/{quote(endpoint.database or '', safe='')}{asked}"
