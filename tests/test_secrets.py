"""A secret seen once is gone from every text after."""

from __future__ import annotations

import json
import re
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


ODD = "p'\"\\ß\tx"


@pytest.mark.parametrize(
    "shown",
    [repr(ODD), ascii(ODD), json.dumps(ODD), json.dumps(ODD, ensure_ascii=False), str(ODD.encode()), repr(f"'{ODD}\"")],
)
def test_a_secret_is_masked_as_tracebacks_and_json_spell_it(shown: str) -> None:
    """An exception's words are often the repr of something, with its own way to write quotation marks and accents."""
    secrets.remember(ODD)
    assert re.sub(r"[b'\"\\]", "", secrets.mask(shown)) == "****"


def test_a_form_of_a_letter_or_two_is_not_masked() -> None:
    """A password of `%41` is an `A` where percents are decoded, and so is every other `A`."""
    secrets.remember("%41")
    assert secrets.mask("A table %41") == "A table ****"


def test_a_secret_of_broken_bytes_is_remembered() -> None:
    """A variable may hold bytes that are no text."""
    secrets.remember("no\udcfftext")
    assert secrets.mask("it is no\udcfftext") == "it is ****"


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
