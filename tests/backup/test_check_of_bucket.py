"""The `backup` check of a bucket, of S3 and of Google: it fetches what it opens, unless that is too large."""

from __future__ import annotations

import pytest

from checks.backup.bucket import Bucket
from checks.check import Severity
from checks.errors import CouldNotTell
from checks.runbook.model import Backups
from tests.backup.asking import broken, findings_of_backup
from tests.backup.shop import Healthy

WHERE = Backups(location="${BACKUPS}", pattern="shop*.dump", dated="time")


def test_a_backup_in_a_bucket_is_fetched_and_opened(healthy: Healthy, store: str) -> None:
    """A good one holds, and one that was cut off does not; what is larger than the page says is not fetched."""
    import obstore

    bucket, variables = Bucket.of(store), {"BACKUPS": store}
    obstore.put(bucket._store, "shop.dump", healthy.custom.read_bytes())
    assert broken(findings_of_backup(WHERE, {"manifest": "ignore"}, variables=variables)) == []
    [_, finding] = findings_of_backup(WHERE, {"manifest": "ignore", "fetch": "1kB"}, variables=variables)
    assert (finding.code, finding.severity) == ("backup.not_fetched", Severity.WARN)
    obstore.put(bucket._store, "shop.dump", healthy.custom.read_bytes()[:5000])
    assert broken(findings_of_backup(WHERE, {"manifest": "ignore"}, variables=variables)) == ["backup.truncated"]


def test_an_address_that_is_none_gives_no_verdict() -> None:
    """A bucket without a name is a mistake in the variable, and no backup is missing for it."""
    with pytest.raises(CouldNotTell) as nothing:
        findings_of_backup(WHERE, variables={"BACKUPS": "s3:///shop"})
    assert nothing.value.code == "backup.no_location"


def test_a_bucket_that_is_not_there_gives_no_verdict(store: str) -> None:
    """Which is not to say that there are no backups."""
    with pytest.raises(CouldNotTell) as nothing:
        findings_of_backup(WHERE, variables={"BACKUPS": store.replace("backups", "nobody-made-this")})
    assert nothing.value.code.startswith("store.")
