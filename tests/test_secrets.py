"""A secret seen once is gone from every text after."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import secrets


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test knows only its own secrets."""
    monkeypatch.setattr(secrets, "_known", set())


def test_a_secret_is_masked_in_the_forms_it_takes_in_urls() -> None:
    """A password is masked raw and percent-encoded, in either spelling of a space."""
    secrets.remember("p@ss w/rd")
    for form in ("p@ss w/rd", quote("p@ss w/rd", safe=""), quote_plus("p@ss w/rd")):
        assert secrets.mask(f"postgres://u:{form}@h") == "postgres://u:****@h"


def test_the_longest_secret_is_masked_first() -> None:
    """A secret that contains another leaves no tail behind."""
    secrets.remember("hunter2")
    secrets.remember("hunter2-and-more")
    assert secrets.mask("it is hunter2-and-more.") == "it is ****."


def test_a_letter_or_two_are_not_a_secret() -> None:
    """A password of one letter would shred every sentence; such a database has other worries."""
    secrets.remember("a")
    assert secrets.mask("a table") == "a table"


@given(st.text(min_size=secrets.SHORTEST_SECRET), st.text(), st.text())
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    """Whatever stands around it, the secret is not in the masked text, unless the mask itself spells it."""
    secrets.remember(secret)
    masked = secrets.mask(f"{before}{secret}{after}")
    assert secret not in masked.replace(secrets.MASK, "\0")
