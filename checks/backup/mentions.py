"""What a dump's SQL mentions that has to be there before it is restored: roles, extensions and their schemas.

A dump of one database names the roles that own and may use its objects, and does not create them.
https://www.postgresql.org/docs/current/app-pgdump.html#PG-DUMP-NOTES
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from checks.backup.internal import has_internal

MOST = 2000  # roles; a dump that names more is not to fill the catalog
_LONGEST = 63  # bytes of a name
_NAME = rb'(?:"(?:[^"\n]|"")+"|[A-Za-z_][\w$]*)'
_ROLE = re.compile(
    rb"""
    \bOWNER[ ]TO[ ](?P<owner>NAME);
    | ^(?:GRANT|REVOKE)\b[^;\n]*[ ](?:TO|FROM)[ ](?P<grantee>NAME)
        (?:[ ]WITH[ ]GRANT[ ]OPTION)? (?:[ ]GRANTED[ ]BY[ ](?P<by>NAME))? ;
    | \bFOR[ ]ROLE[ ](?P<default>NAME)\b
    | ^CREATE[ ]SCHEMA[ ](?:[^;\n]*[ ])?AUTHORIZATION[ ](?P<schema>NAME)
    | ^CREATE[ ]POLICY\b[^;\n]*[ ]TO[ ](?P<policy>NAME(?:,[ ]NAME)*)
    | ^SET[ ]SESSION[ ]AUTHORIZATION[ ]'?(?P<session>NAME)'?;
    | ^(?:CREATE|ALTER)[ ]USER[ ]MAPPING[ ](?:IF[ ]NOT[ ]EXISTS[ ])?FOR[ ](?P<mapping>NAME)
    | ^CREATE[ ]EXTENSION[ ](?:IF[ ]NOT[ ]EXISTS[ ])?(?P<extension>NAME)(?:[ ]WITH)?(?:[ ]SCHEMA[ ](?P<into>NAME))?
    """.replace(b"NAME", _NAME),
    re.MULTILINE | re.VERBOSE,
)
_ONE = re.compile(_NAME)
_NO_ROLES = frozenset({"public", "current_user", "session_user", "current_role"})


@dataclass(frozen=True, slots=True)
class Mentions:
    """Roles by name, and extensions with the schema each is created in (empty: wherever it likes).

    `internal` is whether it sets what a server keeps for itself: see `checks.backup.internal`.
    """

    roles: frozenset[str] = frozenset()
    extensions: Mapping[str, str] = field(default_factory=dict)
    internal: bool = False

    def __or__(self, other: Mentions) -> Mentions:
        extensions = {**self.extensions, **other.extensions}
        return Mentions(self.roles | other.roles, extensions, self.internal or other.internal)

    def beyond(self, known: Mentions) -> Mentions:
        """What of this `known` does not have."""
        new = {name: schema for name, schema in self.extensions.items() if name not in known.extensions}
        return Mentions(self.roles - known.roles, new)


def mentions(sql: bytes) -> Mentions:
    """What some whole lines of a dump's SQL mention. More than is meant does no harm: the roles can do nothing."""
    roles: set[str] = set()
    extensions: dict[str, str] = {}
    for match in _ROLE.finditer(sql):
        if match["extension"]:
            extensions[_plain(match["extension"])] = _plain(match["into"] or b"")
        else:
            roles.update(_roles(match))
    return Mentions(frozenset(sorted(roles)[:MOST]), extensions, has_internal(sql))


def _roles(match: re.Match[bytes]) -> Iterator[str]:
    for kind in ("owner", "grantee", "by", "default", "schema", "policy", "session", "mapping"):
        for found in _ONE.findall(match[kind] or b""):
            name = _plain(found)
            if name.lower() not in _NO_ROLES and not name.startswith("pg_") and len(name.encode()) <= _LONGEST:
                yield name


def _plain(name: bytes) -> str:
    text = name.decode(errors="replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()
