"""Rules about one value, for `Annotated`: each is told at its own key, whatever else is wrong beside it.

A rule about several keys together is a ValueError in `__post_init__`, which is only reached when each is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True, slots=True)
class Where:
    """A value for which `holds`; `otherwise` goes on from the key to a sentence. `pattern` is for the JSON Schema."""

    holds: Callable[[Any], object]
    otherwise: str
    pattern: str = ""

    def check(self, value: Any) -> Any:
        """`value`. Raises ValueError where the rule does not hold."""
        if not self.holds(value):
            raise ValueError(self.otherwise)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        # pydantic_core is imported here and not above: a cached runbook is run without pydantic.
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        found = handler(schema)
        return {**found, "pattern": f"^{self.pattern}$"} if self.pattern else found


def form(pattern: str, otherwise: str) -> Where:
    """Text of which all matches `pattern`."""
    return Where(re.compile(pattern).fullmatch, otherwise, pattern)


Slug = Annotated[
    str, form(r"[a-z0-9]+([-_][a-z0-9]+)*", "must be lower-case letters and digits, with single - or _ between them")
]
Line = Annotated[
    str, form(r"\S([^\n]{0,198}\S)?", "must be one line of at most 200 characters, with no space around it")
]
Attribute = Annotated[str, form(r"[\w.]+:[\w.]+", "must be written as module:attribute, such as models:Base.metadata")]
Major = Annotated[int, Where(range(9, 100).__contains__, "must be a major version of PostgreSQL, such as 16")]
Image = Annotated[
    str,
    form(
        r"[A-Za-z0-9]([A-Za-z0-9._/:@-]|\{major\}){0,254}",
        "must be the name of an image, such as postgres:16-alpine or registry.example/postgis:{major}",
    ),
]
ServiceName = Annotated[str, form(r"[A-Za-z0-9._-]+", "must be a name of the compose file, such as postgres")]
ProjectName = Annotated[
    str, form(r"[a-z0-9][a-z0-9_-]*", "must be lower-case letters, digits, - and _, as Compose names projects")
]
Positive = Annotated[int, Where(lambda number: number > 0, "must be 1 or more")]
SettingName = Annotated[
    str, form(r"[A-Za-z_][A-Za-z0-9_.]*", "must be the name of a setting, as postgresql.conf has it")
]
ExtensionName = Annotated[
    str, form(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", "must be the name of an extension, such as plpython3u or uuid-ossp")
]
