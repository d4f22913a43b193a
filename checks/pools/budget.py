"""The arithmetic of connections: who may open how many, line by line, and the limit they must fit in together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from checks.runbook.pools import Pool

NOBODY = "a role not declared"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the sum: what it is, how it is reckoned, and so many sessions."""

    name: str
    reckoning: str
    sessions: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Lines, and the limit of the whole by its name."""

    lines: tuple[Item, ...]
    name: str
    limit: int

    @property
    def total(self) -> int:
        """All lines together."""
        return sum(line.sessions for line in self.lines)

    @property
    def fits(self) -> bool:
        """Whether the limit holds them."""
        return self.total <= self.limit

    def rows(self) -> tuple[Mapping[str, str | int], ...]:
        """The arithmetic as evidence: each line, the total, the limit, and what is left or missing."""
        left = self.limit - self.total
        rows: list[Mapping[str, str | int]] = [
            {"item": line.name, "reckoning": line.reckoning, "sessions": line.sessions} for line in self.lines
        ]
        rows += [
            {
                "item": "in all",
                "reckoning": " + ".join(str(line.sessions) for line in self.lines),
                "sessions": self.total,
            },
            {"item": self.name, "reckoning": "the limit", "sessions": self.limit},
            {"item": "left" if left >= 0 else "missing", "reckoning": f"{self.limit} - {self.total}", "sessions": left},
        ]
        return tuple(rows)


@dataclass(frozen=True, slots=True)
class Bouncer:
    """What PgBouncer passes on: `pool_size` for each role and database, at most `most_of_database`; 0 is no limit.

    https://www.pgbouncer.org/config.html
    """

    pool_size: int
    most_clients: int
    reserve: int = 0
    most_of_database: int = 0

    def passes_on(self, roles: int) -> int:
        """Sessions that so many roles' clients have with the server at the most."""
        wanted = roles * (self.pool_size + self.reserve)
        return min(wanted, self.most_of_database) if self.most_of_database else wanted


def of_services(pools: Mapping[str, Pool]) -> Iterator[Item]:
    """What each service may open, itself."""
    for service, pool in pools.items():
        beyond = pool.most - pool.size
        one = f"({pool.size} + {beyond})" if pool.is_sqlalchemy else str(pool.size)
        yield Item(service, f"{pool.instances} * {one}", pool.instances * pool.most)


def direct(pools: Mapping[str, Pool]) -> dict[str, Pool]:
    """Those that connect to the server themselves."""
    return {service: pool for service, pool in pools.items() if not pool.pgbouncer}


def pooled(pools: Mapping[str, Pool]) -> dict[str, Pool]:
    """Those that connect through PgBouncer."""
    return {service: pool for service, pool in pools.items() if pool.pgbouncer}


def through(bouncer: Bouncer, pools: Mapping[str, Pool]) -> Item:
    """What PgBouncer opens for the services behind it: one pool for each of their roles."""
    roles = sorted({pool.role or NOBODY for pool in pooled(pools).values()})
    one = f"({bouncer.pool_size} + {bouncer.reserve})" if bouncer.reserve else str(bouncer.pool_size)
    capped = f", at most {bouncer.most_of_database}" if bouncer.most_of_database else ""
    return Item(f"PgBouncer for {', '.join(roles)}", f"{len(roles)} * {one}{capped}", bouncer.passes_on(len(roles)))
