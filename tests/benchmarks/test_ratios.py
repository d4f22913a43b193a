"""The helper that turns measurements into a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import ratios
from tests.benchmarks.ratios import BEGIN, END, Ratio, record, rows_of_last_run, write_table

ROW = Ratio("start", 0.05, 0.5, "at most 0.5")


def test_the_table_replaces_what_was_between_the_markers(tmp_path: Path) -> None:
    """Prose before and after the table is kept, and a second run leaves one table."""
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_table([ROW], page)
    write_table([ROW], page)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n| What |")
    assert text.endswith(f"| start | 50.0 ms | 500 ms | 0.10 | at most 0.5 |\n{END}\nafter\n")
    assert text.count("| start |") == 1


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    """A missing marker is said, and nothing is written."""
    page = tmp_path / "performance.md"
    page.write_text("prose")
    with pytest.raises(ValueError, match="must hold the lines"):
        write_table([ROW], page)
    assert page.read_text() == "prose"


def test_rows_of_a_run_are_read_back_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement taken twice counts once, with its last value."""
    monkeypatch.setattr(ratios, "FOLDER", tmp_path)
    assert rows_of_last_run() == []
    record("start", 1.0, 2.0, "a claim")
    record("stop", 1.0, 4.0, "a claim")
    record("start", 0.05, 0.5, "at most 0.5")
    assert [row.name for row in rows_of_last_run()] == ["stop", "start"]
    assert rows_of_last_run()[1] == ROW
