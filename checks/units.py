"""Durations, sizes and shares as people and PostgreSQL write them, in one place.

PostgreSQL's kB, MB and GB are powers of 1024, and its minutes are `min`:
https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES
"""

from __future__ import annotations

import re
from typing import Any

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40, "PB": 2**50}
_BYTES_BY_LOWER_CASE = {unit.lower(): factor for unit, factor in _BYTES.items()}
_PART = r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|m|h|d)"
_DURATION = re.compile(rf"(?:{_PART}\s*)+")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGTP]?B)", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def seconds(text: str) -> float:
    """`"1h30m"` as 5400.0. Raises ValueError, saying what is accepted, for a bare number or an unknown unit."""
    if not _DURATION.fullmatch(text.strip()):
        raise ValueError(
            f"{text!r} is not a duration: write a number and a unit, such as 500ms, 30s, 10min, 24h or 90d"
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))


def size_bytes(text: str) -> int:
    """`"256MB"` as 268435456. Raises ValueError, saying what is accepted, for a bare number or an unknown unit."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(
            f"{text!r} is not a size: write a number and a unit, such as 8kB, 256MB or 1GB (powers of 1024)"
        )
    return int(float(match[1]) * _BYTES_BY_LOWER_CASE[match[2].lower()])


def show_seconds(value: float) -> str:
    """0.0042 as `4.2 ms`, 90 as `1 min 30 s`: at most two units, so that it is read at a glance."""
    if value < 1:
        return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    for unit, above, below in ((60, "min", "s"), (3600, "h", "min"), (86400, "d", "h")):
        if value < unit * (60 if unit < 3600 else 24) or unit == 86400:
            large, rest = divmod(round(value), unit)
            small = rest // {60: 1, 3600: 60, 86400: 3600}[unit]
            return f"{large} {above} {small} {below}" if small else f"{large} {above}"
    raise AssertionError("every duration has a unit")


def show_bytes(value: float) -> str:
    """8_388_608 as `8 MB`: one decimal only where it says something."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or value == int(value) else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} PB"


class Duration(float):
    """Seconds, written in a runbook as `30s` or `1h30m`."""

    def __str__(self) -> str:
        return show_seconds(self)

    @classmethod
    def parse(cls, value: object) -> Duration:
        """A duration from runbook text. Raises ValueError for anything but text with a unit, or a Duration."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError(f"{value!r} has no unit: write a duration such as 500ms, 30s or 10min")
        return cls(seconds(value))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return _parsed_text(cls.parse, r"^(\d+(\.\d+)?\s*(us|ms|s|min|m|h|d)\s*)+$", ["500ms", "30s", "10min"])


class Size(int):
    """Bytes, written in a runbook in PostgreSQL's units: `256MB` is 2^28."""

    def __str__(self) -> str:
        return show_bytes(self)

    @classmethod
    def parse(cls, value: object) -> Size:
        """A size from runbook text. Raises ValueError for anything but text with a unit, or a Size."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError(f"{value!r} has no unit: write a size such as 8kB, 256MB or 1GB")
        return cls(size_bytes(value))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return _parsed_text(cls.parse, r"^\d+(\.\d+)?\s*([kKmMgGtTpP]?[bB])$", ["8kB", "256MB", "1GB"])


class Percent(float):
    """A share of a whole, written in a runbook as `80%`."""

    def __str__(self) -> str:
        return f"{self:g}%"

    def of(self, whole: float) -> float:
        """So much of `whole`."""
        return whole * self / 100

    @classmethod
    def parse(cls, value: object) -> Percent:
        """A percentage from runbook text. Raises ValueError for anything but a number with `%`, or a Percent."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str) or not (match := _PERCENT.fullmatch(value.strip())):
            raise ValueError(f"{value!r} is not a percentage: write a number and the sign, such as 80%")
        return cls(match[1])

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return _parsed_text(cls.parse, r"^\d+(\.\d+)?\s*%$", ["80%", "2.5%"])


def _parsed_text(parse: Any, pattern: str, examples: list[str]) -> Any:
    # pydantic_core is imported here and not above: a cached runbook is run without pydantic.
    from pydantic_core import core_schema

    text = core_schema.str_schema(pattern=pattern, metadata={"pydantic_js_updates": {"examples": examples}})
    return core_schema.no_info_plain_validator_function(parse, json_schema_input_schema=text)
