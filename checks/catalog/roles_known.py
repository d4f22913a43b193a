"""What a server tells of its roles, and the claims about them that are put to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.catalog.claims import Claim
from checks.check import Answer, Query

PUBLIC = "public"  # the name under which everybody is granted something; it is no role


@dataclass(frozen=True, slots=True)
class Known:
    """What the first round told: who asks, the server's major, all roles, and who can become whom."""

    login: str
    major: int
    encryption: str
    roles: Mapping[str, Mapping[str, Any]]
    members: Mapping[str, Mapping[str, bool]]

    def belongs_to(self, role: str, *, settable: bool = False) -> list[str]:
        """Every role it is a member of, directly or not; with `settable`, only those SET ROLE leads to."""
        found: dict[str, None] = {}
        waiting = [role]
        while waiting:
            for other, by_set_role in self.members.get(waiting.pop(), {}).items():
                if other not in found and (by_set_role or not settable):
                    found[other] = None
                    waiting.append(other)
        return list(found)

    def exists(self, role: str) -> bool:
        return role in self.roles or role == PUBLIC


@dataclass(frozen=True, slots=True)
class Posed:
    """One claim about one role."""

    role: str
    claim: Claim
    can: bool

    def query(self, known: Known) -> Query:
        roles = [self.role, *known.belongs_to(self.role, settable=True)]
        return Query(self.claim.query(roles, known.major, can=self.can))


def known_from(answers: Sequence[Answer]) -> Known:
    """What the answers to `server`, `roles` and `memberships` of roles.sql say."""
    [server], roles, memberships = (answer.dicts() for answer in answers)
    members: dict[str, dict[str, bool]] = {}
    for row in memberships:
        members.setdefault(row["member"], {})[row["role"]] = row["settable"]
    return Known(server["login"], server["major"], server["encryption"], {row["name"]: row for row in roles}, members)
