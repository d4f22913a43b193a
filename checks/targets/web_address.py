"""The address of a web service, from the text of a variable: what is asked, and what no message may show of it.

A mistake is told without the text: what is mistyped may be the password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote, urljoin, urlsplit

from checks.errors import UsageError
from checks.secrets import remember

PORTS = {"http": 80, "https": 443}
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
HINT = "Write it as https://host or https://host:8080/prefix, with no `?` and no `#`."


@dataclass(frozen=True, slots=True)
class WebAddress:
    """One service: `scheme` is http or https; `prefix` goes before every path, and is empty or begins with `/`.

    `credentials` are `user:password` for HTTP's basic authentication, or empty.
    """

    scheme: str
    host: str
    port: int
    prefix: str = ""
    credentials: str = ""

    @property
    def shown(self) -> str:
        """The address for people: no credentials, and the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")

    def redirected(self, path: str, location: str) -> tuple[WebAddress, str] | None:
        """Where a redirect from `path` leads: the same service and another path, or None for any other service.

        Going from http to https of the same host is the same service; the way back is not.
        """
        try:
            there = urlsplit(urljoin(f"{self.shown}{path}", location))
            scheme, host, port = there.scheme.lower(), there.hostname, there.port
        except ValueError:
            return None
        if scheme not in PORTS or host != self.host or _UNFIT.search(location):
            return None
        port = port or PORTS[scheme]
        upgraded = (self.scheme, self.port, scheme, port) == ("http", PORTS["http"], "https", PORTS["https"])
        if (scheme, port) != (self.scheme, self.port) and not upgraded:
            return None
        query = f"?{there.query}" if there.query else ""
        return replace(self, scheme=scheme, port=port, prefix=""), f"{there.path or '/'}{query}"


def parse_web(text: str, *, source: str) -> WebAddress:
    """The service an address names. `source` is what a message calls it, such as "The variable API_URL".

    Its password is remembered as a secret first of all. Raises UsageError.
    """
    _remember_what_may_be_secret(text)
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        raise _mistake(source, "is no address of a web service") from None
    if _UNFIT.search(text):
        raise _mistake(source, "has a space, a backslash or an invisible character in it")
    if scheme not in PORTS:
        raise _mistake(source, "does not begin with http:// or https://")
    if not host or parts.query or parts.fragment or "@" in parts.path:
        raise _mistake(source, "has no host, or more than a host, a port and a path")
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    return WebAddress(scheme, host, port or PORTS[scheme], parts.path.rstrip("/"), credentials)


def _mistake(source: str, what: str) -> UsageError:
    return UsageError(f"{source} {what}.", hint=HINT)


def _remember_what_may_be_secret(text: str) -> None:
    """All between the first `:` of what follows `//` and an `@`, and a user without a password: it may be a token."""
    _, _, rest = text.partition("//")
    before, at, _ = rest.rpartition("@")
    user, colon, password = before.partition(":")
    if at:
        remember(unquote(password) if colon else unquote(user))
        remember(password if colon else user)
