"""One backup from end to end; and whatever breaks while it is taken, nothing is left that looks like one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checks.backup import manifest, take
from checks.backup.artifact import Format
from checks.backup.describe import describe
from checks.backup.export import Export
from checks.backup.found import found
from checks.backup.sidefiles import Vouched, wrong_files
from checks.backup.store import FolderStore, place
from checks.backup.take import Source, tidy
from checks.backup.written import written
from checks.errors import ConnectionFailed, CouldNotTell
from checks.runbook.model import Keep
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.session import Endpoint
from tests.backup.odd import database, odd
from tests.catalog.tools import run_sql
from tests.clusters import wait_until

ROWS = "CREATE TABLE made AS SELECT i AS a, md5(i::text) AS b FROM generate_series(1, {}) AS i"


def source_of(endpoint: Endpoint) -> Source:
    return Source("shop", "prod", endpoint)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """A folder that is not there yet."""
    return FolderStore(tmp_path / "backups")


def left_in(store: FolderStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


@pytest.mark.parametrize("kind", [Format.CUSTOM, Format.DIRECTORY])
def test_a_backup_restores_to_what_its_manifest_says(
    kind: Format, every_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer], store: FolderStore
) -> None:
    """Everything odd, on every major, in both formats: the hashes are of its files, the digests of its rows."""
    server = server_from(every_major)
    with odd(server, "take_source") as name, database(server, "take_copy") as copy:
        source = source_of(server.socket_endpoint(name))
        taken = take.take(source, store, kind=kind, explicit=every_major.folder)
        artifact = store.folder / taken.name
        written = manifest.read(store.folder / f"{taken.name}{manifest.SUFFIX}")
        assert written == taken.manifest
        assert left_in(store) == [taken.name, f"{taken.name}{manifest.SUFFIX}"]
        assert wrong_files(artifact, Vouched("manifest", written.files)) == []
        assert written.bytes == sum(path.stat().st_size for path in [artifact, *artifact.rglob("*")] if path.is_file())
        where = ["-h", str(server.folder.socket), "-p", str(server.port), "-U", "postgres", "-d", copy]
        subprocess.run([every_major.program("pg_restore"), "--exit-on-error", *where, artifact], check=True, timeout=50)
        with server.connect(copy) as connection:
            connection.autocommit = False
            assert describe(connection).tables == written.contents.tables


def test_older_ones_go_and_nothing_else(target: EmbeddedTarget, store: FolderStore) -> None:
    """Two are kept; others' files, another environment's backups and one without a manifest stay."""
    source = source_of(target.socket_endpoint)
    taken = take.take(source, store)
    for day in ("19", "20"):
        name = f"shop-prod-202611{day}T090000Z.dump"
        (store.folder / name).write_bytes((store.folder / taken.name).read_bytes())
        older = replace(taken.manifest, artifact=name, taken=f"2026-11-{day}T09:00:00+00:00")
        manifest.write(older, store.folder / f"{name}{manifest.SUFFIX}")
    kept = ["shop-prod-20261101T090000Z.dump", "shop-dev-20261101T090000Z.dump", "nightly-20261101.dump"]
    for name in kept:
        (store.folder / name).write_bytes(b"PGDMP")
    oldest = "shop-prod-20261119T090000Z.dump"
    assert tidy(store, source, None) == []
    assert tidy(store, source, Keep(last=2)) == [oldest]
    assert set(kept) < set(left_in(store))
    assert not [name for name in left_in(store) if name.startswith(oldest)]


def test_a_folder_goes_whole(target: EmbeddedTarget, store: FolderStore) -> None:
    """A backup in directory format is removed with its manifest."""
    taken = take.take(source_of(target.socket_endpoint), store, kind=Format.DIRECTORY)
    store.delete(taken.name)
    assert left_in(store) == []


@pytest.fixture
def doomed(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A server of the test's own, with rows enough that a dump does not fit into the pipes between."""
    server = EmbeddedServer.start(binaries)
    server.execute(ROWS.format(150_000))
    yield server
    server.stop()


def at_the_first_piece(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Do something when the dump has begun to write, before it is read on."""
    copied = written

    def interrupted(source: object, path: Path, beside: object) -> object:
        do()
        return copied(source, path, beside)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(take, "written", interrupted)


def test_a_server_that_is_killed_leaves_nothing(
    doomed: EmbeddedServer, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of the dump: a lost connection, and no backup."""
    at_the_first_piece(monkeypatch, lambda: os.kill(doomed.process_id, signal.SIGQUIT))
    with pytest.raises(ConnectionFailed) as failed:
        take.take(source_of(doomed.socket_endpoint()), store)
    assert failed.value.code == "connectivity.lost"
    assert left_in(store) == []


def test_a_dump_that_is_cut_off_leaves_nothing(
    target: EmbeddedTarget, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator ends the session of pg_dump in the middle of a table."""
    run_sql(target, ROWS.format(150_000))
    dumping = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"

    def cut() -> None:
        with target.server.connect(target.database) as connection:
            wait_until(connection, f"EXISTS (SELECT {dumping})")
            connection.execute(f"SELECT pg_terminate_backend(pid) {dumping}".encode())

    at_the_first_piece(monkeypatch, cut)
    with pytest.raises(ConnectionFailed):
        take.take(source_of(target.socket_endpoint), store)
    assert left_in(store) == []


def test_a_dump_without_its_manifest_is_none(
    target: EmbeddedTarget, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session that describes is ended; that the dump itself would come to its end does not help."""
    contents = Export.contents

    def cut(export: Export, **options: Any) -> object:
        target.server.execute(f"SELECT pg_terminate_backend({export.connection.info.backend_pid})")
        return contents(export, **options)

    monkeypatch.setattr(Export, "contents", cut)
    with pytest.raises(ConnectionFailed):
        take.take(source_of(target.socket_endpoint), store)
    assert left_in(store) == []


def test_what_the_session_may_not_see_ends_the_dump(target: EmbeddedTarget, store: FolderStore) -> None:
    """A large object it may not read: pg_dump and the description both say so, and nothing is left."""
    run_sql(target, "CREATE ROLE take_stranger LOGIN PASSWORD 'only for this test'; SELECT lo_create(77)")
    try:
        stranger = replace(target.endpoint, user="take_stranger", password="only for this test")
        with pytest.raises(CouldNotTell) as failed:
            take.take(source_of(stranger), store)
        assert failed.value.code == "run.not_permitted"
        assert left_in(store) == []
    finally:
        run_sql(target, "DROP ROLE take_stranger")


def test_a_deadline_ends_the_dump(
    target: EmbeddedTarget, store: FolderStore, tmp_path: Path, binaries: Binaries
) -> None:
    """One that hangs is ended, and what it wrote is removed. A drill has a dump too, and another flag for its limit."""
    folder = hanging(binaries, tmp_path)
    with pytest.raises(CouldNotTell) as ended:
        take.take(source_of(target.socket_endpoint), store, deadline=2.0, explicit=folder)
    assert "--deadline" in ended.value.hint
    assert "--limit" in ended.value.hint
    assert left_in(store) == []


def hanging(binaries: Binaries, folder: Path) -> Path:
    """A folder with a pg_dump that dumps, and then never ends."""
    real = binaries.program("pg_dump")
    hang = "case $* in *--snapshot=*) while :; do sleep 0.1; done;; esac"
    (folder / "pg_dump").write_text(f'#!/bin/sh\n{real} "$@" || exit\n{hang}\n')
    (folder / "pg_dump").chmod(0o755)
    return folder


def test_too_little_room_is_known_before_anything_starts(target: EmbeddedTarget, store: FolderStore) -> None:
    """By the size of the last one."""
    source = source_of(target.socket_endpoint)
    taken = take.take(source, store)
    os.truncate(store.folder / taken.name, 2**43)  # a hole, which takes no room itself
    with pytest.raises(CouldNotTell) as failed:
        take.take(source, store)
    assert (failed.value.code, len(left_in(store))) == ("dump.no_space", 2)


def test_a_place_that_cannot_be_written_to(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A file where the folder should be; nothing is asked of the server."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CouldNotTell) as failed:
        take.take(source_of(replace(target.endpoint, port=1)), place("file/backups", tmp_path))
    assert failed.value.code == "dump.unwritable"


def test_the_source_is_unchanged(target: EmbeddedTarget, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its digest, before and after a backup that is interrupted."""
    run_sql(target, ROWS.format(1000))

    def now() -> object:
        with target.server.connect(target.database) as connection:
            connection.autocommit = False
            return replace(describe(connection), sizes={})

    def interrupt() -> None:
        raise KeyboardInterrupt

    before = now()
    at_the_first_piece(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        take.take(source_of(target.socket_endpoint), store)
    assert (now(), left_in(store)) == (before, [])
    assert found(store, pattern=None, runbook="shop") == []


def test_two_backups_of_one_second_do_not_take_each_others_place(
    target: EmbeddedTarget, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two runs at once one is there, whole and vouched for by its own manifest; the other says so and is gone."""
    run_sql(target, ROWS.format(1000))
    monkeypatch.setattr(take, "name_of", lambda *_: "shop-prod-20261121T090000Z.dump")  # as if both were of one second
    source = source_of(target.socket_endpoint)

    def once() -> str:
        try:
            return take.take(source, store).name
        except CouldNotTell as reason:
            return reason.code

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(one.result() for one in [pool.submit(once), pool.submit(once)])
    name = "shop-prod-20261121T090000Z.dump"
    assert outcomes == ["dump.exists", name]
    assert left_in(store) == [name, f"{name}{manifest.SUFFIX}"]
    made = manifest.read(store.folder / f"{name}{manifest.SUFFIX}")
    assert wrong_files(store.folder / name, Vouched(name, made.files)) == []
