"""A connection that is cut, or falls silent, while a database is dumped over it: no verdict, and nothing left.

A proxy stands between, and does so once so many bytes of the dump have passed: what is described comes to less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from checks.backup.artifact import Format
from checks.backup.describe import describe
from checks.backup.store import FolderStore
from checks.backup.take import Source, take
from checks.drill.request import LIVE, Request
from checks.errors import CouldNotTell
from checks.result import Status
from checks.targets import server as servers
from checks.targets.embedded import EmbeddedTarget
from checks.targets.session import Endpoint
from tests.backup.test_full_disk import SOLID
from tests.catalog.tools import run_sql
from tests.clusters import wait_until
from tests.drill.tools import codes, drilled, page
from tests.proxy import Proxy

AFTER = 2**20  # bytes from the server, of which the catalogs are a tenth
DEADLINE = 3.0  # seconds, where the peer is silent
WAYS: dict[str, Callable[[Proxy], None]] = {"cut": Proxy.cut, "silent": Proxy.fall_silent}


@dataclass
class Fuse:
    """Counts what passes, and does something to the proxy once it is too much."""

    do: Callable[[Proxy], None]
    proxy: list[Proxy] = field(default_factory=list)
    passed: int = 0

    def __call__(self, chunk: bytes) -> bytes:
        before, self.passed = self.passed, self.passed + len(chunk)
        if before <= AFTER < self.passed:
            self.do(self.proxy[0])
        return chunk


@contextmanager
def cut_off(target: EmbeddedTarget, way: str) -> Iterator[tuple[Endpoint, Fuse]]:
    """The target by way of a proxy that is cut, or falls silent, in the middle of a dump."""
    endpoint, fuse = target.endpoint, Fuse(WAYS[way])
    with Proxy((str(endpoint.host), endpoint.port or 0), rewrite_back=fuse) as proxy:
        fuse.proxy.append(proxy)
        # The host is the proxy's too, so that the certificate is the right one.
        yield replace(endpoint, port=proxy.port), fuse


def digest_of(target: EmbeddedTarget) -> object:
    """All of the database by the questions a backup asks, once nobody else is connected to it."""
    with target.server.connect(target.database) as connection:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        wait_until(connection, f"NOT EXISTS (SELECT {others})")
        connection.autocommit = False
        return replace(describe(connection), sizes={})


@pytest.fixture
def solid(target: EmbeddedTarget) -> EmbeddedTarget:
    """A database of some megabytes."""
    run_sql(target, SOLID.format(4_000))
    return target


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [Format.CUSTOM, Format.DIRECTORY])
def test_a_backup_over_a_line_that_fails_leaves_nothing(
    kind: Format, way: str, solid: EmbeddedTarget, tmp_path: Path
) -> None:
    """A cut is heard of at once; a peer that says nothing, by the deadline."""
    before = digest_of(solid)
    store = FolderStore(tmp_path / "backups")
    with cut_off(solid, way) as (endpoint, fuse), pytest.raises(CouldNotTell) as failed:
        take(Source("shop", "prod", endpoint), store, kind=kind, deadline=DEADLINE if way == "silent" else 60.0)
    assert fuse.passed > AFTER
    assert failed.value.code == ("run.timeout" if way == "silent" else "connectivity.lost")
    assert list(store.folder.iterdir()) == []
    assert digest_of(solid) == before


@pytest.mark.parametrize("way", WAYS)
def test_a_live_drill_over_a_line_that_fails_is_no_verdict(
    way: str, solid: EmbeddedTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy has half a table by then, and goes with its server."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("checks.drill.drill.scratch", lambda: scratch)
    before, running = digest_of(solid), set(servers._running)
    with cut_off(solid, way) as (endpoint, fuse):
        limit = DEADLINE if way == "silent" else 60.0
        found, _ = drilled(Request(page(tmp_path), LIVE, "prod", endpoint, limit=limit))
    assert fuse.passed > AFTER
    assert codes(found) == {"run.timeout" if way == "silent" else "connectivity.lost"}
    assert {one.status for one in found.steps} == {Status.ERRORED, Status.SKIPPED}
    assert (list(scratch.iterdir()), set(servers._running)) == ([], running)
    assert digest_of(solid) == before
