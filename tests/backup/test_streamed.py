"""A restore that follows a file while it is written: what comes of it, and what it leaves to the whole file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.backup.copy import Copy
from checks.backup.mentions import Mentions
from checks.backup.restore import QUICK, Restored
from checks.backup.streamed import SMALL, StreamedRestore
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.backup.shop import Shop
from tests.backup.test_restore import one
from tests.drill.tools import TABLES

SLOWLY = 0.02  # seconds between two pieces
LARGE = SMALL + 1


@pytest.fixture
def archive(target: EmbeddedTarget, tmp_path: Path) -> bytes:
    """A custom archive of a shop."""
    shop = Shop(target.server, target.database)
    shop.run(TABLES)
    shop.dump("--format=custom", f"--file={tmp_path / 'whole.dump'}")
    return (tmp_path / "whole.dump").read_bytes()


@pytest.fixture
def copy(binaries: Binaries) -> Iterator[Copy]:
    """An empty copy."""
    server = EmbeddedServer.start(binaries, settings=QUICK)
    try:
        made = Copy.on(server, "shop")
        made.provide(Mentions(frozenset({"postgres"}), {}))
        yield made
    finally:
        server.stop()


def follow(copy: Copy, file: Path, content: bytes, size: int) -> Restored | None:
    """What comes of it while the file is written, a piece at a time."""
    with StreamedRestore(copy, file, bytes_of_source=size) as following:
        with file.open("wb", buffering=0) as growing:
            for start in range(0, len(content), 1000):
                growing.write(content[start : start + 1000])
                time.sleep(SLOWLY)
        following.complete()
        return following.ended(60)


@pytest.mark.parametrize("size", [0, LARGE], ids=["rows first", "at once"])
def test_all_of_a_growing_file_is_restored(copy: Copy, archive: bytes, tmp_path: Path, size: int) -> None:
    """Whether rows go first and indexes after them, or all of it in one transaction."""
    restored = follow(copy, tmp_path / "growing.dump", archive, size)
    assert restored is not None
    assert (restored.status, restored.complaints, restored.tries) == (0, (), 1)
    assert one(copy, "SELECT count(*) FROM public.orders") == 1000
    assert one(copy, "SELECT count(*) FROM pg_index WHERE indrelid = 'public.orders'::regclass") == 2
    assert one(copy, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'") == 1


@pytest.mark.parametrize("size", [0, LARGE], ids=["rows first", "at once"])
def test_a_file_that_ends_early_is_left_to_a_restore_of_the_whole(
    copy: Copy, archive: bytes, tmp_path: Path, size: int
) -> None:
    """Which knows every error: a stream's end is no end that is taken for good."""
    assert follow(copy, tmp_path / "growing.dump", archive[: len(archive) // 2], size) is None


@pytest.mark.parametrize("size", [0, LARGE], ids=["rows first", "at once"])
def test_an_index_that_cannot_be_made_is_left_to_a_restore_of_the_whole(
    copy: Copy, target: EmbeddedTarget, tmp_path: Path, size: int
) -> None:
    """Rows that broke their key when nobody looked restore well, and their key does not."""
    shop = Shop(target.server, target.database)
    shop.run(TABLES)
    shop.run("SET session_replication_role = replica; INSERT INTO orders (customer, amount) VALUES (-1, 1)")
    shop.dump("--format=custom", f"--file={tmp_path / 'whole.dump'}")
    content = (tmp_path / "whole.dump").read_bytes()
    assert follow(copy, tmp_path / "growing.dump", content, size) is None


@pytest.mark.parametrize("size", [0, LARGE], ids=["rows first", "at once"])
def test_a_restore_that_takes_too_long_is_not_begun_anew(copy: Copy, archive: bytes, tmp_path: Path, size: int) -> None:
    """From the file it would take as long once more, and end no better."""
    (tmp_path / "whole.dump").write_bytes(archive)
    with (
        copy.as_superuser() as superuser,
        StreamedRestore(copy, tmp_path / "whole.dump", bytes_of_source=size) as following,
    ):
        superuser.execute("BEGIN")
        superuser.execute("LOCK TABLE pg_class IN SHARE MODE")
        restored = following.ended(0.5)
    assert restored is not None
    assert [complaint.code for complaint in restored.complaints] == ["drill.restore_too_long"]


def test_who_leaves_before_the_end_leaves_no_client(copy: Copy, archive: bytes, tmp_path: Path) -> None:
    """Neither the client nor the thread that feeds it waits for a file that nobody writes any more."""
    file = tmp_path / "growing.dump"
    with StreamedRestore(copy, file, bytes_of_source=0) as following:
        file.write_bytes(archive[:5000])
        [run] = following._runs
        assert run.process.poll() is None
    assert run.process.returncode is not None


def test_what_lacks_an_extension_is_not_begun(copy: Copy, archive: bytes, tmp_path: Path) -> None:
    """It would stop at the first error, and is restored from the whole file at once."""
    copy.missing_extensions.add("postgis")
    assert follow(copy, tmp_path / "growing.dump", archive, 0) is None
    assert one(copy, "SELECT count(*) FROM pg_class WHERE relname = 'orders'") == 0
