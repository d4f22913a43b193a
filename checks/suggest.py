"""`Did you mean …?` for misspelt kinds, keys, codes and names, everywhere in the same words."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question naming the closest known word, or nothing when none is close."""
    close = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""
