"""The history of drills: whole lines under several writers, damaged ones told, each page's own."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from checks.catalog.past import PastDrills
from checks.errors import CouldNotTell, UsageError
from checks.plan import Mode
from checks.report.drills import past_drills, record, trend
from checks.report.model import Report
from tests.report.drills import FAILED, HELD, UNPROVEN, drilled


def of_prod(began: str, *, held: bool = True) -> Report:
    """A drill of gaia's prod."""
    return drilled(replace(HELD if held else FAILED, began=began), environment="prod", mode=Mode.DRILL)


def test_a_drill_is_a_line(tmp_path: Path) -> None:
    """With what was drilled, what came of it, how long it took, by whom."""
    path = record(of_prod("2026-11-21T09:12:00Z", held=False), tmp_path / "reports")
    entry = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == "drills.jsonl"
    assert (entry["runbook"], entry["environment"], entry["verdict"]) == ("gaia", "prod", "failed")
    assert (entry["seconds"], entry["codes"], entry["operator"]) == (4.0, ["drill.row_lost"], "sam")


def test_a_line_keeps_whether_contents_were_proven(tmp_path: Path) -> None:
    """One that does not say so, as none did before, knows of no proof; and neither does it fail anybody."""
    record(of_prod("2026-05-20T09:00:00Z"), tmp_path)
    unproven = replace(UNPROVEN, began="2026-08-21T09:00:00Z")
    path = record(drilled(unproven, environment="prod", mode=Mode.DRILL), tmp_path)
    first, second = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert (first["verdict"], first["contents_proven"]) == ("held", True)
    assert (second["verdict"], second["contents_proven"]) == ("held, contents not proven", False)
    del first["contents_proven"]
    first["began"] = "2025-05-20T09:00:00Z"
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(first) + "\n")
    known = past_drills(tmp_path, "gaia", ["prod"])
    assert [(drill.held, drill.proven) for drill in known.drills] == [(True, False), (True, True), (True, False)]
    assert [one.proven for one in trend(known, physical=False)] == [False, True, False]


def test_a_drill_without_a_verdict_is_told_from_one_that_failed(tmp_path: Path) -> None:
    """Also where it is one of the earlier ones of another."""
    record(of_prod("2026-05-20T09:00:00Z", held=False), tmp_path)
    path = record(of_prod("2026-08-21T09:00:00Z"), tmp_path)
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace('"verdict": "held"', '"verdict": "could not tell"'), encoding="utf-8")
    before = trend(past_drills(tmp_path, "gaia", ["prod"]), physical=False)
    assert [(one.held, one.undecided) for one in before] == [(False, False), (False, True)]


def test_the_history_is_read_oldest_first(tmp_path: Path) -> None:
    """By when drills began, in whatever order they ended."""
    for began in ("2026-08-21T09:00:00Z", "2026-05-20T09:00:00Z"):
        record(of_prod(began), tmp_path)
    known = past_drills(tmp_path, "gaia", ["prod"])
    assert [drill.began.month for drill in known.drills] == [5, 8]
    assert all(drill.held for drill in known.drills)


def test_each_page_and_environment_has_its_own(tmp_path: Path) -> None:
    """A drill of dev's backup says nothing of prod's."""
    record(of_prod("2026-08-21T09:00:00Z"), tmp_path)
    record(drilled(environment="dev", mode=Mode.DRILL), tmp_path)
    assert len(past_drills(tmp_path, "gaia", ["prod"]).drills) == 1
    assert len(past_drills(tmp_path, "gaia", ["prod", "dev"]).drills) == 2
    assert past_drills(tmp_path, "relay", ["prod"]).drills == ()


def test_no_history_is_an_empty_one(tmp_path: Path) -> None:
    """Before the first drill there is no file, and that is no trouble of the file's."""
    assert past_drills(tmp_path / "none", "gaia", ["prod"]) == PastDrills(tmp_path / "none" / "drills.jsonl")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "null",
        '{"kind": "something else"}',
        '{"kind": "pgrunbook drill", "runbook": "gaia", "environment": "prod", "began": "yesterday"}',
        '{"kind": "pgrunbook drill", "runbook": "gaia", "environment": "prod", "began": "2026-01-01T00:00:00", '
        '"seconds": 1, "verdict": "held", "artifact": "a"}',
        "\udcff",
    ],
)
def test_a_damaged_line_is_told_and_takes_no_other_with_it(tmp_path: Path, line: str) -> None:
    """A full disk or a merge by hand must not make every page's check an error, nor hide that something was there."""
    record(of_prod("2026-05-20T09:00:00Z"), tmp_path)
    path = tmp_path / "drills.jsonl"
    path.write_bytes(path.read_bytes() + line.encode("utf-8", "surrogateescape") + b"\n\n")
    record(of_prod("2026-08-21T09:00:00Z"), tmp_path)
    known = past_drills(tmp_path, "gaia", ["prod"])
    assert (len(known.drills), known.damaged) == (2, (2,))


def test_a_line_cut_short_does_not_swallow_the_next(tmp_path: Path) -> None:
    """The next drill begins a line of its own."""
    path = record(of_prod("2026-05-20T09:00:00Z"), tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    record(of_prod("2026-08-21T09:00:00Z"), tmp_path)
    known = past_drills(tmp_path, "gaia", ["prod"])
    assert ([drill.began.month for drill in known.drills], known.damaged) == ([8], (1,))


def _write_many(folder: Path, count: int) -> None:
    for _ in range(count):
        record(of_prod("2026-08-21T09:00:00Z"), folder)


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Four processes, twenty-five drills each, a hundred whole lines."""
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write_many, args=(tmp_path, 25)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    known = past_drills(tmp_path, "gaia", ["prod"])
    assert (len(known.drills), known.damaged) == (100, ())


def _fill(folder: Path, size: int, ended: int) -> None:
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        record(of_prod("2026-08-21T09:00:00Z"), folder)
    except UsageError:
        os._exit(ended)
    os._exit(0)


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    """What does not fit is not there, and whoever drilled is told."""
    path = record(of_prod("2026-05-20T09:00:00Z"), tmp_path)
    before = path.read_bytes()
    writer = multiprocessing.get_context("fork").Process(target=_fill, args=(tmp_path, len(before) + 100, 7))
    writer.start()
    writer.join()
    assert (writer.exitcode, path.read_bytes()) == (7, before)


def test_a_history_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    """Or else a wrong mode would read as `never drilled`."""
    (tmp_path / "drills.jsonl").mkdir()
    with pytest.raises(CouldNotTell, match="cannot be read"):
        past_drills(tmp_path, "gaia", ["prod"])
    with pytest.raises(UsageError):
        record(of_prod("2026-08-21T09:00:00Z"), tmp_path)


def test_only_drills_of_a_sort_are_compared(tmp_path: Path) -> None:
    """The time of a base backup says nothing of a dump's."""
    record(of_prod("2026-05-20T09:00:00Z"), tmp_path)
    physical = replace(HELD, began="2026-08-21T09:00:00Z", format="base backup")
    record(drilled(physical, environment="prod", mode=Mode.DRILL), tmp_path)
    known = past_drills(tmp_path, "gaia", ["prod"])
    assert [one.began for one in trend(known, physical=False)] == ["2026-05-20T09:00:00Z"]
    assert [one.began for one in trend(known, physical=True)] == ["2026-08-21T09:00:00Z"]
