"""Files of environment variables, and the references between services in them, read without filling anything in.

A value is held here to be compared, and never printed: whatever a message shows of it is the name of a service and a
variable. https://docs.railway.com/guides/variables describes the references.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from checks.errors import CouldNotTell

LARGEST = 2**20  # bytes; a file of variables is a page or two
UNREADABLE = "variables.unreadable"
_REFERENCE = re.compile(r"\$\{\{\s*(?P<service>[^{}.]+?)\s*\.\s*(?P<variable>[A-Za-z_]\w*)\s*\}\}")
_URL_WITH_PASSWORD = re.compile(r"\A[A-Za-z][\w+.-]*://[^\s/?#:@]*:(?P<password>[^\s/?#]+)@")


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """`${{Postgres-OG9n.DATABASE_URL}}`: what the platform puts in its place is a variable of another service."""

    service: str
    variable: str

    def __str__(self) -> str:
        return f"${{{{{self.service}.{self.variable}}}}}"


def references(value: str) -> tuple[Reference, ...]:
    """Every reference in a value, in its order."""
    return tuple(Reference(match["service"], match["variable"]) for match in _REFERENCE.finditer(value))


def holds_password(value: str) -> bool:
    """Whether a value is a URL with a password in it that is written out, and no reference."""
    match = _URL_WITH_PASSWORD.match(value)
    return match is not None and "${" not in match["password"]


def read(folder: Path, name: str) -> dict[str, str]:
    """The variables of the file `name` in `folder`, nothing filled in; the last line of a name is the one that counts.

    Raises CouldNotTell (`variables.no_file`, `variables.unreadable`), naming the file and never a line of it.
    """
    path = folder / name
    if not path.is_file():
        raise CouldNotTell(
            f"The file of variables {name} is not there.",
            code="variables.no_file",
            hint=f"Paths are relative to {folder}. Write the service's variables into it, as the platform's editor has "
            "them, or correct `file` in the page.",
        )
    try:
        with path.open("rb") as stream:
            found = stream.read(LARGEST + 1)
        text = found.decode("utf-8-sig")
    except OSError as failure:
        raise _unreadable(name, failure.strerror or "it cannot be opened") from None
    except UnicodeDecodeError:
        raise _unreadable(name, "it is no UTF-8 text") from None
    if len(found) > LARGEST:
        raise _unreadable(name, "it is larger than 1 MB")
    return _parsed(name, text)


def _parsed(name: str, text: str) -> dict[str, str]:
    import io

    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise _unreadable(name, f"line {binding.original.line} is no `NAME=value`")
        if binding.key is not None:
            values[binding.key] = binding.value or ""
    return values


def _unreadable(name: str, why: str) -> CouldNotTell:
    return CouldNotTell(
        f"The file of variables {name} cannot be read: {why}.",
        code=UNREADABLE,
        hint="Write one `NAME=value` a line, in UTF-8.",
    )
