"""What the report's tests share."""

from __future__ import annotations

import pytest

from checks import secrets


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test knows only its own secrets."""
    monkeypatch.setattr(secrets, "_known", set())
