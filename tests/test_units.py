"""Durations and sizes read as people and PostgreSQL write them."""

from __future__ import annotations

import pytest

from checks.units import Duration, Percent, Size, seconds, show_bytes, show_seconds, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500ms", 0.5), ("30s", 30.0), ("10min", 600.0), ("5m", 300.0), ("1h30m", 5400.0), ("90d", 7_776_000.0)],
)
def test_durations_carry_a_unit(text: str, expected: float) -> None:
    """A duration is its numbers times its units, added up."""
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["30", "", "s", "5 weeks", "-5s", "5s!"])
def test_anything_else_is_not_a_duration(text: str) -> None:
    """A bare number is refused: nobody can see whether it means seconds or milliseconds."""
    with pytest.raises(ValueError, match="is not a duration: write a number and a unit"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("256MB", 2**28), ("8kB", 8192), ("8KB", 8192), ("1GB", 2**30), ("10 B", 10)]
)
def test_sizes_are_powers_of_1024(text: str, expected: int) -> None:
    """256MB is 2^28, as the server has it, not 256 million."""
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["256", "MB", "1 XB", "1.5.2GB"])
def test_anything_else_is_not_a_size(text: str) -> None:
    """A bare number is refused: PostgreSQL's own unit for it differs from setting to setting."""
    with pytest.raises(ValueError, match="is not a size: write a number and a unit"):
        size_bytes(text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0042, "4.2 ms"),
        (0.5, "500 ms"),
        (3.04, "3.0 s"),
        (59.99, "60.0 s"),
        (90, "1 min 30 s"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (90_000, "1 d 1 h"),
        (7_776_000, "90 d"),
    ],
)
def test_durations_are_shown_in_two_units_at_most(value: float, shown: str) -> None:
    """A duration in a report is read at a glance."""
    assert show_seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 kB"), (8 * 2**20, "8 MB"), (2**50, "1.0 PB")]
)
def test_sizes_are_shown_in_postgresqls_units(value: int, shown: str) -> None:
    """A size in a report is in the unit a person would write it in."""
    assert show_bytes(value) == shown


def test_a_duration_and_a_size_show_as_they_are_written() -> None:
    """Parameters print themselves in the runbook's words."""
    assert (str(Duration.parse("90s")), str(Size.parse("256MB"))) == ("1 min 30 s", "256 MB")


def test_a_percentage_is_a_number_with_its_sign() -> None:
    """`80%` of 50 is 40; a bare 80 might mean sessions, and is refused."""
    assert (Percent.parse("80%").of(50), str(Percent.parse("2.5 %"))) == (40, "2.5%")
    assert Percent.parse(Percent(80)) == Percent(80)
    for wrong in ("80", 80, 0.8, "%", "-5%", "8e1%", None):
        with pytest.raises(ValueError, match="is not a percentage"):
            Percent.parse(wrong)
