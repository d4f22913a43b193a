"""Healthy backups of every format and major, drilled: nothing is found wrong with any of them."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from checks.backup.artifact import Format
from checks.backup.store import FolderStore
from checks.backup.take import Source, take
from checks.drill.request import Request
from checks.drilled import Drill, Rung
from checks.result import Status
from checks.targets.binaries import Binaries
from tests.backup.shop import Healthy
from tests.drill.tools import WITHOUT_MANIFEST, codes, drilled, page, step
from tests.majors import is_whole

WITHOUT_TLS = "server: {ssl: off}\n"


def drill_of(artifact: Path, binaries: Binaries, folder: Path) -> Drill:
    """A drill on the artifact's own major."""
    runbook = page(folder, "" if is_whole(binaries) else WITHOUT_TLS)
    found, _ = drilled(Request(runbook, str(artifact), postgres_bin=str(binaries.folder), asks=False))
    assert f"PostgreSQL {binaries.major}." in found.copy_server
    return found


def unseen(binaries: Binaries) -> set[str]:
    """What a drill doubts on a PostgreSQL that comes without amcheck."""
    return set() if is_whole(binaries) else {"drill.indexes_unproven"}


def packed(program: str, artifact: Path, folder: Path) -> Path:
    """The artifact as scripts compress it."""
    path = folder / f"{artifact.name}.{'gz' if program == 'gzip' else 'zst'}"
    content = artifact.read_bytes()
    if program == "gzip":
        path.write_bytes(gzip.compress(content))
    else:
        path.write_bytes(subprocess.run(["zstd", "--quiet"], input=content, capture_output=True, check=True).stdout)
    return path


@pytest.mark.parametrize("form", ["plain", "plain.gz", "custom", "directory", "tar"])
def test_those_of_others(form: str, healthy_of_every_major: Healthy, tmp_path: Path) -> None:
    """As pg_dump of each major writes them; what could not be proven without a manifest is all that is doubted."""
    healthy = healthy_of_every_major
    artifact: Path = getattr(healthy, form.partition(".")[0])
    if form.endswith(".gz"):
        artifact = packed("gzip", artifact, tmp_path)
    found = drill_of(artifact, healthy.shop.server.binaries, tmp_path)
    assert codes(found) == WITHOUT_MANIFEST | unseen(healthy.shop.server.binaries)
    assert step(found, Rung.RESTORED).status is Status.PASSED
    assert not found.contents_proven


def test_one_that_zstd_compressed(healthy: Healthy, tmp_path: Path) -> None:
    """From without, which is the same on every major."""
    found = drill_of(packed("zstd", healthy.plain, tmp_path), healthy.shop.server.binaries, tmp_path)
    assert codes(found) == WITHOUT_MANIFEST


@pytest.mark.parametrize("form", [Format.CUSTOM, Format.DIRECTORY])
def test_our_own(form: Format, healthy_of_every_major: Healthy, tmp_path: Path) -> None:
    """With their manifest, every rung that a page without migrations has holds."""
    healthy = healthy_of_every_major
    server = healthy.shop.server
    source = Source("shop", "prod", server.socket_endpoint(healthy.shop.database))
    kept = FolderStore(tmp_path / "kept")
    taken = take(source, kept, kind=form, explicit=server.binaries.folder)
    found = drill_of(kept.folder / taken.name, server.binaries, tmp_path)
    assert codes(found) == unseen(server.binaries)
    assert found.contents_proven
    for rung in (Rung.ARTIFACT, Rung.RESTORED, Rung.OBJECTS, Rung.COUNTS, Rung.DIGESTS, Rung.SEQUENCES, Rung.VIEWS):
        assert step(found, rung).status is Status.PASSED
