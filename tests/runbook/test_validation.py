"""Plain sentences for what pydantic finds, at the line where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import pytest
from annotated_types import Gt, Len

from checks.errors import Mistake
from checks.runbook.known_keys import known_keys
from checks.runbook.mistakes import Mistakes
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.validation import validate
from checks.runbook.yaml_source import Source, load
from checks.units import Duration, Size

T = TypeVar("T")


class Level(StrEnum):
    """A closed list of words."""

    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Limit(Generic[T]):
    """A class with a type parameter, as comparisons have."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    least: T | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """One field of every sort."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    level: Level = Level.LOW
    size: Size | None = None
    wait: Duration | None = None
    ratio: float = 1.0
    count: Annotated[int, Gt(0)] = 1
    names: Annotated[tuple[str, ...], Len(1)] = ("a",)
    limits: dict[str, Limit[int]] = field(default_factory=dict)
    either: int | tuple[Limit[int], ...] = 1

    def __post_init__(self) -> None:
        if self.ratio > self.count:
            raise ValueError("`ratio` must be at most `count`")


def validated(text: str) -> tuple[Parameters | None, list[Mistake]]:
    """The parameters written in `text`, and the mistakes in it."""
    mistakes = Mistakes("page.md")
    document = load(Source(text, 1), mistakes)
    assert document is not None
    found = validate(Parameters, document.data, mistakes, document=document, name="`kind`")
    return found, sorted(mistakes.found)


def test_values_become_the_types_of_the_parameters() -> None:
    """Lists are tuples, words are members, whole numbers will do for numbers, and units are understood."""
    found, mistakes = validated(
        "{level: high, size: 256MB, wait: 1min, ratio: 2, count: 2, names: [b], either: [{least: 1}]}"
    )
    assert not mistakes
    expected = Parameters(Level.HIGH, Size(2**28), Duration(60), 2.0, count=2, names=("b",), either=(Limit(1),))
    assert found == expected
    assert found is not None
    assert type(found.size) is Size


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("level: hihg", "`kind.level` must be `low` or `high`, not `hihg`", "did you mean `high`?"),
        ("level: 3", "`kind.level` must be `low` or `high`, not a whole number", ""),
        ("ratio: x", "`kind.ratio` must be a number, not text", ""),
        ("ratio: true", "`kind.ratio` must be a number, not true or false", ""),
        ("count: 1.5", "`kind.count` must be a whole number, not a number with a fraction", ""),
        ("count: null", "`kind.count` must be a whole number, not null", ""),
        ("count: 0", "`kind.count` must be greater than 0", ""),
        ("names: []", "`kind.names` must not be empty", ""),
        ("names: {a: 1}", "`kind.names` must be a list, not a mapping", ""),
        ("size: 5 parsecs", "`kind.size`: '5 parsecs' is not a size: write a number and a unit", ""),
        ("limits: {a: {lest: 1}}", "`kind.limits.a` has no key `lest`", "did you mean `least`?"),
        ("either: [{lest: 1}]", "`kind.either[0]` has no key `lest`", "did you mean `least`?"),
        ("either: x", "`kind.either` must be a whole number or a list, not text", ""),
        ("limits: {a: {zzz: 1}}", "`kind.limits.a` has no key `zzz`", "it knows least"),
    ],
)
def test_a_mistake_is_a_plain_sentence(text: str, message: str, hint: str) -> None:
    """It names the value by its path, tells what was expected and what sort of thing was found."""
    found, [mistake] = validated(text)
    assert found is None
    assert mistake.message.startswith(message)
    assert mistake.hint == hint


def test_a_branch_the_value_was_not_meant_for_says_nothing() -> None:
    """Of a union, only the branch that the value looks like is told of."""
    _, mistakes = validated("either:\n- {least: x}\n- {least: 1}\n")
    assert [(mistake.line, mistake.message) for mistake in mistakes] == [
        (2, "`kind.either[0].least` must be a whole number, not text")
    ]


def test_a_rule_about_several_keys_is_told_at_the_one_it_begins_with() -> None:
    """The whole is wrong, but this is where a person would look."""
    _, [mistake] = validated("count: 2\nratio: 3\n")
    assert (mistake.line, mistake.column, mistake.message) == (2, 8, "`kind`: `ratio` must be at most `count`")


def test_known_keys_are_found_through_containers_and_unions() -> None:
    """What may stand at a place decides which misspelling is meant."""
    assert "level" in known_keys(Parameters, ())
    assert known_keys(Parameters, ("limits", "a")) == {"least"}
    assert known_keys(Parameters, ("either", 0)) == {"least"}
    assert known_keys(Parameters, ("ratio", "a")) == set()
