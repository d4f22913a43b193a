"""`Did you mean …?` for misspelt kinds, keys, codes and names, everywhere in the same words."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question naming the closest known word, or nothing when none is close."""
    close = closest(word, known)
    return f"did you mean `{close}`?" if close else ""


def closest(word: str, known: Iterable[str]) -> str:
    """The known word closest to this one, or nothing when none is close."""
    return next(iter(get_close_matches(word, sorted(known), n=1, cutoff=0.6)), "")


def did_you_mean_code(code: str, known: Iterable[str]) -> str:
    """The same for `kind.code`, of which each half is compared for itself: a dot and a star in common are not close."""
    kind, _, rest = code.partition(".")
    by_kind: dict[str, set[str]] = {}
    for one in known:
        by_kind.setdefault(one.partition(".")[0], set()).add(one.partition(".")[2])
    near = closest(kind, by_kind)
    nearest = closest(rest, by_kind[near]) if near else ""
    return f"did you mean `{near}.{nearest}`?" if nearest else ""
