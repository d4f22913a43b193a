"""A libpq service: connection parameters under a name, in a file of the operator's own.

Read here and not by libpq, so that a missing service is one clear sentence, and the report and the `tls` check know the
host. https://www.postgresql.org/docs/current/libpq-pgservice.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from checks.errors import UsageError
from checks.suggest import did_you_mean
from checks.targets.mistyped import MALFORMED, UNSET


def service_parameters(name: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The parameters of the service `name`. Raises UsageError when no file has it, or a file cannot be read."""
    files = list(_files(variables))
    known: set[str] = set()
    for path in files:
        sections = _sections(path)
        if name in sections:
            return _parameters(name, sections[name], path)
        known |= sections.keys()
    looked = ", ".join(str(path) for path in files) or "any service file, since there is none"
    raise UsageError(
        f"The libpq service `{name}` is not in {looked}.",
        hint=did_you_mean(name, known)
        or f"Write a section [{name}] in ~/.pg_service.conf, or name the file by PGSERVICEFILE.",
        code=UNSET,
    )


def _files(variables: Mapping[str, str]) -> Iterator[Path]:
    """The user's file, then the system's, as libpq looks; only those there are, unless one is named outright."""
    named = variables.get("PGSERVICEFILE")
    user = Path(named) if named else Path("~/.pg_service.conf").expanduser()
    if named or user.is_file():
        yield user
    folder = variables.get("PGSYSCONFDIR")
    if folder and (Path(folder) / "pg_service.conf").is_file():
        yield Path(folder) / "pg_service.conf"


def _sections(path: Path) -> dict[str, list[str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"The service file {path} cannot be read: {why}.", code=MALFORMED) from error
    sections: dict[str, list[str]] = {}
    lines_of: list[str] = []
    for line in map(str.strip, lines):
        if line.startswith("[") and line.endswith("]"):
            lines_of = sections.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            lines_of.append(line)
    return sections


def _parameters(name: str, lines: list[str], path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or "://" in key:
            what = "looks itself up in LDAP" if line.startswith("ldap") else "has a line that is not key=value"
            raise UsageError(
                f"The libpq service `{name}` in {path} {what}, which pgrunbook does not read.",
                hint="Write host=…, port=…, dbname=… and user=…, one a line, with no spaces around the `=`.",
                code=MALFORMED,
            )
        found[key.strip()] = value.strip()
    return found
