"""The list of runs is made of the files there are."""

from __future__ import annotations

import multiprocessing
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from checks.errors import UsageError
from checks.report.files import write
from checks.report.index import MOST_ROWS, newest, read_row, rewrite_index
from checks.report.jsonfile import to_json
from checks.report.model import Report
from checks.result import Result
from tests.report.builders import STARTED, gaia, holding, one_of_each, page, report, result

PASSES, WARNS, FAILS, ERRS, IS_SKIPPED = one_of_each()


def _run(*results: Result, minutes: int = 0, name: str = "gaia", interrupted: bool = False) -> Report:
    runbook = page(results, name=name)
    return report(*results, runbook=runbook, started=STARTED + timedelta(minutes=minutes), interrupted=interrupted)


def _rows(folder: Path) -> list[str]:
    return [line for line in (folder / "index.md").read_text(encoding="utf-8").splitlines() if " UTC " in line]


def test_runs_are_listed_newest_first_with_every_verdict(tmp_path: Path) -> None:
    """The whole page, as a person opens it."""
    write(_run(PASSES), tmp_path)
    write(_run(FAILS, minutes=1), tmp_path, formats=())
    write(_run(ERRS, minutes=2, name="relay"), tmp_path)
    write(_run(PASSES, minutes=3, interrupted=True), tmp_path)
    path = rewrite_index(tmp_path)
    stem = "20261120T21"
    assert path.read_text(encoding="utf-8") == (
        "# Reports\n\nEvery run whose JSON lies in this folder, newest first.\n\n"
        "| Verdict           | Runbook | Target   | Started                 |  Took "
        "| Report                                           | Summary |\n"
        "| ----------------- | ------- | -------- | ----------------------- | ----: "
        "| ------------------------------------------------ | ------- |\n"
        "| 🛑 INTERRUPTED    | gaia    | embedded | 2026-11-20 21:38:29 UTC | 3.2 s "
        f"| {_links(f'{stem}3829Z-gaia-verify')} | Interrupted: the one check passed. |\n"
        "| ❔ COULD NOT TELL | relay   | embedded | 2026-11-20 21:37:29 UTC | 3.2 s "
        f"| {_links(f'{stem}3729Z-relay-verify')} | Could not tell: the one check errored (no verdict). |\n"
        "| ❌ FAILED         | gaia    | embedded | 2026-11-20 21:36:29 UTC | 3.2 s "
        f"| [json]({stem}3629Z-gaia-verify.json)        | Failed: the one check failed. |\n"
        "| ✅ HELD           | gaia    | embedded | 2026-11-20 21:35:29 UTC | 3.2 s "
        f"| {_links(f'{stem}3529Z-gaia-verify')} | Held: the one check passed. |\n"
    )


def _links(stem: str) -> str:
    return f"[md]({stem}.md) [json]({stem}.json) [xml]({stem}.xml)"


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    """No table without rows."""
    assert "No run has been reported here yet." in rewrite_index(tmp_path).read_text()


def test_a_deleted_report_is_gone_from_the_list(tmp_path: Path) -> None:
    """The files are the record; the index follows them."""
    written = write(_run(PASSES), tmp_path)
    rewrite_index(tmp_path)
    written.json.unlink()
    rewrite_index(tmp_path)
    assert _rows(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"run": {}}',
        b"\xff\xfe",
        b"\0" * 20_000,
        to_json(gaia())[:300].encode(),
        to_json(gaia()).replace('"failed"', '"fantastic"').encode(),
        to_json(gaia()).replace('"runbook"', '"book"').encode(),
    ],
)
def test_a_foreign_or_broken_file_is_named_and_harms_no_other(tmp_path: Path, content: bytes) -> None:
    """Whatever lies in the folder, the index is written."""
    write(_run(PASSES), tmp_path)
    (tmp_path / "odd.json").write_bytes(content)
    text = rewrite_index(tmp_path).read_text(encoding="utf-8")
    assert len(_rows(tmp_path)) == 1
    assert text.endswith("\nThese files are not reports of pgrunbook, or are broken: `odd.json`.\n")


def test_a_file_that_is_none_is_no_trouble(tmp_path: Path) -> None:
    """A folder of that name, and a link to nowhere."""
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "link.json").symlink_to("nowhere")
    assert "`folder.json`, `link.json`" in rewrite_index(tmp_path).read_text()


def test_only_the_head_of_a_report_is_read(tmp_path: Path) -> None:
    """A report of any length costs the index the same."""
    path = write(_run(PASSES), tmp_path).json
    path.write_bytes(path.read_bytes()[:3000] + b"\xff" * 100_000)
    assert read_row(path) is not None


def test_a_thousand_reports_are_listed_to_a_bound(tmp_path: Path) -> None:
    """The page stays one that can be opened, and says what it leaves out."""
    text = to_json(_run(PASSES))
    for number in range(MOST_ROWS + 2):
        (tmp_path / f"2026{number:04}T000000Z-gaia-verify.json").write_text(text)
    index = rewrite_index(tmp_path).read_text()
    assert len(_rows(tmp_path)) == MOST_ROWS
    assert "\nAnd 2 older, not listed.\n" in index


def _write_and_list(folder: Path, name: str) -> None:
    for minute in range(4):
        write(_run(PASSES, minutes=minute, name=name), folder, formats=())
        rewrite_index(folder)


def test_writers_at_the_same_time_lose_no_row(tmp_path: Path) -> None:
    """Whoever writes the index last has seen every report."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_and_list, args=(tmp_path, f"system-{n}")) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(_rows(tmp_path)) == 16
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    """Yesterday's unfinished file goes; one that is being written stays."""
    old, young = tmp_path / ".old.json.part", tmp_path / ".young.json.part"
    old.touch()
    young.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    rewrite_index(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """The message names the folder and the option."""
    with pytest.raises(UsageError, match="the report cannot be written there: No such file or directory"):
        rewrite_index(tmp_path / "no")


def test_the_newest_report_of_each_runbook_is_found(tmp_path: Path) -> None:
    """`invoke report` shows what the last run said."""
    for minute, name in enumerate(("gaia", "relay", "gaia", "teller")):
        write(_run(result("a", holding()), minutes=minute, name=name), tmp_path)
    (tmp_path / "odd.json").write_text("{}")
    assert [path.name for path in newest(tmp_path)] == [
        "20261120T213729Z-gaia-verify.json",
        "20261120T213629Z-relay-verify.json",
        "20261120T213829Z-teller-verify.json",
    ]
    assert [path.name for path in newest(tmp_path, ["relay"])] == ["20261120T213629Z-relay-verify.json"]


def test_a_runbook_without_a_report_is_one_sentence(tmp_path: Path) -> None:
    """A misspelt name is suggested; an empty or absent folder says what to do."""
    write(_run(PASSES), tmp_path)
    with pytest.raises(UsageError) as refused:
        newest(tmp_path, ["gaja"])
    assert (refused.value.sentence, refused.value.hint) == (f"{tmp_path}: no report of gaja", "did you mean `gaia`?")
    for folder in (tmp_path / "empty", tmp_path / "absent"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match="no report there"):
            newest(folder)
