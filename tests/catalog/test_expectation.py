"""Comparisons: what holds, and how they are put in words."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from checks.catalog.expectation import Comparison, Count, Expectation, Limit, Value


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (100, "100"),
        ({"ne": 0}, "not 0"),
        ({"ge": 1, "lt": 10}, "at least 1 and less than 10"),
        ({"one_of": [1, 2]}, "one of 1, 2"),
        ({"gt": 1, "le": 5}, "more than 1 and at most 5"),
    ],
)
def test_a_comparison_reads_as_words(written: Any, words: str) -> None:
    """Each operator has its words, and a bare value stands for itself."""
    assert TypeAdapter(Count).validate_python(written).describe() == words


@given(st.integers(), st.integers())
def test_comparisons_are_those_of_numbers(observed: int, operand: int) -> None:
    """The six operators mean what they mean in SQL."""
    assert Comparison(eq=operand).holds(observed) == (observed == operand)
    assert Comparison(ne=operand).holds(observed) == (observed != operand)
    assert Comparison(lt=operand).holds(observed) == (observed < operand)
    assert Comparison(le=operand).holds(observed) == (observed <= operand)
    assert Comparison(gt=operand).holds(observed) == (observed > operand)
    assert Comparison(ge=operand).holds(observed) == (observed >= operand)
    assert Comparison(one_of=(operand,)).holds(observed) == (observed == operand)


@pytest.mark.parametrize("comparison", [Comparison(eq=0), Comparison(ne=0), Comparison(lt=1), Comparison(one_of=(0,))])
def test_null_never_holds(comparison: Comparison[int]) -> None:
    """NULL is no value, so nothing is true of it, not even that it differs."""
    assert not comparison.holds(None)


def test_decimals_compare_as_they_are_written() -> None:
    """1.10 of the server is 1.1 of the page, whatever binary fractions make of it."""
    assert Comparison(eq=1.1).holds(Decimal("1.10"))
    assert not Comparison(gt=1.1).holds(Decimal("1.10"))


def test_an_interval_compares_with_a_duration() -> None:
    """An interval of the server is compared with a duration in the page's spelling, and with nothing else."""
    assert Comparison(lt="1min").holds(timedelta(seconds=59))
    assert not Comparison(lt="1min").holds(timedelta(seconds=60))
    assert not Comparison(lt="soon").holds(timedelta(seconds=1))


@pytest.mark.parametrize("written", [{}, None, {"gte": 1}, {"eq": [1]}, {"one_of": []}])
def test_an_empty_or_misspelt_comparison_is_a_mistake(written: Any) -> None:
    """A comparison without an operator would hold of everything."""
    with pytest.raises(ValidationError):
        TypeAdapter(Value).validate_python(written)


def test_sizes_are_in_units_of_1024() -> None:
    """256MB is 2^28, as it is to PostgreSQL."""
    assert TypeAdapter(Limit).validate_python("256MB").eq == 2**28
    with pytest.raises(ValidationError, match="no unit"):
        TypeAdapter(Limit).validate_python({"lt": 256})


def test_zero_and_false_are_values() -> None:
    """0 and false are expectations, and not their absence."""
    assert TypeAdapter(Count).validate_python(0).holds(0)
    assert TypeAdapter(Value).validate_python(False).holds(False)


def test_expectations_are_kept_in_the_cache() -> None:
    """A page read before is unpickled, so expectations must come back as they were."""
    expectation = TypeAdapter(Expectation).validate_python({"value": {"ge": 1}})
    assert pickle.loads(pickle.dumps(expectation)) == expectation


def test_the_schema_for_editors_allows_the_bare_value() -> None:
    """Editors are told that a value may stand for `eq`."""
    schema = json.dumps(TypeAdapter(Count).json_schema())
    assert '"anyOf": [{"type": "integer"}' in schema
