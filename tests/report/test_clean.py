"""What may not reach a reader as it is does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import secrets
from checks.report.clean import LONGEST_TEXT, cleaned, one_line, shortened, visible
from checks.result import Status

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31mred", "#x1B[31mred"),
        ("nul\0", "nul#x00"),
        ("\u202etxt.exe", "#x202Etxt.exe"),
        ("a\u200bb", "a#x200Bb"),
        ("bell\x07, delete\x7f, next line\x85", "bell#x07, delete#x7F, next line#x85"),
        ("non-character\ufffe", "non-character#xFFFE"),
        ("\udc80", "#xDC80"),
        ("two\r\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Grüße, שלום, 你好, 👩\u200d🚀", "Grüße, שלום, 你好, 👩\u200d🚀"),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(text: str, seen: str) -> None:
    """Nobody's terminal, parser or eye is led astray; letters of every script stay."""
    assert visible(text) == seen


def test_one_line_is_one_line() -> None:
    """No text breaks out of the line it is put on."""
    assert one_line("first\n  second\u2028third\r\nfourth") == "first second#x2028third fourth"


def test_a_long_text_says_that_it_was_cut() -> None:
    """An ellipsis takes the last place."""
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"


@given(ANYTHING)
def test_whatever_a_check_hands_over_becomes_json(value: Any) -> None:
    """JSON has no NaN and UTF-8 no lone surrogate; a check that finds one must not cost the report."""
    json.dumps(cleaned(value), allow_nan=False, ensure_ascii=False).encode()


def test_what_json_does_not_know_becomes_text() -> None:
    """A check that lets a date slip into its evidence gets it shown."""
    assert cleaned({"since": complex(1, 2)}) == {"since": "(1+2j)"}


def test_our_own_words_are_not_masked() -> None:
    """A password `failed` must not make a report whose status nobody can read."""
    secrets.remember("failed")
    assert cleaned((Status.FAILED, "it failed")) == (Status.FAILED, "it ****")


def test_a_text_without_end_is_cut() -> None:
    """A server that says a megabyte says the rest of it elsewhere."""
    assert cleaned("x" * (LONGEST_TEXT + 1500)).endswith("x… (1,500 more characters)")


def test_a_secret_at_the_cut_is_masked_before() -> None:
    """Half a secret is not known as one."""
    secrets.remember("hunter2")
    assert "hunt" not in cleaned("x" * (LONGEST_TEXT - 4) + "hunter2")
