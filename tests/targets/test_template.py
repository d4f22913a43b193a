"""The cache of templates: made once, repaired when damaged, done without where nothing can be kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from checks import cachefolder
from checks.errors import TargetFailed
from checks.targets import cache, overlay, template
from checks.targets.account import server_account
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.runfolder import RunFolder
from checks.targets.template import Template, prepare
from tests.targets.embedding import ask, only_as_root


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache that belongs to one test."""
    monkeypatch.setenv(cachefolder.NAMED_BY, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder() -> Iterator[RunFolder]:
    """A run folder with nothing in it."""
    folder = RunFolder.make(server_account())
    yield folder
    folder.remove()


@pytest.fixture
def initdb_runs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Fills with the data folders `initdb` really made."""
    runs: list[Path] = []
    real = template.run_initdb

    def noted(binaries: Binaries, data: Path, *rest: object) -> None:
        runs.append(data)
        real(binaries, data, *rest)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(template, "run_initdb", noted)
    return runs


@pytest.fixture
def serve(binaries: Binaries) -> Callable[[], str]:
    """Start a server from the cache, ask it something over TLS, and stop it."""

    def serve() -> str:
        server = EmbeddedServer.start(binaries)
        try:
            server.execute("CREATE TABLE written AS SELECT 'works' AS says")
            server.restart()
            return str(ask(server.endpoint(), "SELECT says FROM written"))
        finally:
            server.stop()

    return serve


@pytest.mark.parametrize("overlaid", [pytest.param(True, marks=only_as_root), False], ids=["overlay", "copy"])
def test_initdb_runs_once(
    kept: Path, initdb_runs: list[Path], serve: Callable[[], str], monkeypatch: pytest.MonkeyPatch, overlaid: bool
) -> None:
    """The second server uses the template, and a server that wrote has left it as it was."""
    if not overlaid:
        monkeypatch.setattr(overlay, "possible", lambda *_: False)
    assert [serve(), serve()] == ["works", "works"]
    assert len(initdb_runs) == 1
    [made] = _templates(kept)
    assert not _template_at(made).discard_if_damaged()


def test_runs_side_by_side_make_one_template(kept: Path, initdb_runs: list[Path], serve: Callable[[], str]) -> None:
    """Whoever comes first makes it and the others wait for it."""
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: serve(), range(3))) == ["works"] * 3
    assert len(initdb_runs) == 1
    assert len(_templates(kept)) == 1


def test_a_template_is_kept_for_each_binary(kept: Path, binaries: Binaries) -> None:
    """A replaced binary, another version or another user has a template of its own."""
    account = server_account()
    one = Template(kept, binaries, account)
    assert Template(kept, replace(binaries, version="99.1"), account).path != one.path
    assert Template(kept, binaries, replace(account, uid=account.uid + 1)).path != one.path
    assert Template(kept, binaries, account).path == one.path


def test_templates_nobody_uses_are_forgotten(kept: Path, serve: Callable[[], str]) -> None:
    """Every update of PostgreSQL would leave one behind; a young one may be another binary's."""
    old, young = kept / "templates" / "14.1-old", kept / "templates" / "14.2-young"
    for path in (old, young):
        path.mkdir(parents=True)
    os.utime(old, (0, 0))
    serve()
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: (data / "global" / "pg_control").write_bytes(b"torn"),
        lambda data: (data / "PG_VERSION").unlink(),
        lambda data: shutil.rmtree(data / "base"),
        shutil.rmtree,
        lambda data: (data.parent / "manifest.json").unlink(),
    ],
    ids=["torn-control", "no-version", "no-base", "no-data", "no-manifest"],
)
def test_a_damaged_template_is_made_anew(
    kept: Path, initdb_runs: list[Path], serve: Callable[[], str], damage: Callable[[Path], object]
) -> None:
    """The run that meets it works all the same, and so does the next."""
    serve()
    damage(_templates(kept)[0] / "data")
    assert serve() == "works"
    assert len(initdb_runs) == 2
    assert not _template_at(_templates(kept)[0]).discard_if_damaged()


def test_a_refused_setting_does_not_cost_the_template(kept: Path, binaries: Binaries, initdb_runs: list[Path]) -> None:
    """A start that fails for another reason leaves a sound template alone."""
    for _ in range(2):
        with pytest.raises(TargetFailed, match="work_mem"):
            EmbeddedServer.start(binaries, settings={"work_mem": "banana"})
    assert len(initdb_runs) == 1


def test_a_refused_setting_is_said_where_nothing_can_be_kept(
    binaries: Binaries, initdb_runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache that cannot be repaired does not make the run try for ever."""
    monkeypatch.setattr(Template, "_make", _full)
    with pytest.raises(TargetFailed, match="work_mem"):
        EmbeddedServer.start(binaries, settings={"work_mem": "banana"})
    assert len(initdb_runs) <= 3


@only_as_root
def test_a_failing_overlay_leads_to_a_copy(
    kept: Path, serve: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only the kernel knows is found out by trying, and costs nothing but time."""
    monkeypatch.setattr(overlay, "possible", lambda *_: True)
    monkeypatch.setattr(overlay, "_SCRIPT", "echo 'mount: permission denied' >&2; exit 32")
    assert serve() == "works"


@only_as_root
def test_an_overlay_is_seen_by_its_server_alone(binaries: Binaries) -> None:
    """Nothing is mounted where we or anybody else would have to unmount it."""
    server = EmbeddedServer.start(binaries)
    try:
        assert str(server.folder.path) not in Path("/proc/self/mounts").read_text()
        seen = Path(f"/proc/{server.process_id}/mounts").read_text()
        assert (str(server.folder.data) in seen) is (server.folder.lower is not None)
    finally:
        server.stop()


@pytest.mark.parametrize("what", ["server.key", "ca.pem"])
def test_a_damaged_certificate_is_made_anew(kept: Path, serve: Callable[[], str], what: str) -> None:
    """Torn or gone, it costs the run that meets it a second start and nothing more."""
    serve()
    [made] = kept.glob("authority-*")
    (made / what).write_text("torn") if what == "server.key" else (made / what).unlink()
    assert serve() == "works"
    assert serve() == "works"


def test_a_full_cache_costs_time_only(
    kept: Path, folder: RunFolder, binaries: Binaries, initdb_runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the template cannot be written `initdb` makes the data folder itself, and nothing half-made is kept."""

    monkeypatch.setattr(template, "copy_tree", _full)
    (kept / "templates").mkdir(parents=True)
    prepare(Template(kept, binaries, server_account()), binaries, folder, server_account())
    assert (folder.data / "PG_VERSION").exists()
    assert initdb_runs[-1] == folder.data
    assert [path for path in (kept / "templates").iterdir() if path.is_dir()] == []


def test_a_server_starts_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch, serve: Callable[[], str]) -> None:
    """Neither a home nor temporary files: every start pays for `initdb` and a certificate, and works."""
    monkeypatch.setattr(cache, "_candidates", lambda: iter([Path("/proc/nothing")]))
    assert cache.folder() is None
    assert serve() == "works"


def test_a_closed_home_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that cannot be made leads to one among the temporary files."""
    monkeypatch.setenv(cachefolder.NAMED_BY, "/proc/nothing/here")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cache.folder() == tmp_path / f"pgrunbook-cache-{os.geteuid()}"


def test_a_folder_others_can_write_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write the cache can choose what we run."""
    monkeypatch.setenv(cachefolder.NAMED_BY, str(tmp_path / "open"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert cache.folder() == tmp_path / f"pgrunbook-cache-{os.geteuid()}"


@only_as_root
def test_a_strangers_folder_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone can make a folder of that name among the temporary files."""
    monkeypatch.setenv(cachefolder.NAMED_BY, "/proc/nothing")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    planted = tmp_path / "pgrunbook-cache-0"
    planted.mkdir()
    os.chown(planted, 65534, 65534)
    assert cache.folder() is None


def test_a_failing_initdb_is_one_sentence(tmp_path: Path, kept: Path, binaries: Binaries, folder: RunFolder) -> None:
    """What `initdb` said last is quoted."""
    fake = tmp_path / "bin"
    fake.mkdir()
    for name in ("initdb", "postgres"):
        (fake / name).write_text("#!/bin/sh\necho 'initdb: error: no luck' >&2\nexit 1\n")
        (fake / name).chmod(0o755)
    broken = replace(binaries, folder=fake)
    with pytest.raises(TargetFailed, match=r"no luck|Permission denied"):
        prepare(Template(kept, broken, server_account()), broken, folder, server_account())


def _full(_: object, half_made: Path | RunFolder) -> None:
    folder = half_made if isinstance(half_made, Path) else half_made.path
    (folder / "half").mkdir(parents=True, exist_ok=True)
    raise OSError(28, "No space left on device")


def _templates(kept: Path) -> list[Path]:
    return [path for path in (kept / "templates").iterdir() if path.is_dir()]


def _template_at(path: Path) -> Template:
    found = Template.__new__(Template)
    found.path = path
    return found
