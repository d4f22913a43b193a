"""A disk that is full while a backup is taken: one sentence, 3, and nothing that could be taken for a backup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.backup import manifest
from checks.backup.artifact import Format
from checks.backup.bucket import Bucket
from checks.backup.found import found
from checks.backup.manifest import Manifest
from checks.backup.store import FolderStore
from checks.backup.take import Source, take
from checks.drill.request import Request
from checks.errors import CouldNotTell
from checks.targets.embedded import EmbeddedTarget
from checks.targets.url_forms import sqlalchemy_url
from tests.catalog.tools import run_sql
from tests.command import page, pgrunbook
from tests.disks import fill, small_disk
from tests.drill.tools import codes, drilled
from tests.drill.tools import page as drill_page
from tests.targets.embedding import only_as_root

# What no compression makes smaller, and more of it than a dump is expected to have by the size of its database.
SOLID = (
    "CREATE TABLE solid AS SELECT (SELECT string_agg(sha512((i * 16 + j)::text::bytea), '') "
    "FROM generate_series(1, 16) AS j) AS a FROM generate_series(1, {}) AS i"
)
pytestmark = only_as_root


@pytest.fixture
def disk() -> Iterator[Path]:
    """One of 6 MB."""
    with small_disk("6m") as folder:
        yield folder


@pytest.mark.parametrize("kind", ["custom", "directory"])
def test_a_dump_that_outgrows_the_disk_leaves_nothing(
    kind: str, disk: Path, target: EmbeddedTarget, tmp_path: Path
) -> None:
    """What was expected fits, so it is begun; what was written until the disk was full is gone with its folder."""
    run_sql(target, SOLID.format(7_000))
    page(tmp_path, "shop", "Nothing.", 'environments: {dev: {url: "${DEV}"}}\n')
    variables = {"DEV": sqlalchemy_url(target.endpoint).replace("+psycopg", "")}
    ended = pgrunbook(
        "backup", "--env", "dev", "--to", str(disk), "--format", kind, folder=tmp_path, variables=variables
    )
    assert (ended.code, ended.out, "Traceback" in ended.err) == (3, "", False)
    first, hint, *more = ended.err.splitlines()
    assert (first.endswith("(dump.no_space)"), hint.startswith("HINT: Free some space"), more) == (True, True, [])
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("kind", [Format.CUSTOM, Format.DIRECTORY])
def test_a_manifest_that_does_not_fit_leaves_no_dump(
    kind: Format, disk: Path, target: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dump is whole by then, and without its manifest it is not published."""
    run_sql(target, SOLID.format(10))
    write = manifest.write

    def when_full(made: Manifest, path: Path) -> None:
        fill(disk)
        write(made, path)

    monkeypatch.setattr(manifest, "write", when_full)
    with pytest.raises(CouldNotTell) as failed:
        take(Source("shop", "prod", target.socket_endpoint), FolderStore(disk), kind=kind)
    assert failed.value.code == "dump.no_space"
    assert [path.name for path in disk.iterdir()] == ["ballast"]
    assert found(FolderStore(disk), pattern=None, runbook="shop") == []


def test_a_full_disk_is_no_obstacle_once_there_is_room(disk: Path, target: EmbeddedTarget) -> None:
    """Nothing that was left behind keeps the next backup from being taken."""
    run_sql(target, SOLID.format(10))
    source, store = Source("shop", "prod", target.socket_endpoint), FolderStore(disk)
    fill(disk)
    with pytest.raises(CouldNotTell) as failed:
        take(source, store)
    assert failed.value.code == "dump.no_space"
    (disk / "ballast").unlink()
    name = take(source, store).name
    assert {path.name for path in disk.iterdir()} == {name, f"{name}{manifest.SUFFIX}"}


def test_a_backup_that_does_not_fit_where_it_is_fetched_to_is_no_verdict(
    disk: Path, target: EmbeddedTarget, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies in a bucket and is sound; the half of it that came does not stay."""
    run_sql(target, SOLID.format(7_000))
    taken = take(Source("shop", "prod", target.socket_endpoint), Bucket.of(store))
    monkeypatch.setattr("checks.drill.drill.scratch", lambda: disk)
    drill, _ = drilled(Request(drill_page(tmp_path), f"{store}/{taken.name}", "prod"))
    assert codes(drill) == {"drill.no_space"}
    assert list(disk.iterdir()) == []
