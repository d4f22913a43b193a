"""The text of a database URL as an endpoint.

A mistake is told in one sentence that names the variable and never the value: what is mistyped may be the password.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from checks.check import POSTGRESQL, SQLITE
from checks.errors import UrlMalformed
from checks.secrets import remember
from checks.targets.mistyped import MALFORMED, mistake_in_text, mistake_in_value
from checks.targets.parameters import SECRET, translated
from checks.targets.session import Endpoint
from checks.targets.url_forms import conninfo, masked, sqlalchemy_url

__all__ = ["conninfo", "endpoint_of", "masked", "parse", "remember_password", "sqlalchemy_url"]

ENCODE = "Write special characters of a user or password as %XX: @ as %40, / as %2F, # as %23, : as %3A, % as %25."
_NO_SECRETS = frozenset({"", "postgres", "postgresql", "password", "PASSWORD"})
_IPV6 = re.compile(r"\[(?P<host>[0-9A-Fa-f:.]+(?:%25[^\]]*|%[^\]]*)?)\](?::(?P<port>.*))?\Z", re.DOTALL)


def parse(text: str, *, source: str) -> Endpoint:
    """The endpoint a URL names. `source` is what a message calls it, such as "the variable DATABASE_URL".

    Passwords are remembered as secrets first of all. Raises UrlMalformed.
    """
    _remember_what_may_be_secret(text)
    mistake = mistake_in_text(text)
    if mistake:
        raise UrlMalformed(f"{source} {mistake.said}.", hint=mistake.hint, code=mistake.code)
    scheme, _, rest = text.partition("://")
    if scheme.lower().startswith("sqlite"):
        return Endpoint(engine=SQLITE, path=_sqlite_path(rest, source))
    return _postgresql(rest, source)


def endpoint_of(parameters: Mapping[str, str], *, source: str) -> Endpoint:
    """The endpoint that libpq's parameters name, from a URL or a service file. Raises UrlMalformed."""
    for key in SECRET & parameters.keys():
        remember_password(parameters[key], parameters.get("user", ""))
    found = translated(parameters, source)
    for key in ("user", "password", "host", "dbname"):
        mistake = mistake_in_value(key, found.get(key, ""))
        if mistake:
            raise UrlMalformed(f"{source} {mistake.said}.", hint=mistake.hint, code=mistake.code)
    if "," in found.get("host", "") + found.get("port", "") + found.get("hostaddr", ""):
        raise _several_hosts(source)
    return Endpoint(
        engine=POSTGRESQL,
        host=found.pop("host", None) or None,
        port=_port(found.pop("port", ""), source),
        user=found.pop("user", None) or None,
        password=found.pop("password", None) or None,
        database=found.pop("dbname", None) or None,
        options=found,
    )


def _postgresql(rest: str, source: str) -> Endpoint:
    authority, path, query = _split(rest, source)
    userinfo, _, hostport = authority.rpartition("@")
    user, colon, password = userinfo.partition(":")
    given = {key: _decoded(value, source) for key, value in _pairs(query, source)}
    host, port = _host_and_port(hostport, source)
    named = {
        "user": _decoded(user, source),
        "password": _decoded(password, source) if colon else "",
        "host": host,
        "port": port,
        "dbname": _decoded(path, source),
    }
    # As libpq has it, a parameter after the `?` wins over the same thing before it.
    return endpoint_of({key: value for key, value in named.items() if value} | given, source=source)


def _split(rest: str, source: str) -> tuple[str, str, str]:
    """What stands before the path, the path, and the query. An `@` further on is a password cut in two."""
    match = re.match(r"(?P<authority>[^/?#]*)(?P<path>/[^?]*)?(?:\?(?P<query>.*))?", rest, re.DOTALL)
    parts = match.groupdict(default="") if match else {}
    authority, path = parts["authority"], parts["path"]
    cut = "@" not in authority and "@" in rest and ":" in authority and not re.search(r":\d*\Z|\]\Z", authority)
    if authority.count("@") > 1 or cut or match is None or match.end() < len(rest) or "@" in path:
        raise UrlMalformed(
            f"{source} has a user or a password with a special character in it (`@`, `/`, `?` or `#`) as it stands.",
            hint=ENCODE,
            code=MALFORMED,
        )
    return authority, path[1:], parts["query"]


def _pairs(query: str, source: str) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    keys = [key for key, _, _ in pairs]
    if not all(equals for _, equals, _ in pairs) or len(keys) != len(set(keys)):
        raise UrlMalformed(
            f"{source} has parameters after its `?` that are not each one `key=value`, joined by `&`.",
            hint="pgrunbook asks one server: name a parameter once, and one host.",
            code=MALFORMED,
        )
    return [(key, value) for key, _, value in pairs]


def _host_and_port(hostport: str, source: str) -> tuple[str, str]:
    if "," in hostport:
        raise _several_hosts(source)
    bracketed = _IPV6.match(hostport)
    if bracketed:
        return bracketed["host"].replace("%25", "%"), bracketed["port"] or ""
    if hostport.count(":") > 1 or "[" in hostport:
        raise UrlMalformed(
            f"{source} has more than one `:` where its host and port should be.",
            hint="Write an IPv6 address in brackets, as in [::1]:5432; and a special character of a password as %XX.",
            code=MALFORMED,
        )
    host, _, port = hostport.partition(":")
    return _decoded(host, source), port


def _several_hosts(source: str) -> UrlMalformed:
    return UrlMalformed(
        f"{source} names several hosts, and the report must say which one answered.",
        hint="Give each host an environment of its own, or name the one that is to be checked.",
        code=MALFORMED,
    )


def _port(text: str, source: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise UrlMalformed(
            f"{source} has something for a port that is no number from 1 to 65535.",
            hint=f"The port follows the host after a `:`. A password may have been taken for it: {ENCODE}",
            code=MALFORMED,
        )
    return int(text)


def _decoded(text: str, source: str) -> str:
    stray = re.search(r"%(?![0-9A-Fa-f]{2})", text)
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        stray = re.match("", text)
    if stray or "\0" in decoded:
        raise UrlMalformed(f"{source} has a `%` in it that begins no character.", hint=ENCODE, code=MALFORMED)
    return decoded


def _sqlite_path(rest: str, source: str) -> str:
    path = rest.partition("?")[0]
    if not path.startswith("/") or path in {"/", "/:memory:"} or path.startswith("/file:"):
        raise UrlMalformed(
            f"{source} names no SQLite file.",
            hint="Write sqlite:///relative/path.db or sqlite:////absolute/path.db; one in memory has nothing to check.",
            code=MALFORMED,
        )
    return path[1:]


def _remember_what_may_be_secret(text: str) -> None:
    """Before anything can go wrong: all between the first `:` and an `@`, however mistyped the rest is."""
    _, _, rest = text.partition("//")
    user, _, after = rest.partition(":")
    for end in (match.start() for match in re.finditer("@", after)):
        remember_password(after[:end], user)


def remember_password(secret: str, user: str) -> None:
    """Mask a password from now on, unless it is the user's name or `postgres`.

    Such a one is no secret, and hiding the word would shred every message.
    """
    if secret not in _NO_SECRETS and secret != user:
        remember(secret)
