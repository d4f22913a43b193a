"""A page read before is loaded without being read, by whoever wrote it, and by nobody else."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from checks import cachefolder
from checks.check import Check
from checks.errors import Mistake, RunbookError
from checks.runbook import cache
from checks.runbook.model import Runbook
from tests.runbook.kinds import CODES, KINDS
from tests.runbook.tools import FRONT, SAMPLES, page_is_read

SOUND = SAMPLES / "sound.md"


def read_cached(path: Path, kinds: Mapping[str, Check], codes: Collection[str]) -> Runbook:
    """The page at `path`, which nobody finds more mistakes in."""
    runbook, mistakes = cache.read_cached(path, kinds, codes, lambda _: [])
    assert not mistakes
    return runbook


def sealed(content: bytes) -> bytes:
    """A whole file with this in it."""
    return cache._seal(content) + content


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv(cachefolder.NAMED_BY, str(tmp_path / "cache"))
    return tmp_path / "cache" / "runbooks"


def kept(folder: Path) -> list[Path]:
    """The pages in the cache; nothing else may lie there."""
    pages = list(folder.glob("*.pickle"))
    assert len(pages) == len(list(folder.iterdir()))
    return pages


def is_read_from_cache(path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the page is had without the reader."""
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "checks.runbook.reader", None)
        try:
            return read_cached(path, KINDS, CODES) == page_is_read(path.stem)
        except ImportError:
            return False


def test_a_page_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time it is the same value, and nothing is parsed."""
    assert not is_read_from_cache(SOUND, monkeypatch)
    assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")
    assert is_read_from_cache(SOUND, monkeypatch)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [page.stat().st_mode & 0o777 for page in kept(folder)] == [0o600]


def test_the_same_bytes_elsewhere_have_their_own_path(tmp_path: Path) -> None:
    """Two pages that read the same are two pages."""
    copy = tmp_path / "copy.md"
    copy.write_bytes(SOUND.read_bytes())
    assert [read_cached(path, KINDS, CODES).path for path in (SOUND, copy)] == [SOUND, copy]


def test_another_page_catalog_or_code_is_another_key(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the outcome of reading depends on is in the name of the file."""
    page = tmp_path / "page.md"
    page.write_text(FRONT)
    read_cached(page, KINDS, CODES)
    page.write_text(FRONT + "\n")
    read_cached(page, KINDS, CODES)
    read_cached(page, {"query": KINDS["query"]}, CODES)
    read_cached(page, KINDS, {*CODES, "another.code"})
    monkeypatch.setattr(cache, "_code", lambda: iter([("another", 1, 1)]))
    read_cached(page, KINDS, CODES)
    assert len(kept(folder)) == 5


def test_a_page_with_mistakes_is_not_kept(folder: Path) -> None:
    """Its mistakes are told every time."""
    for _ in range(2):
        with pytest.raises(RunbookError, match="conectivity"):
            read_cached(SAMPLES / "unknown-kind.md", KINDS, CODES)
    assert not kept(folder)


def test_a_page_that_is_judged_wrong_is_not_kept(folder: Path) -> None:
    """What is told of it comes with it, every time."""
    told = [Mistake(str(SOUND), 1, 1, "it will not do")]
    for _ in range(2):
        assert cache.read_cached(SOUND, KINDS, CODES, lambda _: told) == (page_is_read("sound"), told)
    assert not kept(folder)


def test_a_page_that_was_kept_is_not_judged_again() -> None:
    """It was found right by the same code, and its parameters may stay closed."""
    read_cached(SOUND, KINDS, CODES)
    told = [Mistake(str(SOUND), 1, 1, "nobody asks")]
    assert cache.read_cached(SOUND, KINDS, CODES, lambda _: told) == (page_is_read("sound"), [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x05broken",
        sealed(b"\x80\x05broken"),
        sealed(pickle.dumps("not a runbook")),
        sealed(b"cnowhere\nnothing\n."),
    ],
)
def test_a_broken_file_is_written_anew(folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut short, outdated, or something else altogether."""
    read_cached(SOUND, KINDS, CODES)
    [page] = kept(folder)
    page.write_bytes(content)
    assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")
    assert is_read_from_cache(SOUND, monkeypatch)


def test_a_damaged_page_is_written_anew_wherever_the_damage_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also inside parameters, which are not looked at until they are asked for."""
    read_cached(SOUND, KINDS, CODES)
    [page] = kept(folder)
    whole = page.read_bytes()
    for place in (0, len(whole) // 2, whole.index(b"within"), whole.rindex(b"SELECT"), len(whole) - 1):
        page.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")
        assert is_read_from_cache(SOUND, monkeypatch)


class Trap:
    """Stands in for a pickle that runs code when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("sprung",))


@pytest.fixture
def trap(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cached file of the sound page, with a trap in it, and the place where its springing would show."""
    read_cached(SOUND, KINDS, CODES)
    [page] = kept(folder)
    page.write_bytes(sealed(pickle.dumps(Trap())))
    monkeypatch.chdir(tmp_path)
    return page


def test_a_file_of_our_own_is_loaded(trap: Path) -> None:
    """The trap works: what the tests below keep from springing springs."""
    assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")
    assert Path("sprung").exists()


def test_a_file_that_others_may_write_is_not_loaded(trap: Path) -> None:
    """Loading a pickle runs what is in it."""
    trap.chmod(0o666)
    assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")
    assert not Path("sprung").exists()


def test_a_folder_that_others_may_write_is_not_used(trap: Path) -> None:
    """They could have put the file there."""
    trap.parent.chmod(0o777)
    assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")
    assert not Path("sprung").exists()


def test_a_link_is_not_followed(trap: Path, tmp_path: Path) -> None:
    """Neither the file nor the folder may be one."""
    trap.rename(tmp_path / "elsewhere")
    trap.symlink_to(tmp_path / "elsewhere")
    assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")
    trap.parent.rename(tmp_path / "folder")
    trap.parent.symlink_to(tmp_path / "folder")
    assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")
    assert not Path("sprung").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("whole_folder", [True, False])
def test_another_users_pickle_is_not_loaded(trap: Path, whole_folder: bool) -> None:
    """Even root does not run what somebody else wrote."""
    os.chown(trap.parent if whole_folder else trap, 65534, 65534)
    assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")
    assert not Path("sprung").exists()


def test_a_cache_that_cannot_be_had_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed home does not keep anyone from reading a page."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cachefolder.NAMED_BY, str(tmp_path / "file"))
    assert read_cached(SOUND, KINDS, CODES) == page_is_read("sound")


def test_old_pages_are_forgotten(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every edit makes another, so only the newest are kept."""
    monkeypatch.setattr(cache, "_KEPT", 3)
    page = tmp_path / "page.md"
    for number in range(6):
        page.write_text(f"{FRONT}{number}\n")
        read_cached(page, KINDS, CODES)
    assert len(kept(folder)) == 3


def test_a_page_from_the_cache_needs_no_parser() -> None:
    """A live check starts without pydantic, the Markdown parser and the YAML one."""
    read_cached(SOUND, KINDS, CODES)
    program = """
import sys
from pathlib import Path
from checks.runbook.cache import read_cached
from tests.runbook.kinds import CODES, KINDS
read_cached(Path(sys.argv[1]), KINDS, CODES, lambda _: [])
print(sorted({"pydantic", "pydantic_core", "markdown_it", "ruamel", "ruamel.yaml"} & set(sys.modules)))
"""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program, str(SOUND)]
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=30)
    assert finished.stdout.strip() == "[]"
