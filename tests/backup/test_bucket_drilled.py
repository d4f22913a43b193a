"""Commands as a person runs them, with a bucket of S3 and of Google: backups taken, kept, asked about and drilled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from checks.backup.bucket import Bucket
from checks.backup.sidefiles import sha256
from checks.targets.embedded import EmbeddedTarget
from checks.targets.url_forms import sqlalchemy_url
from tests.backup.shop import Healthy
from tests.backup.test_take import ROWS
from tests.catalog.tools import run_sql
from tests.command import Ended, page, pgrunbook

FRONT = 'environments: {dev: {url: "${DEV}"}}\nbackups: {location: "${BACKUPS}", keep: {last: 2}}\n'
CHECK = "## Backups\n\n```yaml check\nbackup: {rpo: 1d, retention: require}\n```\n"


@dataclass(frozen=True)
class Told:
    """A project, and what is set while its commands run."""

    project: Path
    variables: Mapping[str, str]

    def ends(self, code: int, *arguments: str, **otherwise: str) -> Ended:
        """How the command ended, which is with this code and without a traceback."""
        done = pgrunbook(*arguments, folder=self.project, variables={**self.variables, **otherwise})
        assert (done.code, "Traceback" in done.out + done.err) == (code, False), done.out + done.err
        return done


@pytest.fixture
def told(target: EmbeddedTarget, store: str, tmp_path: Path) -> Told:
    """A page whose backups lie where a variable says, which is in a bucket, and a database with some rows."""
    page(tmp_path, "shop", CHECK, FRONT)
    run_sql(target, ROWS.format(1000))
    return Told(tmp_path, {"DEV": sqlalchemy_url(target.endpoint).replace("+psycopg", ""), "BACKUPS": store})


def names(store: str) -> list[str]:
    """What the bucket holds."""
    return sorted(item.name for item in Bucket.of(store).items("*"))


def test_a_bucket_is_all_that_a_folder_is(told: Told, store: str) -> None:
    """Three backups leave the last two; the check counts them; drills prove the newest, and one by its address."""
    told.ends(0, "backup", "--env", "dev", "--format", "directory")
    [first] = [name for name in names(store) if name.endswith(".dir") or ".dir/" in name][:1]
    told.ends(0, "backup", "--env", "dev")
    last = told.ends(0, "backup", "--env", "dev", "--to", store)
    assert f"removed {first.partition('/')[0]}" in last.out
    assert len(names(store)) == 4
    assert all(".dump" in name for name in names(store))
    told.ends(0, "check", "--env", "dev")
    told.ends(0, "drill", "--from", "latest")
    oldest = names(store)[0]
    assert oldest in told.ends(0, "drill", "--from", f"{store}/{oldest}").out


def test_an_address_of_no_backup_starts_nothing(told: Told, store: str) -> None:
    """2, one sentence, and no server."""
    for wrong in (f"{store}/nothing.dump", store, store.rpartition("/")[0]):
        assert "--from" in told.ends(2, "drill", "--from", wrong).err


def test_others_backups_are_drilled_from_a_bucket(told: Told, store: str, healthy: Healthy) -> None:
    """With the checksum that lies beside it, which holds at first, and then does not."""
    import obstore

    bucket = Bucket.of(store)
    obstore.put(bucket._store, "shop.sql", healthy.plain.read_bytes())
    obstore.put(bucket._store, "shop.sql.sha256", f"{sha256(healthy.plain)}  shop.sql\n".encode())
    assert "no checksum" not in told.ends(0, "drill", "--from", f"{store}/shop.sql").out
    obstore.put(bucket._store, "shop.sql.sha256", f"{'0' * 64}  shop.sql\n".encode())
    assert "backup.checksum" in told.ends(1, "drill", "--from", f"{store}/shop.sql").out


def test_a_bucket_that_is_not_there_takes_no_backup(told: Told, store: str) -> None:
    """3, with its code, from each command."""
    for command in (("backup", "--env", "dev"), ("drill", "--from", "latest")):
        done = told.ends(3, *command, BACKUPS=store.replace("backups", "nowhere"))
        assert "store.no_bucket" in done.out + done.err
