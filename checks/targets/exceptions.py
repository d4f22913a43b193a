"""What an exception of a driver, a pool or SQLAlchemy amounts to, in the codes and sentences of the checks.

For what a service logs, and for the pools that checks exercise. No such library is imported: an exception is known by
its SQLSTATE, by Python's own classes of errors, and last by its words.
"""

from __future__ import annotations

import re
import socket
import ssl
import traceback
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from checks.errors import CouldNotTell, UrlMalformed
from checks.secrets import mask
from checks.targets.diagnosis import Attempt, diagnose, sentence_of, tries_tls
from checks.targets.query_causes import refusal_for, without_values
from checks.targets.second_look import accepts, explained
from checks.targets.session import Endpoint
from checks.targets.wordings import cause_of, file_in, is_of_connection

NOT_KNOWN = "run.could_not_tell"
SECOND_LOOK = 1.0  # seconds

_MOST_LINKS = 20
_SQLSTATE = re.compile(r"[0-9A-Z]{5}\Z")
# What drivers say of a URL they cannot read. Their words may quote it, password included, and are never repeated.
_MALFORMED = re.compile(
    r"""invalid\ (URI|DSN|dsn|percent-encoded|port\ number|connection\ option)|missing\ "="\ after|URI\ query
    |(could\ not|Could\ not)\ parse\ SQLAlchemy\ URL|Can't\ load\ plugin:\ sqlalchemy\.dialects|in\ connection\ info
    |invalid\ integer\ value\ .*"port"|forbidden\ value\ %00
    |could\ not\ translate\ host\ name\ "[^"]*@|failed\ to\ resolve\ host\ '[^']*@|Servname\ not\ supported
    """,
    re.VERBOSE,
)
_WHY_MALFORMED = (
    (r"postgres(ql)?\+\w+", ": it names a driver after a `+`, which only SQLAlchemy knows"),
    (r"host (name )?[\"'][^\"']*@", ": its user or password holds an `@` that is not written %40"),
    (r"dialects[:.]postgres\b", ": it begins with `postgres://`, which SQLAlchemy does not know"),
)
# Where drivers read URLs: what Python's own int() or urllib says from there is about the URL.
_URL_READERS = frozenset({"asyncpg.connect_utils", "sqlalchemy.engine.url"})
# asyncpg reads all other parameters there as well, and the files they name; a service may make its own context.
_PARAMETERS_READER = ("asyncpg.connect_utils", "_parse_connect_arguments")
_CONTEXT_MAKER = ("ssl", "create_default_context")
_OF_THE_URL = re.compile(r"DSN|connection URI|port numbers")
# OpenSSL's numbers: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_BY_VERIFY_CODE = {9: "certificate_expired", 10: "certificate_expired", 62: "certificate_host", 64: "certificate_host"}
_PLACE = re.compile(r'at "(?P<host>[^"]+)"(?: \([^)]*\))?, port (?P<port>\d+)|on socket "(?P<socket>[^"]+)"')
_NAMED = {"user": re.compile(r'\b(?:user|role) "([^"]+)"'), "database": re.compile(r'\bdatabase "([^"]+)"')}


class Diagnosis(NamedTuple):
    """A documented code, and one sentence with its full stop."""

    code: str
    sentence: str


def diagnose_exception(error: BaseException, endpoint: Endpoint | None = None) -> Diagnosis:
    """What `error` amounts to. Its causes, its `orig` and the members of a group are looked through as well.

    With the `endpoint` that was used the place is named, and where a driver keeps the reason to itself, a second look
    of at most a second tells a silent peer from a blocked way, and an expired certificate from an unknown one.
    `run.could_not_tell` is the code of an exception that is about no database.
    """
    links = list(_links(error))
    for judge in (_ours, _misconfigured, _malformed, _by_sqlstate, _by_class, _by_words):
        for link in links:
            found = judge(link, endpoint)
            if found is not None:
                return Diagnosis(found.code, mask(found.sentence))
    return Diagnosis(NOT_KNOWN, f"A {type(error).__name__} is none of the failures of a database that are known here.")


def _links(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that led to it, the innermost of a chain last, each once."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting and len(seen) < _MOST_LINKS:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        context = None if link.__suppress_context__ else link.__context__
        waiting += [getattr(link, "orig", None), link.__cause__, context, *getattr(link, "exceptions", ())]


def _ours(link: BaseException, endpoint: Endpoint | None) -> Diagnosis | None:  # noqa: ARG001 - judges are alike
    return Diagnosis(link.code, link.sentence) if isinstance(link, CouldNotTell | UrlMalformed) else None


def _misconfigured(link: BaseException, endpoint: Endpoint | None) -> Diagnosis | None:
    if not _while_reading_parameters(link):
        return None
    message = f"a file they name cannot be read: {link.strerror or link}" if isinstance(link, OSError) else _said(link)
    missing = "root_certificate_missing"
    cause = missing if cause_of(message) == missing else "misconfigured"
    return _of_connection(Attempt(message, cause=cause), endpoint)


def _while_reading_parameters(link: BaseException) -> bool:
    if not isinstance(link, OSError | ValueError):
        return False
    frames = _frames(link)
    if isinstance(link, OSError):
        return _PARAMETERS_READER in frames or _CONTEXT_MAKER in frames[-1:]
    if type(link).__name__ == "ClientConfigurationError":
        return not _OF_THE_URL.search(_said(link))
    return frames[-1:] == [_PARAMETERS_READER]


def _malformed(link: BaseException, endpoint: Endpoint | None) -> Diagnosis | None:  # noqa: ARG001 - the same
    if _sqlstate(link) or not (_MALFORMED.search(_said(link)) or _while_reading_a_url(link)):
        return None
    why = next((why for words, why in _WHY_MALFORMED if re.search(words, _said(link))), "")
    return Diagnosis("environment.malformed", f"The database URL cannot be read, so no server was asked{why}.")


def _while_reading_a_url(link: BaseException) -> bool:
    if not isinstance(link, ValueError) or isinstance(link, OSError):
        return False
    return any(module in _URL_READERS for module, _ in _frames(link))


def _frames(link: BaseException) -> list[tuple[str, str]]:
    """The modules and functions the exception passed, the one that raised it last."""
    frames = (frame for frame, _ in traceback.walk_tb(link.__traceback__))
    return [(frame.f_globals.get("__name__", ""), frame.f_code.co_name) for frame in frames]


def _by_sqlstate(link: BaseException, endpoint: Endpoint | None) -> Diagnosis | None:
    sqlstate = _sqlstate(link)
    if not sqlstate:
        return None
    message = _said(link)
    if is_of_connection(sqlstate, message):
        return _of_connection(Attempt(message, sqlstate), endpoint)
    code, beginning, _ = refusal_for(sqlstate, message)
    user = f" `{endpoint.user}`" if endpoint and endpoint.user else ""
    words = without_values(sqlstate, message)
    return Diagnosis(code, f"{beginning.format(user=user)}: {words} (SQLSTATE {sqlstate}).")


def _by_class(link: BaseException, endpoint: Endpoint | None) -> Diagnosis | None:
    cause = _cause_by_class(link)
    if cause == "timeout" and endpoint is not None and accepts(endpoint, timeout=SECOND_LOOK):
        cause = "silent"
    return _of_connection(Attempt(_said(link), cause=cause), endpoint) if cause else None


def _cause_by_class(link: BaseException) -> str:
    if isinstance(link, ssl.SSLCertVerificationError):
        return _BY_VERIFY_CODE.get(link.verify_code, "certificate_unknown")
    for kind, cause in (
        (ssl.SSLError, "tls_failed"),
        (socket.gaierror, "host_not_found"),
        ((ConnectionRefusedError, FileNotFoundError), "refused"),
        (TimeoutError, "timeout"),
        ((ConnectionResetError, ConnectionAbortedError, BrokenPipeError, EOFError), "lost"),
    ):
        if isinstance(link, kind):
            return cause
    return ""


def _by_words(link: BaseException, endpoint: Endpoint | None) -> Diagnosis | None:
    message = _said(link)
    if endpoint is not None:
        message = explained(Attempt(message), endpoint, timeout=SECOND_LOOK).message
    cause = cause_of(message, tried_tls=endpoint is not None and tries_tls(endpoint))
    if cause == "failed" and not _speaks_of_a_database(link):
        return None
    if cause == "timeout" and endpoint is not None and accepts(endpoint, timeout=SECOND_LOOK):
        cause = "silent"
    return _of_connection(Attempt(message, cause=cause), endpoint)


def _speaks_of_a_database(link: BaseException) -> bool:
    return isinstance(link, OSError) or type(link).__name__ == "OperationalError"


def _of_connection(attempt: Attempt, endpoint: Endpoint | None) -> Diagnosis:
    if endpoint is not None:
        failure = diagnose(attempt, endpoint)
        return Diagnosis(failure.code, failure.sentence)
    cause = attempt.cause or cause_of(attempt.message, attempt.sqlstate)
    failure = diagnose(Attempt(attempt.message, cause=cause), Endpoint())
    _, message_was, words = failure.sentence.partition(" The message was: ")
    return Diagnosis(failure.code, f"{sentence_of(cause, _facts(attempt.message))}.{message_was}{words}")


def _facts(message: str) -> Mapping[str, str]:
    """What the words tell of place, role and database, where no endpoint does."""
    facts = {name: found[1] for name, pattern in _NAMED.items() if (found := pattern.search(message))}
    facts["file"] = file_in(message)
    place = _PLACE.search(message)
    if place:
        facts["at"] = f" at socket {place['socket']}" if place["socket"] else f" at host {place[1]}, port {place[2]}"
    return facts


def _sqlstate(link: BaseException) -> str:
    found = getattr(link, "sqlstate", None) or getattr(link, "pgcode", None)
    return found if isinstance(found, str) and _SQLSTATE.match(found) else ""


def _said(link: BaseException) -> str:
    """The message alone: no detail, which holds values of rows, and none of SQLAlchemy's statements and parameters."""
    primary = getattr(getattr(link, "diag", None), "message_primary", None) or getattr(link, "message", None)
    if isinstance(primary, str) and primary:
        return primary
    if hasattr(link, "orig") and hasattr(link, "statement"):
        return ""
    text = str(link.args[0]) if len(link.args) == 1 else str(link)
    return re.sub(r"^<class '[\w.]+'>: ", "", text).partition("\nDETAIL:")[0]
