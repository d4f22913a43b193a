"""What can be asked, in the order the documentation lists it: one check a file, its SQL beside it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.catalog import (
    connectivity,
    migrations,
    query,
    schema,
    sequences,
    settings,
    size,
    smoke,
    tls,
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
    sequences,
)

CATALOG: Mapping[str, Check] = {module.CHECK.kind: module.CHECK for module in _MODULES}
