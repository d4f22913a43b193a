"""The list every stage of reading adds to, so that a person repairs a page once and not five times."""

from __future__ import annotations

from typing import NamedTuple

from checks.errors import Mistake
from checks.secrets import mask


class Place(NamedTuple):
    """Where in the file, counted from 1 as editors do."""

    line: int
    column: int = 1


class Mistakes:
    """What is wrong with one file, so far. Messages are masked as they come in: a page may quote its own password."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: set[Mistake] = set()

    def add(self, place: Place, message: str, hint: str = "") -> None:
        """One more mistake. The same one told twice counts once."""
        self.found.add(Mistake(self.path, place.line, place.column, mask(message), mask(hint)))
