"""Which keys a parameters class knows at a place inside it, so that a misspelt one can be answered with the right one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints


def known_keys(wanted: Any, path: Sequence[str | int]) -> set[str]:
    """The fields of every dataclass that may stand at `path` below `wanted`; none where any key may stand."""
    places = [wanted]
    for element in path:
        places = [below for place in places for below in _below(place, element)]
    return {field.name for place in places for option in _options(place) for field in _fields(option)}


def _options(wanted: Any) -> Iterator[Any]:
    """`wanted` itself, and the branches of a union or the parts of an Annotated, all the way down."""
    yield wanted
    if not _is_container(wanted):
        for option in get_args(wanted):
            yield from _options(option)


def _is_container(wanted: Any) -> bool:
    return isinstance(getattr(wanted, "__origin__", None), type)


def _below(wanted: Any, element: str | int) -> Iterator[Any]:
    for option in _options(wanted):
        if _is_container(option):
            yield get_args(option)[-1 if isinstance(element, str) else 0]
        elif isinstance(option, type) and is_dataclass(option):
            hints = get_type_hints(option, include_extras=True)
            if element in hints:
                yield hints[str(element)]


def _fields(option: Any) -> Sequence[Any]:
    return fields(option) if isinstance(option, type) and is_dataclass(option) else ()
