"""What may not reach a reader as it is: secrets, control characters, and text that reorders its own line.

Every string of a report passes `cleaned` once, when the report is composed; whatever is drawn from it later is clean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from checks.secrets import mask

LONGEST_TEXT = 10_000
OUR_OWN_WORDS = frozenset(
    {"format", "code", "kind", "fixes", "source", "language", "started", "finished", "sha256", "manual"}
)
PAGE_WORDS = "text"  # the page's own prose is shown whole, however long

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and newline: they move cursors and break XML
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the reading direction of what follows
    "\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """`text` with each control character, direction mark and invisible one written out, as `#x1B`.

    Line ends and tabs stay; a line end of two characters becomes one.
    """
    return _UNSEEN.sub(_spelt_out, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`text` on one line, every character visible."""
    return " ".join(visible(text).split())


def shortened(text: str, length: int) -> str:
    """At most `length` characters of `text`, the last of them an ellipsis where something was left out."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def cleaned(value: Any, field: str = "") -> Any:
    """`value` with every secret in it masked and nothing in it that JSON cannot hold, whatever its shape.

    Words of our own (codes, statuses, times) stay as they are: a password that happens to be `failed` says nothing
    there, and a masked status would be no report at all.
    """
    if value is None or isinstance(value, bool | int | Enum):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: cleaned(getattr(value, f.name), f.name) for f in fields(value)})
    if isinstance(value, Mapping):
        return {cleaned(key): cleaned(cell) for key, cell in value.items()}
    if isinstance(value, tuple | list):
        return tuple(cleaned(item, field) for item in value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    return value if field in OUR_OWN_WORDS else _clean_text(str(value), field)


def _clean_text(text: str, field: str = "") -> str:
    text = _LONE_SURROGATE.sub(_spelt_out, mask(text))
    return text if field == PAGE_WORDS or len(text) <= LONGEST_TEXT else _cut(text)


def _cut(text: str) -> str:
    return f"{text[:LONGEST_TEXT]}… ({len(text) - LONGEST_TEXT:,} more characters)"


def _spelt_out(match: re.Match[str]) -> str:
    return f"#x{ord(match[0]):02X}"
