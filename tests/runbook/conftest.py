"""Passwords of the samples are forgotten after each test, so that they mask nothing in the next."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest


@pytest.fixture(autouse=True)
def secrets_of_its_own() -> Iterator[None]:
    """An empty set of known secrets."""
    with patch("checks.secrets._known", set()):
        yield
