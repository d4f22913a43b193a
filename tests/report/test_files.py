"""Reports reach the disk whole or not at all, and never on top of each other."""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checks.errors import UsageError
from checks.plan import Mode
from checks.report.files import EVERY_FORMAT, read, replace_file, write
from checks.report.jsonfile import to_json
from checks.report.junit import junit
from checks.report.markdown import markdown
from tests.report.builders import page, report, result

STEM = "20261120T213529Z-gaia-verify"


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def _full_disk(after: int) -> Iterator[None]:
    """A disk with room for `after` bytes a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_report_is_written_in_every_form(tmp_path: Path) -> None:
    """The folder is made, and the names say when, what and how."""
    written = write(report(), tmp_path / "deep" / "reports")
    assert _names(tmp_path / "deep" / "reports") == [f"{STEM}.json", f"{STEM}.md", f"{STEM}.xml"]
    assert written.json.read_text(encoding="utf-8") == to_json(report())
    assert written.best.read_text(encoding="utf-8") == markdown(report())
    assert written.junit is not None
    assert written.junit.read_text(encoding="utf-8") == junit([report()])


def test_the_json_is_always_written(tmp_path: Path) -> None:
    """Everything else can be drawn from it again."""
    written = write(report(), tmp_path, formats=())
    assert _names(tmp_path) == [f"{STEM}.json"]
    assert written.best == written.json
    assert read(written.json) == report()


def test_a_live_run_is_named_after_its_environment(tmp_path: Path) -> None:
    """Reports of prod are found by name, and no name leads out of the folder."""
    made = report(result("a"), mode=Mode.CHECK, environment="../prod eu", runbook=page([result("a")], name="../gaia"))
    assert write(made, tmp_path, formats=()).json.name == "20261120T213529Z-.._gaia-.._prod_eu.json"


def test_runs_of_one_second_get_names_of_their_own(tmp_path: Path) -> None:
    """No report replaces another."""
    names = [write(report(), tmp_path).json.name for _ in range(3)]
    assert names == [f"{STEM}.json", f"{STEM}-2.json", f"{STEM}-3.json"]


def test_a_name_whose_json_was_deleted_is_not_taken(tmp_path: Path) -> None:
    """A Markdown file someone kept is not overwritten."""
    (tmp_path / f"{STEM}.md").write_text("kept")
    assert write(report(), tmp_path).json.name == f"{STEM}-2.json"
    assert (tmp_path / f"{STEM}.md").read_text() == "kept"


def _write_some(folder: Path) -> None:
    for _ in range(5):
        write(report(), folder, formats=("junit",))


def test_many_writers_share_no_name(tmp_path: Path) -> None:
    """Runs side by side, in processes of their own, lose nothing and leave nothing unfinished."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_some, args=(tmp_path,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    names = _names(tmp_path)
    assert len([name for name in names if name.endswith(".json")]) == 20
    assert len(names) == 40
    assert all(read(path) == report() for path in tmp_path.glob("*.json"))


@pytest.mark.parametrize("room", [0, 100, 1_500, 4_000])
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, room: int) -> None:
    """Whichever file it is that does not fit, the folder is as before."""
    write(report(), tmp_path)
    before = _names(tmp_path)
    with _full_disk(room), pytest.raises(UsageError, match="the report does not fit: File too large"):
        write(report(), tmp_path)
    assert _names(tmp_path) == before


def test_an_interrupt_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between two files of a report takes back the first."""
    replaced: list[Path] = []

    def interrupted(self: Path, target: Path) -> None:
        if replaced:
            raise KeyboardInterrupt
        self.rename(target)
        replaced.append(target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(report(), tmp_path, formats=EVERY_FORMAT)
    assert replaced
    assert _names(tmp_path) == []


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    """The message names the folder, the reason and the option."""
    (tmp_path / "reports").write_text("")
    with pytest.raises(UsageError) as refused:
        write(report(), tmp_path / "reports")
    assert refused.value.sentence == f"{tmp_path}/reports: the report cannot be written there: File exists"
    assert refused.value.hint == "name another folder with --out"


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    """A reader never sees half of it, and a failed write leaves the old one."""
    path = tmp_path / "index.md"
    replace_file(path, "old")
    with _full_disk(2), pytest.raises(OSError, match="too large"):
        replace_file(path, "new and long")
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["index.md"]


def test_a_report_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """No traceback for a mistyped path."""
    with pytest.raises(UsageError, match="this report cannot be read: No such file or directory"):
        read(tmp_path / "no.json")
