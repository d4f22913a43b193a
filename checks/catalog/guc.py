"""Settings as the server and people write them: 32768 pages of 8 kB are 256MB, and `on` is true.

https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from checks.catalog.expectation import Comparison, Scalar

_MEMORY = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_TIME = {"us": 1, "ms": 1000, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}
_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_BOOLEANS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


class Incomparable(ValueError):
    """What the page names can never be a value of this setting, or not be ordered; the sentence says why."""


def is_amount(written: Scalar) -> bool:
    """Whether it can be the value of some setting that has an order: a number, alone or before a unit there is."""
    if not isinstance(written, str):
        return not isinstance(written, bool)
    match = _AMOUNT.fullmatch(written.strip())
    return match is not None and match[2] in {"", *_MEMORY, *_TIME}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of pg_settings: the text of its value, its unit (`8kB`, or None), its type and when it may change.

    `custom` is one the server does not list, which applications make up and keep anything in.
    """

    name: str
    text: str
    unit: str | None = None
    kind: str = "string"
    context: str = ""
    pending_restart: bool = False
    custom: bool = False

    @property
    def value(self) -> Any:
        """The value to compare with: bytes, microseconds, a number, a boolean or text."""
        return self.meant(self.text)

    def meant(self, written: Scalar) -> Any:
        """What `written` means for this setting; a bare number is in the setting's own unit, as in postgresql.conf.

        Raises Incomparable.
        """
        if self.kind == "bool":
            return self._boolean(written)
        if self.kind in {"integer", "real"}:
            return self._number(written)
        text = {True: "on", False: "off"}[written] if isinstance(written, bool) else str(written)
        return text.lower() if self.kind == "enum" else text

    def _boolean(self, written: Scalar) -> bool:
        try:
            return _BOOLEANS[str(written).lower()]
        except KeyError:
            raise Incomparable(f"{self.name} is on or off, and can never be {written}") from None

    def _number(self, written: Scalar) -> float:
        match = None if isinstance(written, bool) else _AMOUNT.fullmatch(str(written).strip())
        if match is None:
            raise Incomparable(f"{self.name} is a number, and can never be {written}")
        number, unit = float(match[1]), match[2]
        if not unit:
            return number * self._factor
        units = self._units
        if unit not in units:
            known = f"takes the units {', '.join(units)}" if units else "has no unit"
            raise Incomparable(f"{self.name} {known}, and can never be {written}")
        return number * units[unit]

    @property
    def _units(self) -> dict[str, int]:
        if not self.unit:
            return {}
        return _MEMORY if self.unit.endswith("B") else _TIME

    @property
    def _factor(self) -> int:
        """Bytes or microseconds of one of the setting's own unit: 8192 for `8kB`."""
        if not self.unit:
            return 1
        bare = self.unit.lstrip("0123456789")
        return int(self.unit.removesuffix(bare) or 1) * self._units[bare]

    def holds(self, comparison: Comparison[Scalar]) -> bool:
        """Whether the setting is as expected. Raises Incomparable."""
        if comparison.orders and self.kind not in {"integer", "real"}:
            raise Incomparable(f"{self.name} has no order: it can be equal to a value, or not")
        return comparison.translated(self.meant).holds(self.value)

    @property
    def may_hold_secrets(self) -> bool:
        """Whether its text is not for a report: `primary_conninfo` holds a password, commands may."""
        return self.custom or self.name.endswith(("_conninfo", "_command"))

    def __str__(self) -> str:
        """The value as SHOW writes it, in the largest unit that divides it; of what may be secret only the length."""
        if self.may_hold_secrets:
            return f"a text of {len(self.text)} characters" if self.text else ""
        if self.kind not in {"integer", "real"} or not self.unit or float(self.text) <= 0:
            return self.text
        amount = self._number(self.text)
        unit, factor = [(unit, factor) for unit, factor in self._units.items() if amount % factor == 0][-1]
        return f"{amount / factor:.15g}{unit}"
