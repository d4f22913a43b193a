"""Every sequence has numbers left, also for the column it feeds, and none that feeds a column starts over.

A sequence that runs out refuses the next insert, at whatever hour that comes. The column is often the narrower of the
two: a sequence of an old schema counts to nine quintillions, and feeds an `integer` that ends at 2,147,483,647. One
that cycles gives numbers out twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.inventory import Names
from checks.catalog.names import Name, is_are, plural, qualified, some
from checks.catalog.sql import statements
from checks.check import Answer, Asking, Cell, Check, Code, Finding, Query
from checks.errors import CouldNotTell
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.units import Percent

EXAMPLE = "sequences: {used: 60%, may_cycle: [game.turn_seq]}"

SHOWN = 10
# https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT; other types end later than any sequence.
LARGEST: Mapping[str, int] = {"smallint": 2**15 - 1, "integer": 2**31 - 1}
Row = Mapping[str, Any]
_NO_COLUMN: Row = {"schema": "", "parent": "", "name": "", "type": ""}


@dataclass(frozen=True, slots=True)
class Parameters:
    """How much of a sequence may be used up, and which sequences are judged otherwise."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    used: Percent = field(
        default=Percent(75),
        metadata={"description": "How much of its numbers a sequence, or the column it feeds, may have used up."},
    )
    may_cycle: Names = field(
        default=(), metadata={"description": "Sequences that feed a column and may start over (`CYCLE`) all the same."}
    )
    ignore: Names = field(default=(), metadata={"description": "Sequences that are not judged."})


@dataclass(frozen=True, slots=True)
class Supply:
    """The numbers of one sequence: from `first` to `end` in steps, as far as `last`; None if none was given out.

    `column` is what it feeds, and `narrower` whether that, and not the sequence, is what ends first.
    """

    name: Name
    first: int
    end: int
    step: int
    last: int | None
    cycles: bool
    readable: bool
    column: str
    narrower: bool

    @property
    def used(self) -> float:
        """How many of its numbers are gone, in percent."""
        return (
            0.0 if self.last is None else 100 * self._steps(self.first, self.last) / self._steps(self.first, self.end)
        )

    @property
    def left(self) -> int:
        """How many numbers can still be given out."""
        return max(0, self._steps(self.first if self.last is None else self.last + self.step, self.end))

    @property
    def evidence(self) -> Mapping[str, Cell]:
        return {"sequence": str(self.name), "column": self.column, "used %": round(self.used, 1), "left": self.left}

    def _steps(self, start: int, end: int) -> int:
        return (end - start) // self.step + 1


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:  # noqa: ARG001 - every check is given both
    """Every sequence in one round. Raises CouldNotTell where this role may not see how far one has come."""
    sql = statements("sequences")
    sequences, columns = yield [Query(sql["sequences"]), Query(sql["columns"])]
    ignored = {qualified(name) for name in parameters.ignore}
    judged = [supply for supply in _supplies(sequences, columns) if supply.name not in ignored]
    return [*_broken(parameters, judged)] or [_headroom(parameters, judged)]


def _supplies(sequences: Answer, columns: Answer) -> Iterator[Supply]:
    """A sequence that feeds several columns once for each."""
    fed: dict[int, list[Row]] = {}
    for found in columns.dicts():
        fed.setdefault(found["id"], []).append(found)
    for row in sequences.dicts():
        for column in fed.get(row["id"], [_NO_COLUMN]):
            yield _supply(row, column)


def _supply(row: Row, column: Row) -> Supply:
    step, lowest, highest = int(row["step"]), int(row["lowest"]), int(row["highest"])
    largest = LARGEST.get(column["type"], 0)
    first, own, ends = (lowest, highest, largest) if step > 0 else (highest, lowest, -largest - 1)
    narrower = column["type"] in LARGEST and (own - ends) * step > 0
    return Supply(
        name=Name(row["schema"], row["name"]),
        first=first,
        end=ends if narrower else own,
        step=step,
        last=None if row["last"] is None else int(row["last"]),
        cycles=row["cycles"],
        readable=row["readable"],
        column=f"{Name(column['schema'], column['parent'])}.{column['name']}" if column["name"] else "",
        narrower=narrower,
    )


def _broken(parameters: Parameters, supplies: Sequence[Supply]) -> Iterator[Finding]:
    low = [supply for supply in supplies if supply.used > parameters.used and not (supply.cycles and not supply.column)]
    may_cycle = {qualified(name) for name in parameters.may_cycle}
    again = [supply for supply in supplies if supply.cycles and supply.column and supply.name not in may_cycle]
    limit = f"at most {parameters.used} used"
    for code, found in (
        ("sequences.nearly_used", [supply for supply in low if not supply.narrower]),
        ("sequences.column_nearly_full", [supply for supply in low if supply.narrower]),
    ):
        if found:
            yield Finding(code, False, _how_low(found), limit, _worst(found), _evidence(found))
    if again:
        names = some(f"{supply.name} of {supply.column}" for supply in again)
        start = "starts over at its end" if len(again) == 1 else "start over at their end"
        sentence = f"{plural(len(again), 'sequence')} {start} and would give numbers out twice: {names}."
        yield Finding("sequences.cycles", False, sentence, "no CYCLE", names, _evidence(again))


def _how_low(found: Sequence[Supply]) -> str:
    [worst, *others] = sorted(found, key=lambda supply: -supply.used)
    ends = f" before column {worst.column} is full" if worst.narrower else ""
    more = f"; {plural(len(others), 'other sequence')} {is_are(others)} low, too" if others else ""
    return f"Sequence {worst.name} has used {worst.used:.1f}% of its numbers; {worst.left:,} are left{ends}{more}."


def _headroom(parameters: Parameters, supplies: Sequence[Supply]) -> Finding:
    """That all is well, which needs every sequence to be seen."""
    unseen = sorted({str(supply.name) for supply in supplies if not supply.readable})
    if unseen:
        raise CouldNotTell(
            f"This role may not see how far {plural(len(unseen), 'sequence')} {is_are(unseen)} used: {some(unseen)}.",
            code="run.not_permitted",
            hint="`GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO role`, or membership in `pg_read_all_data`",
        )
    count = len({supply.name for supply in supplies})
    if not count:
        return Finding("sequences.headroom", True, "There is no sequence to judge: nothing here can run out.")
    most = max(supplies, key=lambda supply: supply.used)
    sentence = f"{plural(count, 'sequence')} {'has' if count == 1 else 'have'} numbers left; the most used is "
    sentence += f"{most.name}, {most.used:.1f}%."
    limit = f"at most {parameters.used} used"
    return Finding("sequences.headroom", True, sentence, limit, _worst(supplies), _evidence(supplies))


def _worst(supplies: Sequence[Supply]) -> str:
    return f"{max(supply.used for supply in supplies):.1f}% used"


def _evidence(supplies: Sequence[Supply]) -> tuple[Mapping[str, Cell], ...]:
    return tuple(supply.evidence for supply in sorted(supplies, key=lambda supply: -supply.used)[:SHOWN])


CODES: Mapping[str, Code] = {
    "sequences.headroom": Code("Every sequence, and every column one feeds, has numbers left."),
    "sequences.nearly_used": Code(
        "A sequence has given out more of its numbers than the page allows.",
        "After its last number every `nextval` fails with `reached maximum value of sequence`, and so does each insert "
        "that takes its key from there.",
        "`ALTER SEQUENCE … AS bigint` or `MAXVALUE …` gives it more; the column must hold them, too. If it counts far "
        "faster than rows are kept, look for inserts that fail or `ON CONFLICT DO NOTHING`: each takes a number.",
    ),
    "sequences.column_nearly_full": Code(
        "A column that is narrower than the sequence which feeds it has taken more of its values than the page allows.",
        "The sequence goes on, and every insert fails with `integer out of range`. Widening the column then rewrites "
        "the table under a lock that stops everything.",
        "`ALTER TABLE … ALTER COLUMN … TYPE bigint` while it is still small; for a large table add a `bigint` column, "
        "fill it in batches and swap them. Columns that refer to it need the same.",
    ),
    "sequences.cycles": Code(
        "A sequence that feeds a column is set to start over after its last number.",
        "From that day on it gives out numbers that are in use: inserts fail on the unique key, or without one, two "
        "rows have the same number.",
        "`ALTER SEQUENCE … NO CYCLE`. If it is meant, list it under `may_cycle`.",
    ),
}

CHECK = Check(
    kind="sequences",
    claim="Every sequence, and the column it feeds, has numbers left.",
    manual="https://www.postgresql.org/docs/current/sql-createsequence.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="SELECT or USAGE on every sequence, as `pg_read_all_data` has it.",
)
