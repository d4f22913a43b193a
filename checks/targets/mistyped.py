"""The ways a database URL goes wrong on its way through shells, files and dashboards, each as a sentence and a hint.

The sentences go on from the name of the variable, and hold no part of the value that may be a secret.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from checks.suggest import did_you_mean

UNSET = "environment.unset"
EMPTY = "environment.empty"
UNRESOLVED = "environment.unresolved"
MALFORMED = "environment.malformed"
UNKNOWN = "environment.unknown"


class Mistake(NamedTuple):
    """What is wrong, what to do, and the documented code of it."""

    said: str
    hint: str
    code: str = MALFORMED


SCHEMES = ("postgres", "postgresql", "sqlite")
POSTGRES_DRIVERS = ("asyncpg", "pg8000", "psycopg", "psycopg2", "psycopg2cffi", "psycopg_async")
SQLITE_DRIVERS = ("aiosqlite", "pysqlite")
_KNOWN = (
    *SCHEMES,
    *(f"{base}+{driver}" for base in ("postgres", "postgresql") for driver in POSTGRES_DRIVERS),
    *(f"sqlite+{driver}" for driver in SQLITE_DRIVERS),
)
_FORM = "It should read postgresql://user:password@host:5432/database."

_REFERENCE = re.compile(r"\$\{|\{\{|\A\$\w+\Z|\A%\w+%\Z")
_WHOLE_REFERENCE = re.compile(r"\$\{\{\s*[\w.-]+\s*\}\}|\$\{[\w.-]+\}|\$\w+|\{\{\s*[\w.-]+\s*\}\}")
_PLACEHOLDER = re.compile(r"(YOUR[-_ ]?)?PASS(WORD|WD)?|[<\[{].*[>\]}]|\*+|x{3,}|X{3,}|\.{3}|…|•+")
_SECOND_HALF = {
    "http": "It is the address of a web page, perhaps of the provider's console or API.",
    "https": "It is the address of a web page, perhaps of the provider's console or API.",
    "mysql": "It is a MySQL database; pgrunbook asks PostgreSQL and SQLite.",
    "mariadb": "It is a MariaDB database; pgrunbook asks PostgreSQL and SQLite.",
    "redis": "It is a Redis server; pgrunbook asks PostgreSQL and SQLite.",
    "mongodb": "It is a MongoDB server; pgrunbook asks PostgreSQL and SQLite.",
    "prisma": "It is Prisma's accelerated address; give the database's own, often called DIRECT_URL.",
    "prisma+postgres": "It is Prisma's accelerated address; give the database's own, often called DIRECT_URL.",
    "file": "Write sqlite:///path for a SQLite file.",
}


def mistake_in_text(text: str) -> Mistake | None:
    """What is wrong with the text as a whole, or None when its parts are worth a look."""
    if not text.strip():
        return Mistake("is empty", f"Set it to the database's URL. {_FORM}", EMPTY)
    if _REFERENCE.search(text):
        return _unresolved(text)
    if text.strip()[0] in "\"'`" or text.strip()[-1] in "\"'`":
        return Mistake(
            "has a quotation mark at its beginning or end",
            "Take the quotes off: a shell removes them, but an env file or a dashboard keeps them.",
        )
    if text != text.strip():
        return Mistake(
            "has white space or a line end around it",
            "Trim it: a secret read from a file often ends with a newline.",
        )
    if re.search(r"\s", text):
        return Mistake("has white space in the middle", f"{_FORM} A space inside a password is written %20.")
    return _mistake_in_scheme(text)


def mistake_in_value(what: str, value: str) -> Mistake | None:
    """What is wrong with one decoded part of the URL: `what` is libpq's name for it."""
    if re.fullmatch(r"\$\w+", value) and what != "password":
        said = f"has a variable in it for the {what} that nothing replaced"
        return Mistake(said, "Let the shell or the platform resolve it.", UNRESOLVED)
    if what == "password" and _PLACEHOLDER.fullmatch(value):
        return Mistake(
            "still has the placeholder where the password belongs",
            "Put the real password in its place, percent-encoded; or leave it out, and let ~/.pgpass hold it.",
        )
    return None


def _unresolved(text: str) -> Mistake:
    # Only a text that is nothing but a reference is shown: in any other the `${` may be part of a password.
    shown = f"`{text.strip()}`" if _WHOLE_REFERENCE.fullmatch(text.strip()) else "a reference such as `${…}`"
    return Mistake(
        f"is or holds {shown}, which nothing has replaced by its value",
        "Copy the resolved value from the platform's dashboard, or run inside the platform, where it is resolved.",
        UNRESOLVED,
    )


def _mistake_in_scheme(text: str) -> Mistake | None:
    scheme, separator, _ = text.partition("://")
    if not separator:
        return _no_scheme(text)
    name = scheme.lower()
    if name in _KNOWN:
        return None
    if name.startswith("jdbc:"):
        hint = f"Take the `jdbc:` away, and put user and password in front of the host. {_FORM}"
        return Mistake("begins with `jdbc:`", hint)
    if re.match(r"\w+=", name):
        return Mistake(
            "begins with the name of a variable", "Take the name and its `=` away: only the URL is the value."
        )
    if name in _SECOND_HALF:
        return Mistake(f"begins with `{name}://`, which is no PostgreSQL address", _SECOND_HALF[name])
    guess = did_you_mean(name, _KNOWN)
    return Mistake("begins with a scheme that is not known", guess or _FORM)


def _no_scheme(text: str) -> Mistake:
    if re.match(r"(host|hostaddr|dbname|user|port|service)\s*=", text):
        return Mistake("is a list of libpq key words, not a URL", _FORM)
    return Mistake("has no scheme such as `postgresql://` at its beginning", _FORM)
