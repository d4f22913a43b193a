"""Baselines: kept whole, replaced query by query, compared only with their like, and told when they cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from checks.bench.baseline import Baselines, Gauge, Quickest, Record, Stamp, digest
from checks.bench.compare import expected, is_doubtful, is_slower, pace, same_speed
from checks.bench.figures import Figures
from checks.errors import CouldNotTell, UsageError

SQL = "SELECT 1"
STAMP = Stamp("17.10", 17, {"work_mem": "4096 kB"}, {"audit_log": 4_000_000}, 1)
FIGURES = Figures(rounds=30, median=0.010, p95=0.012, mean=0.0101, error=0.0001, low=0.0098, high=0.0102)
QUICK = Quickest(0.0100, 0.0104)
RECORD = Record(digest(SQL), "2026-11-21T00:00:00Z", STAMP, FIGURES, QUICK, Gauge(0.0001, 0.0011), 12, ("Result||",))


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
    with pytest.raises(UsageError, match=r"--save: the baseline .* cannot be written"):
        saving.save()


def test_only_its_like_is_compared() -> None:
    """Another major, setting, size or concurrency is another thing, and is named; a little growth is not."""
    assert list(STAMP.differences(STAMP)) == []
    assert list(replace(STAMP, server="17.11", sizes={"audit_log": 4_500_000}).differences(STAMP)) == []
    other = replace(
        STAMP, server="18.1", major=18, settings={"work_mem": "64 kB"}, concurrency=4, sizes={"audit_log": 1}
    )
    assert list(other.differences(STAMP)) == [
        "PostgreSQL 17.10 then, 18.1 now",
        "concurrency 1 then, 4 now",
        "work_mem 4096 kB then, 64 kB now",
        "audit_log of 3.8 MB then, 1 B now",
    ]


def quick(factor: float) -> Quickest:
    """The baseline's quickest rounds, so many times as long."""
    return Quickest(QUICK.low * factor, QUICK.high * factor)


def test_slower_is_beyond_the_noise_of_both_and_more_than_a_tenth() -> None:
    """A third is told; a tenth is not, nor what lies between two measurements of the baseline itself."""
    assert is_slower(RECORD, quick(1.3), RECORD.gauge)
    assert not is_slower(RECORD, quick(1.09), RECORD.gauge)
    assert not is_slower(replace(RECORD, quickest=Quickest(0.0100, 0.0140)), quick(1.3), RECORD.gauge)
    assert not is_slower(RECORD, quick(0.5), RECORD.gauge)


def test_a_little_slower_is_measured_again() -> None:
    """Before it is told, and where it is not worth telling."""
    assert is_doubtful(RECORD, quick(1.06), RECORD.gauge)
    assert not is_doubtful(RECORD, quick(1.04), RECORD.gauge)


def test_what_a_slow_server_excuses_is_doubtful_all_the_same() -> None:
    """A busy moment of the yardstick alone would hide a query that became slower by a third."""
    slower = Gauge(0.0001, 0.0015)
    assert is_doubtful(RECORD, quick(1.3), slower)
    assert not is_slower(RECORD, quick(1.3), slower)


def test_of_a_very_short_query_a_tenth_is_nothing() -> None:
    """What is less than 100 µs is the machine's."""
    short = replace(RECORD, quickest=Quickest(0.0002, 0.0002))
    assert not is_slower(short, Quickest(0.00029, 0.00029), RECORD.gauge)
    assert is_slower(short, Quickest(0.00031, 0.00031), RECORD.gauge)


def test_a_slower_server_is_no_slower_query() -> None:
    """What the yardstick became, the query may become, and no more; on a quicker server it need not be quicker."""
    slower, quicker = Gauge(0.0001, 0.0016), Gauge(0.0001, 0.0008)
    assert pace(RECORD.gauge, slower) == pytest.approx(1.5)
    assert expected(0.01, RECORD, slower) == pytest.approx(0.0001 + 0.0099 * 1.5)
    assert not is_slower(RECORD, quick(1.5), slower)
    assert is_slower(RECORD, quick(2.0), slower)
    assert expected(0.01, RECORD, quicker) == pytest.approx(0.01)
    assert same_speed(RECORD, slower)
    assert not same_speed(RECORD, Gauge(0.0001, 0.0101))
