"""Which backups go: never the last one, and nothing that is not ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from checks.backup.retention import Kept, is_own_name, name_of, to_remove
from checks.runbook.model import Keep
from checks.units import Duration

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAILY = [Kept(f"day-{days}", NOW - timedelta(days=days)) for days in (3, 0, 1, 2, 4)]


def removed(keep: Keep | None, backups: list[Kept] = DAILY) -> list[str]:
    return [one.name for one in to_remove(backups, keep, NOW)]


def test_the_last_so_many_are_kept() -> None:
    """However they are listed, the oldest go first."""
    assert removed(Keep(last=2)) == ["day-4", "day-3", "day-2"]
    assert removed(Keep(last=5)) == removed(Keep(last=9)) == []


def test_those_of_the_last_so_long_are_kept() -> None:
    """By the time of their snapshot."""
    assert removed(Keep(within=Duration(2.5 * 86400))) == ["day-4", "day-3"]
    assert removed(Keep(within=Duration(30 * 86400))) == []


def test_the_newest_stays_however_old_it_is() -> None:
    """The last backup there is beats a tidy folder."""
    old = [Kept("old", NOW - timedelta(days=90)), Kept("older", NOW - timedelta(days=91))]
    assert removed(Keep(within=Duration(86400)), old) == ["older"]
    assert removed(Keep(last=1), old) == ["older"]
    assert removed(Keep(last=1), []) == removed(Keep(within=Duration(1)), []) == []


def test_without_a_word_on_it_all_are_kept() -> None:
    """A page that declares no retention loses nothing."""
    assert removed(None) == []


@pytest.mark.parametrize("suffix", [".dump", ".dir"])
def test_own_names_are_those_that_are_given(suffix: str) -> None:
    """What is named is known again, for its own runbook and environment only."""
    name = name_of("shop", "prod", NOW, suffix)
    assert name == f"shop-prod-20261121T090000Z{suffix}"
    assert is_own_name(name, "shop", "prod")
    assert not is_own_name(name, "shop", "pro")
    assert not is_own_name(f"{name}.partial", "shop", "prod")
    assert not is_own_name(f"old-{name}", "shop", "prod")
