"""What can be asked, in the order the documentation lists it: one check a file, its SQL beside it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.catalog import connectivity, query, settings, size
from checks.check import Check

CATALOG: Mapping[str, Check] = {module.CHECK.kind: module.CHECK for module in (connectivity, settings, query, size)}
