"""What an entry of the corpus is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.backup.shop import Healthy

Make = Callable[[Healthy, Path], Path]


@dataclass(frozen=True)
class Fault:
    """One way for a backup to be broken. `make` leaves it in a folder and gives its path; `codes` are any that do."""

    name: str
    make: Make = field(repr=False)
    codes: frozenset[str]
    caught_by: Literal["artifact", "check", "drill"]
