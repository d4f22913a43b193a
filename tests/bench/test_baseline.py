"""Baselines: kept whole, replaced query by query, compared only with their like, and told when they cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from checks.bench.baseline import Baselines, Gauge, Record, Stamp, digest
from checks.bench.compare import expected, is_slower, pace, same_speed
from checks.bench.figures import Figures
from checks.errors import CouldNotTell, UsageError

SQL = "SELECT 1"
STAMP = Stamp("17.10", 17, {"work_mem": "4096 kB"}, {"audit_log": 4_000_000}, 1)
FIGURES = Figures(rounds=30, median=0.010, p95=0.012, mean=0.0101, error=0.0001, low=0.0098, high=0.0102)
RECORD = Record(digest(SQL), "2026-11-21T00:00:00Z", STAMP, FIGURES, Gauge(0.0001, 0.0011), 12, ("Result||",))


def baselines(folder: Path, environment: str = "", *, compares: bool = True) -> Baselines:
    return Baselines(folder, "relay", environment, compares)


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    """A record comes back as it was, and its file says whose it is."""
    saving = baselines(tmp_path)
    saving.offer(17, "count", RECORD)
    assert saving.save() == [Path("fixtures/baselines/relay-disposable-17.json")]
    assert baselines(tmp_path).record(17, "count", "SELECT\n  1") == RECORD
    assert baselines(tmp_path).record(16, "count", SQL) is None
    assert baselines(tmp_path, "prod").path(17) == Path("fixtures/baselines/relay-prod.json")
    assert [path.name for path in (tmp_path / "fixtures" / "baselines").iterdir()] == ["relay-disposable-17.json"]


def test_saving_one_query_keeps_the_others(tmp_path: Path) -> None:
    """A run of some checks replaces what it measured."""
    for name in ("one", "other"):
        saving = baselines(tmp_path)
        saving.offer(17, name, RECORD)
        saving.save()
    assert [baselines(tmp_path).record(17, name, SQL) for name in ("one", "other")] == [RECORD, RECORD]


def test_another_text_is_another_query(tmp_path: Path) -> None:
    """Nobody's times are held against those of what the query was before."""
    saving = baselines(tmp_path)
    saving.offer(17, "count", RECORD)
    saving.save()
    assert baselines(tmp_path).record(17, "count", "SELECT 2") is None
    assert baselines(tmp_path, compares=False).record(17, "count", SQL) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "pgrunbook baseline", "version": 1}', '{"format": "x"}'])
def test_a_broken_file_is_one_sentence_and_can_be_written_anew(tmp_path: Path, text: str) -> None:
    """What cannot be read is no absent baseline: nothing is compared, and that is said."""
    path = tmp_path / "fixtures" / "baselines" / "relay-disposable-17.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(CouldNotTell) as unreadable:
        baselines(tmp_path).record(17, "count", SQL)
    assert unreadable.value.code == "benchmark.baseline_unreadable"
    saving = baselines(tmp_path)
    saving.offer(17, "count", RECORD)
    saving.save()
    assert baselines(tmp_path).record(17, "count", SQL) == RECORD


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """The baseline that was there stays."""
    (tmp_path / "fixtures").write_text("a file where a folder should be")
    saving = baselines(tmp_path)
    saving.offer(17, "count", RECORD)
    with pytest.raises(UsageError, match="--save: the baseline .* cannot be written"):
        saving.save()


def test_only_its_like_is_compared() -> None:
    """Another major, setting, size or concurrency is another thing, and is named; a little growth is not."""
    assert list(STAMP.differences(STAMP)) == []
    assert list(replace(STAMP, server="17.11", sizes={"audit_log": 4_500_000}).differences(STAMP)) == []
    other = replace(STAMP, server="18.1", major=18, settings={"work_mem": "64 kB"}, concurrency=4, sizes={"audit_log": 1})
    assert list(other.differences(STAMP)) == [
        "PostgreSQL 17.10 then, 18.1 now",
        "concurrency 1 then, 4 now",
        "work_mem 4096 kB then, 64 kB now",
        "audit_log of 3.8 MB then, 1 B now",
    ]


def times(factor: float) -> Figures:
    """The baseline's figures, so many times as long."""
    scaled = {name: getattr(FIGURES, name) * factor for name in ("median", "p95", "mean", "error", "low", "high")}
    return Figures(rounds=FIGURES.rounds, **scaled)


def test_slower_is_beyond_the_noise_of_both_and_more_than_a_tenth() -> None:
    """A third is told; a tenth is not, nor what the intervals cannot tell."""
    assert is_slower(RECORD, times(1.3), RECORD.gauge)
    assert not is_slower(RECORD, times(1.09), RECORD.gauge)
    assert not is_slower(RECORD, replace(times(1.3), low=0.0101), RECORD.gauge)
    assert not is_slower(RECORD, times(0.5), RECORD.gauge)


def test_a_slower_server_is_no_slower_query() -> None:
    """What the yardstick became, the query may become; more than that it may not."""
    half_as_quick = Gauge(0.0001, 0.0016)
    assert pace(RECORD.gauge, half_as_quick) == pytest.approx(1.5)
    assert expected(RECORD, half_as_quick).median == pytest.approx(0.0001 + 0.0099 * 1.5)
    assert not is_slower(RECORD, times(1.5), half_as_quick)
    assert is_slower(RECORD, times(2.0), half_as_quick)
    assert same_speed(RECORD, half_as_quick)
    assert not same_speed(RECORD, Gauge(0.0001, 0.0101))
