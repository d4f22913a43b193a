"""`pgrunbook backup`, ended by each signal in each of its phases: a backup is there whole, or it is not there."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checks.backup import manifest, staging
from checks.backup.found import found
from checks.backup.store import FolderStore
from checks.targets import client
from checks.targets.embedded import EmbeddedTarget
from checks.targets.url_forms import sqlalchemy_url
from tests.backup.test_cut import cut_off, digest_of
from tests.backup.test_full_disk import SOLID
from tests.catalog.tools import run_sql
from tests.command import BIN, ROOT, page, pgrunbook
from tests.ending import Running, gone, running
from tests.held import MARK

FRONT = 'environments: {dev: {url: "${DEV}"}}\nbackups: {location: backups, keep: {last: 1}}\n'
# Each is held in a function of ours; in the first two the server, or the line to it, keeps it waiting.
HELD = {
    "hashing": ("checks.backup.take:sha256", "before"),
    "the manifest": ("checks.backup.manifest:write", "before"),
    "publishing": ("checks.backup.manifest:write", "after"),
    "retention": ("checks.backup.store:FolderStore.delete", "before"),
}
PHASES = ("locking", "dumping", *HELD)
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


@pytest.fixture
def project(tmp_path: Path, target: EmbeddedTarget) -> Path:
    """A page, and one backup that is there already."""
    page(tmp_path, "shop", "Nothing.", FRONT)
    (tmp_path / "tmp").mkdir()
    run_sql(target, SOLID.format(2_000))
    assert _backup(tmp_path, target) == 0
    return tmp_path


def _variables(folder: Path, target: EmbeddedTarget) -> dict[str, str]:
    url = sqlalchemy_url(target.endpoint).replace("+psycopg", "")
    return {"DEV": url, "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(ROOT)}


def _backup(folder: Path, target: EmbeddedTarget) -> int:
    return pgrunbook("backup", "--env", "dev", folder=folder, variables=_variables(folder, target)).code


@contextmanager
def in_phase(phase: str, project: Path, target: EmbeddedTarget) -> Iterator[Running]:
    """The command, once it is in a phase."""
    arguments = ["backup", "--env", "dev", "--format", "directory"]
    command, variables = [str(BIN / "pgrunbook"), *arguments], _variables(project, target)
    if phase == "locking":
        with target.server.connect(target.database) as holder, target.server.connect() as looks:
            holder.autocommit = False
            holder.execute("LOCK TABLE solid IN ACCESS EXCLUSIVE MODE")
            with running(command, project, variables) as one:
                waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                one.until(lambda _: looks.execute(waits).fetchone() != (0,))
                yield one
    elif phase == "dumping":
        with cut_off(target, "silent") as (endpoint, fuse):
            far = {"DEV": sqlalchemy_url(endpoint).replace("+psycopg", "")}
            with running(command, project, variables | far) as one:
                one.until(lambda _: fuse.passed > 2**20)
                yield one
    else:
        with running([sys.executable, "-m", "tests.held", *HELD[phase], *arguments], project, variables) as one:
            one.until(lambda _: (project / MARK).exists())
            yield one


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda one: one.name)
@pytest.mark.parametrize("phase", PHASES)
def test_a_backup_that_is_ended_is_whole_or_not_there(
    phase: str, ending: signal.Signals, project: Path, target: EmbeddedTarget
) -> None:
    """130 and nothing left; or what the next backup sweeps. The one before stays as it was, and so does the source."""
    before, there = digest_of(target), _listed(project)
    with in_phase(phase, project, target) as one:
        code, said, ran = one.end(ending)
        if ending is signal.SIGKILL:
            assert code == -signal.SIGKILL
            _sweep(project)
        else:
            assert (code, said) == (130, "Interrupted.\n")
        assert list((project / "tmp").iterdir()) == []
        kept = _listed(project)
        assert kept[: len(there)] == there
        assert len(kept) == len(there) + 2 * (phase == "retention")
    assert gone(ran)
    whole = found(FolderStore(project / "backups"), pattern=None, runbook="shop")
    assert len(whole) == 1 + (phase == "retention")
    assert all(manifest.read(one.path.with_name(one.path.name + manifest.SUFFIX)).artifact == one.path.name
               for one in whole)  # fmt: skip
    assert digest_of(target) == before


def _listed(project: Path) -> list[str]:
    return sorted(path.name for path in (project / "backups").iterdir())


def _sweep(project: Path) -> None:
    """What the next backup does first. What might be another's that is being made is left alone for a minute."""
    for path in [*(project / "backups").glob(f"*{manifest.SUFFIX}"), *(project / "tmp").glob("*.pgpass")]:
        os.utime(path, (0, 0))
    staging.sweep(project / "backups")
    client.sweep(project / "tmp")
