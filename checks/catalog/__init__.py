"""What can be asked, in the order the documentation lists it: one check a file, its SQL beside it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.catalog import (
    connections,
    connectivity,
    http,
    indexes,
    migrations,
    query,
    replication,
    roles,
    schema,
    sequences,
    settings,
    size,
    slow_queries,
    smoke,
    storage,
    tls,
    vacuum,
    variables,
    version,
)
from checks.check import Check

_MODULES = (
    connectivity,
    tls,
    schema,
    migrations,
    settings,
    query,
    size,
    smoke,
    connections,
    storage,
    slow_queries,
    indexes,
    sequences,
    vacuum,
    replication,
    roles,
    http,
    variables,
    version,
)

CATALOG: Mapping[str, Check] = {module.CHECK.kind: module.CHECK for module in _MODULES}
