"""The question, the answer, and what asking does to the server.

A check is a generator: it yields the queries of one round trip, is sent their answers, and returns its findings. So it
reads from top to bottom, knows nothing of connections, and the runner can put the rounds of many checks on one wire.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from checks.errors import QueryFailed

Cell = str | int | float | bool | None
Engine = str
POSTGRESQL: Engine = "postgresql"
SQLITE: Engine = "sqlite"


class Effect(StrEnum):
    """What asking does to the server; live targets get `observe` unless told otherwise, and never `change`."""

    OBSERVE = "observe"
    LOAD = "load"
    CHANGE = "change"


class Severity(StrEnum):
    """What a finding that does not hold makes of its check: failed, or warned."""

    FAIL = "fail"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a chart: a value, the bounds it lies within, and how far it reaches; all in the chart's unit.

    `baseline` is what it should be, and `earlier` what it was in runs before, oldest first.
    """

    label: str
    middle: float
    low: float
    high: float
    reach: float
    baseline: float | None = None
    earlier: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Measured values side by side, which a report draws as a picture."""

    title: str
    unit: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found: a documented code, whether it holds, and a sentence a person can act on.

    `evidence` is rows of counts and names. It never holds a table's data, and neither does `folded`, which is a longer
    text, such as a plan, under the title it begins with; reports show it on demand.
    """

    code: str
    holds: bool
    sentence: str
    expected: str = ""
    observed: str = ""
    evidence: tuple[Mapping[str, Cell], ...] = ()
    severity: Severity = Severity.FAIL
    chart: Chart | None = None
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """One statement of the extended protocol.

    `keep` bounds the rows kept in memory (the rest are only counted); `fresh` asks over a new connection, which is how
    a check shows that what it wrote persists.
    """

    sql: str
    keep: int | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to one query: rows of decoded values, or the error it refused the query with.

    `seconds` runs from sending the flight the query was part of to the arrival of this answer.
    """

    columns: tuple[str, ...] = ()
    kept: tuple[tuple[Any, ...], ...] = ()
    row_count: int = 0
    seconds: float = 0.0
    error: QueryFailed | None = None

    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """The rows kept. Raises the server's `QueryFailed` where there are none because it refused."""
        if self.error is not None:
            raise self.error
        return self.kept

    @property
    def value(self) -> Any:
        """The first column of the first row, or None when no row came back."""
        return self.rows[0][0] if self.rows else None

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


Asking = Generator[Sequence[Query], Sequence[Answer], list[Finding]]


@dataclass(frozen=True, slots=True)
class Code:
    """A stable name for one outcome, and the words `invoke explain` prints. `fix` is empty where all is well."""

    meaning: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of question the catalog can ask.

    `params` is a frozen dataclass that pydantic validates; `ask` takes it and the run's circumstances. `alone` gives
    the check a thread and a connection of its own: it does more than ask queries, or it writes. `needs` are predefined
    roles without which the server hides part of the answer in silence, where it refuses nothing. `lasts` gives the
    seconds that asking takes by design, and so needs beside the run's timeout: of the parameters, the page's front
    matter, and whether everything is asked in full.
    """

    kind: str
    claim: str
    manual: str
    params: type
    ask: Callable[[Any, Any], Asking]
    codes: Mapping[str, Code]
    privileges: str
    effect: Effect = Effect.OBSERVE
    engines: frozenset[Engine] = field(default=frozenset({POSTGRESQL}))
    alone: bool = False
    needs: tuple[str, ...] = ()
    lasts: Callable[[Any, Any, bool], float] | None = None
