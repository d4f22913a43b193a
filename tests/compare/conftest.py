"""The systems' databases, as the tests of the pages make them."""

from __future__ import annotations

from tests.systems.conftest import copy_of, filled_system

__all__ = ["copy_of", "filled_system"]
