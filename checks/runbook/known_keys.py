"""Which keys a parameters class knows at a place inside it, so that a misspelt one is answered with the right one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints


def known_keys(wanted: Any, path: Sequence[str | int]) -> set[str]:
    """The fields of every dataclass that may stand at `path` below `wanted`; none where any key may stand."""
    places = [wanted]
    for element in path:
        places = [below for place in places for below in _below(place, element)]
    return {name for place in places for option in _options(place) for name in _fields(option)}


def _options(wanted: Any) -> Iterator[Any]:
    """`wanted` without Annotated, a union as its branches, and a generic dataclass as the plain one."""
    origin = get_origin(wanted)
    if origin is Annotated:
        yield from _options(wanted.__origin__)
    elif origin in {Union, UnionType}:
        for option in get_args(wanted):
            yield from _options(option)
    else:
        yield origin if is_dataclass(origin) else wanted


def _below(wanted: Any, element: str | int) -> Iterator[Any]:
    for option in _options(wanted):
        if is_dataclass(option):
            hints = get_type_hints(option)
            yield from (hints[name] for name in hints if name == element)
        elif get_args(option):
            yield get_args(option)[-1 if isinstance(element, str) else 0]


def _fields(option: Any) -> Iterator[str]:
    return (field.name for field in fields(option)) if is_dataclass(option) else iter(())
