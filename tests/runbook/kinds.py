"""Stands in for the catalog: three kinds of check with every sort of parameter, and nothing behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from checks.check import Asking, Check, Code
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.units import Duration


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Parameters that all have defaults."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    within: Duration = field(default=Duration.parse("2s"))
    tries: int = 1
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Parameters inside parameters."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    type: Literal["table", "view"] = "table"


@dataclass(frozen=True, slots=True)
class Tables:
    """Parameters of either of two shapes."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    schemas: Mapping[str, tuple[str, ...] | Mapping[str, Table]]


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters a `sql check` block fills in."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    sql: str
    expect: Mapping[str, int] = field(default_factory=lambda: {"rows": 0})


def _ask(parameters: Any, circumstances: Any) -> Asking:
    yield []
    return []


def _kind(kind: str, params: type, *codes: str) -> Check:
    return Check(
        kind, "A claim.", "https://example.org", params, _ask, {code: Code("What it means.") for code in codes}, ""
    )


KINDS: Mapping[str, Check] = {
    "connectivity": _kind("connectivity", Connectivity, "connectivity.refused", "connectivity.timeout"),
    "tables": _kind("tables", Tables, "tables.missing"),
    "query": _kind("query", Query, "query.rows"),
}
CODES: frozenset[str] = frozenset(code for check in KINDS.values() for code in check.codes)
