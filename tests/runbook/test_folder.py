"""Which pages are meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checks.errors import NothingSelected, UsageError
from checks.runbook.folder import pages


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test stands in its own empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str = "---\nrunbook: x\n---\n") -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(text)


def test_all_pages_of_the_runbooks_folder_by_default() -> None:
    """With none named, every page in runbooks/ is meant, and no other file."""
    write("runbooks/b.md")
    write("runbooks/a.md")
    write("README.md")
    assert [str(page) for page in pages([])] == ["runbooks/a.md", "runbooks/b.md"]


def test_without_a_runbooks_folder_the_pages_here() -> None:
    """A folder of pages works as it is; Markdown without front matter is no runbook."""
    write("a.md")
    write("README.md", "# Readme\n")
    assert [str(page) for page in pages([])] == ["a.md"]


def test_a_page_is_named_by_name_or_by_path() -> None:
    """`gaia` and `elsewhere/page.md` both work; naming one twice asks it once."""
    write("runbooks/gaia.md")
    write("elsewhere/page.md")
    named = pages(["gaia", "elsewhere/page.md", "gaia"])
    assert [str(page) for page in named] == ["runbooks/gaia.md", "elsewhere/page.md"]


def test_a_misspelt_name_is_told_with_the_closest() -> None:
    """A wrong name is a wrong command line, with the right name beside it."""
    write("runbooks/gaia.md")
    with pytest.raises(UsageError, match="--runbook gaja: no such runbook or file") as told:
        pages(["gaja"])
    assert told.value.hint == "did you mean `gaia`?"


def test_no_page_at_all_is_nothing_selected() -> None:
    """An empty folder is not a run without failures."""
    with pytest.raises(NothingSelected, match="no runbook"):
        pages([])


@pytest.mark.parametrize("folder", [".", "runbooks"])
def test_only_files_are_pages(folder: str) -> None:
    """A link to nowhere or to itself, a pipe and a folder are passed over: nothing hangs, nothing is a traceback."""
    write(f"{folder}/a.md")
    Path(folder, ".#a.md").symlink_to("somebody@somewhere.1234")
    Path(folder, "loop.md").symlink_to("loop.md")
    Path(folder, "folder.md").mkdir()
    os.mkfifo(Path(folder, "pipe.md"))
    assert [page.name for page in pages([])] == ["a.md"]


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="Linux has a file that nobody can read from its start")
def test_a_file_that_cannot_be_read_is_no_page_of_this_folder() -> None:
    """Where any Markdown may lie, one that does not open to us is not taken for a runbook."""
    write("a.md")
    Path("closed.md").symlink_to("/proc/self/mem")
    assert [page.name for page in pages([])] == ["a.md"]


def test_a_name_that_no_file_can_have_is_a_misspelt_one() -> None:
    """However long it is, it is told in one sentence."""
    with pytest.raises(UsageError, match="no such runbook or file"):
        pages(["x" * 5000])
