"""What can be asked, in the order the documentation lists it: one check a file, its SQL beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from checks.check import Check

KINDS = (
    "connectivity",
    "tls",
    "schema",
    "migrations",
    "settings",
    "query",
    "size",
    "smoke",
    "connections",
    "pool",
    "pool_budget",
    "storage",
    "slow_queries",
    "indexes",
    "sequences",
    "vacuum",
    "replication",
    "roles",
    "benchmark",
    "http",
    "variables",
    "version",
    "compose",
    "backup",
    "drill",
)


class Catalog(Mapping[str, Check]):
    """Every kind by its name. A kind's module is imported when it is asked for: a page of five pays for five."""

    def __getitem__(self, kind: str) -> Check:
        if kind not in KINDS:
            raise KeyError(kind)
        check: Check = import_module(f"checks.catalog.{kind}").CHECK
        return check

    def __contains__(self, kind: object) -> bool:
        return kind in KINDS

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)


CATALOG: Mapping[str, Check] = Catalog()
