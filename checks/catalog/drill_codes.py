"""The words of the findings of a drill's ladder: what each means, why it matters, how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CODES: Mapping[str, Code] = {}
