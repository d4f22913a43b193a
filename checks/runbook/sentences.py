"""What pydantic found wrong, in words for someone who writes runbooks and not Python.

No sentence quotes a value that could be a secret: of what was found it tells the sort, and the text itself only where
a word out of a closed list was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.suggest import did_you_mean

_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "none_required": "null",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "dict": "a mapping",
    "mapping": "a mapping",
    "dataclass": "a mapping",
}


def expected(error: Mapping[str, Any]) -> str:
    """What sort of value was expected, or empty where the error is about something else."""
    kind = str(error["type"])
    return _EXPECTED.get(kind, "") or _EXPECTED.get(kind.removesuffix("_type").removesuffix("_parsing"), "")


def found(value: Any) -> str:
    """The sort of value that was found, never the value."""
    return {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a whole number"}.get(
        type(value), "null" if value is None else "a number with a fraction"
    )


def wrong_type(name: str, errors: list[Mapping[str, Any]], value: Any) -> str:
    """One sentence for all the sorts of value that would have done."""
    sorts = list(dict.fromkeys(filter(None, map(expected, errors))))
    if "a number" in sorts and "a whole number" in sorts:
        sorts.remove("a whole number")
    return f"{name} must be {' or '.join(sorts)}, not {found(value)}"


def sentence(name: str, error: Mapping[str, Any], value: Any) -> tuple[str, str]:
    """The message and the hint for one error about `name`, where `value` was found."""
    match error["type"]:
        case "missing":
            return f"{name} lacks the key `{error['loc'][-1]}`", ""
        case "literal_error" | "enum":
            return _not_in_list(name, str(error["ctx"]["expected"]), value)
        case "value_error" | "assertion_error":
            rule = str(error["ctx"]["error"])
            return f"{name}{' ' if rule.startswith('must ') else ': '}{rule}", ""
        case "string_too_short" | "too_short" if error["ctx"]["min_length"] == 1:
            return f"{name} must not be empty", ""
    return f"{name} {_must(str(error['msg']))}", ""


def _not_in_list(name: str, listed: str, value: Any) -> tuple[str, str]:
    words = [word.strip("'") for word in listed.replace(" or ", ", ").split(", ")]
    shown = f"`{value}`" if isinstance(value, str) and len(value) <= 40 else found(value)
    hint = did_you_mean(value, words) if isinstance(value, str) else ""
    return f"{name} must be {listed.replace(chr(39), '`')}, not {shown}", hint


def _must(message: str) -> str:
    subject, should, rest = message.partition(" should ")
    return f"must {rest}" if should and " " not in subject else f"is not valid: {message[:1].lower()}{message[1:]}"
