"""What a page may expect of a number, a size or a value: a small closed set of comparisons, and no language.

Whoever needs more says it in SQL, and expects `true`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from checks.check import Answer
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.units import Size, seconds

T = TypeVar("T")
Scalar = bool | int | float | str

_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_WORDS = {
    "eq": "{}",
    "ne": "not {}",
    "lt": "less than {}",
    "le": "at most {}",
    "gt": "more than {}",
    "ge": "at least {}",
}


class ScalarMeansEq:
    """Lets a page write `100` for `{eq: 100}`. A marker for `Annotated`, used where a page is read."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        comparison, scalar = handler(source), handler.generate_schema(source.__args__[0])
        return core_schema.no_info_before_validator_function(
            cls._as_comparison,
            comparison,
            json_schema_input_schema=core_schema.union_schema([scalar, comparison]),
        )

    @staticmethod
    def _as_comparison(value: Any) -> Any:
        if isinstance(value, Comparison):
            return value
        # Past this validator a list of the page is a Python list, which strictness would not take for a tuple.
        given = value if isinstance(value, dict) else {"eq": value}
        return {key: tuple(operand) if isinstance(operand, list) else operand for key, operand in given.items()}


@dataclass(frozen=True, slots=True)
class Comparison(Generic[T]):
    """One value held against others; where several operators are given, all of them must hold. `{ge: 1, lt: 10}`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    eq: T | None = None
    ne: T | None = None
    lt: T | None = None
    le: T | None = None
    gt: T | None = None
    ge: T | None = None
    one_of: tuple[T, ...] = ()

    def __post_init__(self) -> None:
        if not self.one_of and not any(True for _ in self._given()):
            raise ValueError("a comparison needs a value, or one of eq, ne, lt, le, gt, ge and one_of")

    def _given(self) -> Iterator[tuple[str, T]]:
        for name in _HOLDS:
            operand = getattr(self, name)
            if operand is not None:
                yield name, operand

    @property
    def operands(self) -> tuple[T, ...]:
        """Every value the page names here."""
        return (*(operand for _, operand in self._given()), *self.one_of)

    @property
    def ordered(self) -> tuple[T, ...]:
        """The values that the page wants more or less than, which only numbers, sizes and times have."""
        return tuple(operand for name, operand in self._given() if name not in {"eq", "ne"})

    @property
    def orders(self) -> bool:
        """Whether an operator asks for more or less."""
        return bool(self.ordered)

    def holds(self, observed: Any) -> bool:
        """Whether every operator holds. NULL never does, and neither do values that cannot be compared."""
        if observed is None:
            return False
        among = not self.one_of or any(_compare("eq", observed, operand) for operand in self.one_of)
        return among and all(_compare(name, observed, operand) for name, operand in self._given())

    def translated(self, into: Callable[[T], Any]) -> Comparison[Any]:
        """The same comparison with every operand passed through `into`."""
        given = {name: into(operand) for name, operand in self._given()}
        return Comparison(**given, one_of=tuple(into(operand) for operand in self.one_of))

    def describe(self, show: Callable[[T], str] = str) -> str:
        """`at least 1 and less than 10`, with every operand written by `show`."""
        words = [_WORDS[name].format(show(operand)) for name, operand in self._given()]
        if self.one_of:
            words.append("one of " + ", ".join(show(operand) for operand in self.one_of))
        return " and ".join(words)


Count = Annotated[Comparison[int], ScalarMeansEq]
Limit = Annotated[Comparison[Size], ScalarMeansEq]
Value = Annotated[Comparison[Scalar], ScalarMeansEq]


def _compare(name: str, observed: Any, operand: Any) -> bool:
    left, right = _alike(observed, operand)
    try:
        return bool(_HOLDS[name](left, right))
    except TypeError:  # a text is neither more nor less than a number
        return False


def _alike(observed: Any, operand: Any) -> tuple[Any, Any]:
    """Both as one type: 1.10 of the server is 1.1 of the page, and an interval is compared with a duration."""
    if isinstance(observed, Decimal) and isinstance(operand, float):
        return observed, Decimal(repr(operand))
    if isinstance(observed, timedelta) and isinstance(operand, str):
        try:
            return observed.total_seconds(), seconds(operand)
        except ValueError:
            return observed, operand
    return observed, operand


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a query's answer should be: a number of rows, or the one value it returns."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    rows: Count | None = None
    value: Value | None = None

    def __post_init__(self) -> None:
        if (self.rows is None) == (self.value is None):
            raise ValueError("an expectation is either `rows` or `value`")

    @property
    def _single(self) -> Comparison[Scalar]:
        if self.value is None:
            raise LookupError("an expectation of rows has no value")
        return self.value

    def __str__(self) -> str:
        if self.rows is not None:
            return f"{self.rows.describe(show_count)} row{'' if self.rows.operands == (1,) else 's'}"
        return self._single.describe(show_scalar)

    def met_by(self, answer: Answer) -> bool:
        """Whether the answer is as expected. Raises QueryFailed where the server refused the query."""
        if answer.error is not None:
            raise answer.error
        if self.rows is not None:
            return self.rows.holds(answer.row_count)
        return is_single(answer) and self._single.holds(answer.value)

    def observed(self, answer: Answer) -> str:
        """The answer in words that may stand in a report: a text of the database is shown only if the page names it."""
        if self.value is None:
            return rows_of(answer.row_count)
        if is_single(answer):
            return shown(answer.value, self.value.operands)
        return _shape(answer)


def is_single(answer: Answer) -> bool:
    """Whether the answer is exactly one value: one row of one column, and not NULL."""
    return answer.row_count == 1 and len(answer.columns) == 1 and answer.value is not None


def _shape(answer: Answer) -> str:
    if len(answer.columns) != 1:
        return f"{rows_of(answer.row_count)} of {len(answer.columns)} columns"
    return "NULL" if answer.row_count == 1 else rows_of(answer.row_count)


def rows_of(count: int) -> str:
    """`no rows`, `1 row`, `12 rows`."""
    return f"{show_count(count)} row{'' if count == 1 else 's'}"


def show_count(count: int) -> str:
    """`no` for 0, and `12,345`."""
    return f"{count:,}" if count else "no"


def show_scalar(value: Scalar) -> str:
    """A value as SQL and YAML both write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown(value: Any, named_by_page: tuple[Scalar, ...]) -> str:
    """A value as a report may show it: numbers and times as they are, a text only if the page names it."""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and value in named_by_page):
        return show_scalar(value)
    if isinstance(value, Decimal | date | time | timedelta):
        return str(value)
    kind = f"text of {len(value)} characters" if isinstance(value, str) else f"value of type {type(value).__name__}"
    return f"a {kind}"
