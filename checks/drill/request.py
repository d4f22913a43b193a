"""What a drill is asked to do, and what it has in hand once the backup is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from checks.backup.artifact import Header
from checks.backup.contents import Contents
from checks.check import Finding
from checks.drilled import Budgets, Earlier
from checks.runbook.model import Runbook
from checks.targets.session import Endpoint

LIVE, LATEST = "live", "latest"


@dataclass(frozen=True, slots=True)
class Request:
    """One drill. `origin` is `live`, `latest`, a path, or an address of a bucket; never one found in a document.

    `endpoint` is where `live` is dumped from. `only` are checks of the page by name or kind; unless it `asks`, none is
    asked of the copy. `limit` is in seconds, for the dump and for the restore each. `extensions` are those the page
    allows beyond the harmless ones.
    """

    runbook: Runbook
    origin: str
    environment: str = ""
    endpoint: Endpoint | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    only: tuple[str, ...] = ()
    postgres_bin: str = ""
    budgets: Budgets = field(default_factory=Budgets)
    trend: tuple[Earlier, ...] = ()
    limit: float = 4 * 3600.0
    asks: bool = True
    extensions: frozenset[str] = frozenset()


@dataclass(slots=True)
class Acquired:
    """A backup in hand. `source` is what its manifest says, or the snapshot a live dump was made in; None without.

    `findings` are what is wrong with the artifact itself; `hashes` SHA-256 by what they are of.
    """

    path: Path
    origin: str
    header: Header
    bytes: int
    taken: datetime
    dated: str
    source: Contents | None = None
    findings: list[Finding] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    unproven: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.name
