"""Which PostgreSQL releases there are, and until when each major is mended: a committed table, and how old it is.

The table is `releases.json` beside this module. Nothing is fetched: a check must not need the internet to say that a
server is old. Renew the table from its `source` when minor releases come out, every three months.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("releases.json")


@dataclass(frozen=True, slots=True)
class Major:
    """One major version: its newest minor release in the table, and the day its last one comes out."""

    number: int
    minor: int
    ends: date

    @property
    def newest(self) -> str:
        """`17.11`"""
        return f"{self.number}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Releases:
    """The table: what was known on the day `as_of`, and where it is renewed from."""

    as_of: date
    source: str
    majors: Mapping[int, Major]

    def ended_before_the_table(self, major: int) -> bool:
        """Whether the major is older than all that the table still lists."""
        return major < min(self.majors)


@cache
def releases() -> Releases:
    """The committed table."""
    import json

    read = json.loads(TABLE.read_text(encoding="utf-8"))
    majors = {
        int(number): Major(int(number), one["minor"], date.fromisoformat(one["ends"]))
        for number, one in read["majors"].items()
    }
    return Releases(date.fromisoformat(read["as_of"]), read["source"], majors)
