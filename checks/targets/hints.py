"""The hints a colleague would give on a failed connection, from the host's name and from where its URL was found.

One that explains the failure stands in place of the general hint of its cause, so that what is said stays short. They
show names of variables and files, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from checks.errors import UsageError
from checks.targets.causes import CAUSES
from checks.targets.envfile import read
from checks.targets.providers import demands_tls, inside_of
from checks.targets.session import Endpoint, Origin

_NOT_FOUND = frozenset({"host_not_found", "timeout", "unreachable"})
_WITHOUT_TLS = frozenset({"tls_required", "not_in_hba", "lost", "failed", "silent"})
_OTHER_DATABASE = _NOT_FOUND | {
    "refused", "silent", "lost", "password_rejected", "password_missing", "not_in_hba", "database_missing",
    "role_missing", "certificate_host", "certificate_unknown", "not_permitted", "tls_not_offered", "tls_required",
}  # fmt: skip
_NO_TLS_ASKED = frozenset({"", "disable", "allow", "prefer"})


def hint_on(cause: str, endpoint: Endpoint) -> str:
    """What to do about a failed connection: the peculiar, else the general, and what else may be worth a look."""
    return " ".join([*(list(_explaining(cause, endpoint)) or [CAUSES[cause].hint]), *_beside(cause, endpoint)])


def _explaining(cause: str, endpoint: Endpoint) -> Iterator[str]:
    host = endpoint.host or ""
    if cause in _NOT_FOUND:
        yield from _used_from_outside(host, endpoint.origin)
    if cause == "host_not_found":
        yield from _lone_name(host)
    if cause == "refused" and host.startswith("/cloudsql/"):
        yield (
            f"The folder {host} exists only where Google Cloud mounts it, as in Cloud Run with the instance added by "
            f"--add-cloudsql-instances: elsewhere start `cloud-sql-proxy {host.removeprefix('/cloudsql/')}` and use "
            "127.0.0.1."
        )
    yield from _without_tls(cause, endpoint)


def _beside(cause: str, endpoint: Endpoint) -> Iterator[str]:
    if endpoint.origin is not None and cause in _OTHER_DATABASE:
        yield from _value_hidden(endpoint.origin)
        yield from _driver_named(endpoint.origin)


def _used_from_outside(host: str, origin: Origin | None) -> Iterator[str]:
    inside = inside_of(host)
    if inside is None:
        return
    yield f"The name {host} belongs to {inside.network} and is not known outside it. {inside.instead}"
    for name in origin.names if origin and "DATABASE_PUBLIC_URL" in inside.instead else ():
        public = name.replace("DATABASE_URL", "DATABASE_PUBLIC_URL")
        if public != name:
            have = f"{public} is set here" if public in _known_to(origin) else f"Set {public}"
            yield f"{have}: the environment's `url` should name it in place of {name}."


def _lone_name(host: str) -> Iterator[str]:
    if host and "." not in host and ":" not in host and host != "localhost" and inside_of(host) is None:
        yield (
            f"`{host}` has no dot and looks like the name of a Compose service or a container, which is known to the "
            "containers of its network only: from this machine use localhost and the port that is published."
        )


def _without_tls(cause: str, endpoint: Endpoint) -> Iterator[str]:
    platform = demands_tls(endpoint.host or "")
    if platform and cause in _WITHOUT_TLS and endpoint.options.get("sslmode", "") in _NO_TLS_ASKED:
        yield f"{platform} wants TLS, and the URL does not demand it: append `?sslmode=require`."


def _value_hidden(origin: Origin) -> Iterator[str]:
    """What a file says of the variables the process has, and the reverse."""
    local = origin.env_file or origin.folder / ".env"
    in_file = _read(local)
    for name in origin.names:
        if name not in in_file:
            continue
        if name not in origin.variables:
            yield f"{name} was read from {local}: see whether the value there is still the right one."
        elif origin.variables[name] == in_file[name]:
            yield f"{name} has the value of {local}: one that the platform gives may be hidden by it."
        else:
            yield f"{name} has another value in {local}, which is hidden by the one that is set for this process."


def _driver_named(origin: Origin) -> Iterator[str]:
    if origin.driver:
        yield f"To try the URL with psql take `+{origin.driver}` out of it: only SQLAlchemy knows drivers in a URL."


def _known_to(origin: Origin | None) -> set[str]:
    if origin is None:
        return set()
    return {*origin.variables, *_read(origin.env_file or origin.folder / ".env")}


def _read(path: Path) -> dict[str, str]:
    """A hint is worth no second failure: a file that is not there or not readable hides nothing."""
    try:
        return read(path) if path.is_file() else {}
    except (OSError, UnicodeDecodeError, UsageError):
        return {}
