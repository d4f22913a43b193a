"""Backup: the newest one is young, whole and readable, whoever wrote it, and as many are kept as the page says."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from checks.backup.sidefiles import sha256
from checks.check import Finding, Severity
from checks.errors import CouldNotTell, NotApplicable
from checks.runbook.model import Backups, Keep
from checks.targets.embedded import EmbeddedServer
from checks.units import Duration
from tests.backup.asking import broken, findings_of_backup
from tests.backup.shop import Shop
from tests.catalog.tools import params_of

OTHERS = {"manifest": "ignore"}
GAIA = Backups(location="backups", pattern="gaia_backup_*.sql.gz", keep=Keep(last=10))
BLACKROAD = Backups(location="backups", pattern="*.dump", keep=Keep(within=Duration(30 * 86400)))


@pytest.fixture(scope="module")
def dumps(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small shop's dump as plain SQL, gzip of it, custom archive, directory and tar."""
    folder, shop = tmp_path_factory.mktemp("dumps"), Shop.on(server)
    for form, name in (("plain", "shop.sql"), ("custom", "shop.dump"), ("directory", "shop.dir"), ("tar", "shop.tar")):
        shop.dump(f"--format={form}", f"--file={folder / name}")
    (folder / "shop.sql.gz").write_bytes(gzip.compress((folder / "shop.sql").read_bytes()))
    shop.close()
    return folder


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """The folder that pages call `backups`."""
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture
def daily(dumps: Path, backups: Path) -> Callable[..., list[Path]]:
    """Fills the folder with a copy of one dump a day, as many as asked for; the newest is an hour old, and first."""

    def fill(count: int, form: str, source: str, *, hours: float = 1) -> list[Path]:
        made = []
        for days in range(count):
            taken = datetime.now().astimezone() - timedelta(days=days, hours=hours)
            path = backups / taken.strftime(form)
            copy = shutil.copytree if (dumps / source).is_dir() else shutil.copy
            made.append(Path(copy(dumps / source, path)))
        return made

    return fill


def asked(backups: Path, where: Backups, params: object = None, **known: object) -> list[Finding]:
    return findings_of_backup(where, OTHERS if params is None else params, folder=backups.parent, **known)


def the_broken(findings: list[Finding], code: str) -> Finding:
    """The only finding that does not hold, which has that code."""
    assert broken(findings) == [code], [str(finding) for finding in findings]
    return next(finding for finding in findings if not finding.holds)


@pytest.mark.parametrize(
    ("pattern", "form", "source"),
    [
        ("gaia_backup_*.sql.gz", "gaia_backup_%Y%m%d_%H%M%S.sql.gz", "shop.sql.gz"),
        ("gaia-prod-*.sql.gz", "gaia-prod-%Y-%m-%d.sql.gz", "shop.sql.gz"),
        ("backup_*.dump", "backup_%Y%m%d_%H%M%S.dump", "shop.dump"),
        ("relay-*", "relay-%s", "shop.dir"),
        ("*.tar", "%Y-%m-%dT%H%M%S%z.tar", "shop.tar"),
        ("*/db.sql", "%Y%m%d%H%M/db.sql", "shop.sql"),
    ],
)
def test_backups_of_others_are_found_dated_and_read(
    daily: Callable[..., list[Path]], backups: Path, pattern: str, form: str, source: str
) -> None:
    """As relay's, platform-api's and gaia's scripts leave them: SQL, gzip of it, archives, directories and tars."""
    if "/" in form:
        for days in range(3):
            taken = datetime.now().astimezone() - timedelta(days=days, hours=1)
            (backups / taken.strftime(form)).parent.mkdir()
    daily(3, form, source)
    findings = asked(backups, Backups(location="backups", pattern=pattern))
    assert [finding.code for finding in findings] == ["backup.measured"]
    assert findings[0].sentence.startswith("3 backups in ")
    assert findings[0].observed in {"3, 1 h", "3, 1.0 s", "3, 0.0 ms"} or "ms" in findings[0].observed


def test_an_empty_place_fails(backups: Path) -> None:
    """The job writes elsewhere, or under another name, or not at all."""
    (backups / "other.dump").write_bytes(b"x")
    finding = the_broken(asked(backups, GAIA), "backup.none")
    assert "gaia_backup_*.sql.gz" in finding.sentence


def test_a_job_that_stopped_is_seen_by_the_age_of_its_last_backup(
    daily: Callable[..., list[Path]], backups: Path
) -> None:
    """By the name, though the file was copied just now; by the time of the file where the page says so."""
    daily(10, "gaia_backup_%Y%m%d_%H%M%S.sql.gz", "shop.sql.gz", hours=30)
    finding = the_broken(asked(backups, GAIA), "backup.stale")
    assert (finding.expected, finding.observed) == ("at most 1 d 2 h", "1 d 6 h")
    assert broken(asked(backups, GAIA, {"rpo": "2d", **OTHERS})) == []
    by_time = Backups(location="backups", pattern=GAIA.pattern, dated="time")
    assert broken(asked(backups, by_time)) == []


def test_a_backup_of_tomorrow_hides_nothing(daily: Callable[..., list[Path]], backups: Path) -> None:
    """It has no age, and does not make the one before it young."""
    [newest, *_] = daily(2, "shop_%Y%m%d_%H%M%S.dump", "shop.dump", hours=40)
    shutil.copy(newest, backups / f"shop_{datetime.now().astimezone() + timedelta(days=2):%Y%m%d_%H%M%S}.dump")
    findings = asked(backups, Backups(location="backups", pattern="*.dump"))
    assert broken(findings) == ["backup.future", "backup.stale"]


@pytest.mark.parametrize(("demand", "severity"), [("warn", Severity.WARN), ("require", Severity.FAIL)])
def test_retention_is_held_against_the_page(
    daily: Callable[..., list[Path]], backups: Path, demand: str, severity: Severity
) -> None:
    """gaia keeps the last ten, blackroad thirty days; fewer warn, or fail where the page says so."""
    daily(9, "gaia_backup_%Y%m%d_%H%M%S.sql.gz", "shop.sql.gz")
    finding = the_broken(asked(backups, GAIA, {"retention": demand, **OTHERS}), "backup.few")
    assert (finding.expected, finding.observed, finding.severity) == ("10", "9", severity)
    daily(28, "%Y%m%d_%H%M%S.dump", "shop.dump")
    finding = the_broken(asked(backups, BLACKROAD, {"retention": demand, **OTHERS}), "backup.span")
    assert (finding.expected, finding.observed, finding.severity) == ("30 d", "27 d 1 h", severity)
    assert broken(asked(backups, BLACKROAD, {"retention": "ignore", **OTHERS})) == []


def test_as_many_as_the_page_says_hold(daily: Callable[..., list[Path]], backups: Path) -> None:
    """Ten, and thirty days: one that is due any hour now is not missing yet."""
    daily(10, "gaia_backup_%Y%m%d_%H%M%S.sql.gz", "shop.sql.gz")
    daily(30, "%Y%m%d_%H%M%S.dump", "shop.dump")
    assert broken(asked(backups, GAIA)) == []
    assert broken(asked(backups, BLACKROAD)) == []


def test_a_size_that_jumps_is_told(daily: Callable[..., list[Path]], backups: Path) -> None:
    """Half of it gone fails; three times as much warns. Without any of its form before it nothing is compared."""
    where = Backups(location="backups", pattern="shop*")
    newest, *others = daily(4, "shop_%Y%m%d_%H%M%S.sql", "shop.sql")
    for other in others:
        other.write_bytes(other.read_bytes() * 3)
    assert the_broken(asked(backups, where), "backup.shrunk").severity is Severity.FAIL
    assert broken(asked(backups, where, {"shrinks": "70%", **OTHERS})) == []
    for other in others:
        other.write_bytes(newest.read_bytes()[:20_000])
    assert the_broken(asked(backups, where), "backup.grown").severity is Severity.WARN
    for other in others:
        other.rename(other.with_suffix(".other"))
    assert broken(asked(backups, where)) == []


def test_bytes_that_nobody_wrote_are_seen(daily: Callable[..., list[Path]], backups: Path) -> None:
    """A checksum beside the newest is compared; of the others' only where all are to be read."""
    where = Backups(location="backups", pattern="shop*.dump")
    paths = daily(2, "shop_%Y%m%d_%H%M%S.dump", "shop.dump")
    for path in paths:
        Path(f"{path}.sha256").write_text(f"{sha256(path)}  {path.name}\n")
    assert broken(asked(backups, where)) == []
    Path(f"{paths[1]}.sha256").write_text("0" * 64)
    assert broken(asked(backups, where)) == []
    the_broken(asked(backups, where, {"read": "all", **OTHERS}), "backup.checksum")
    Path(f"{paths[0]}.sha256").write_text("0" * 64)
    the_broken(asked(backups, where), "backup.checksum")
    assert broken(asked(backups, where, {"read": "none", **OTHERS})) == []


def manifest_of(path: Path, **other: object) -> None:
    said = {
        "kind": "pgrunbook manifest",
        "version": 1,
        "runbook": "shop",
        "taken": datetime.now(UTC).isoformat(),
        "bytes": path.stat().st_size,
        "files": {path.name: sha256(path)},
        **other,
    }
    Path(f"{path}.manifest.json").write_text(json.dumps(said))


def test_a_manifest_is_missed_unless_the_page_knows_of_none(daily: Callable[..., list[Path]], backups: Path) -> None:
    """Those of others have none: a warning by default, a failure or nothing where the page says so."""
    where = Backups(location="backups", pattern="shop*.dump")
    [path] = daily(1, "shop_%Y%m%d_%H%M%S.dump", "shop.dump")
    assert the_broken(asked(backups, where, {}), "backup.no_manifest").severity is Severity.WARN
    assert the_broken(asked(backups, where, {"manifest": "require"}), "backup.no_manifest").severity is Severity.FAIL
    manifest_of(path)
    assert broken(asked(backups, where, {"manifest": "require"})) == []
    manifest_of(path, bytes=1)
    the_broken(asked(backups, where, {}), "backup.checksum")
    manifest_of(path, version=2)
    the_broken(asked(backups, where, {}), "backup.manifest")


def test_of_its_own_backups_only_those_of_the_environment_count(
    daily: Callable[..., list[Path]], backups: Path
) -> None:
    """A backup of dev is none of prod, unless the page says that either does."""
    where = Backups(location="backups")
    for path in daily(1, "shop-dev-%Y%m%dT%H%M%SZ.dump", "shop.dump", hours=14):
        manifest_of(path)
    assert broken(asked(backups, where, {}, environment="dev")) == []
    the_broken(asked(backups, where, {}, environment="prod"), "backup.none")
    assert broken(asked(backups, where, {"of": ["prod", "dev"]}, environment="prod")) == []
    with pytest.raises(NotApplicable, match=r"backups are taken of prod; this is dev"):
        asked(backups, where, {"of": ["prod"]}, environment="dev")


def test_who_wrote_it_is_held_against_the_page(daily: Callable[..., list[Path]], backups: Path) -> None:
    """A dump of another major warns; one by a pg_dump older than its server fails, which pg_dump itself prevents."""
    where = Backups(location="backups", pattern="shop*")
    [path] = daily(1, "shop_%Y%m%d_%H%M%S.sql", "shop.sql")
    the_broken(asked(backups, where, postgres=9), "backup.other_major")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"-- Dumped by pg_dump version 1", b"-- Dumped by pg_dump version 9.", 1))
    the_broken(asked(backups, where), "backup.dumper")


def test_a_newest_one_that_cannot_be_read_fails(daily: Callable[..., list[Path]], backups: Path) -> None:
    """However good those before it are: an empty file, half a file, or something else under its name."""
    where = Backups(location="backups", pattern="shop*")
    [newest, *_] = daily(3, "shop_%Y%m%d_%H%M%S.sql.gz", "shop.sql.gz")
    content = newest.read_bytes()
    newest.write_bytes(b"")
    the_broken(asked(backups, where), "backup.empty")
    newest.write_bytes(content[: len(content) * 9 // 10])
    the_broken(asked(backups, where), "backup.truncated")
    newest.unlink()
    newest.symlink_to("/nowhere/to/be/found")
    os.utime(newest, (time.time(),) * 2, follow_symlinks=False)
    the_broken(asked(backups, where, {"shrinks": "100%", **OTHERS}), "backup.missing")


def test_damage_within_an_archive_shows_where_it_is_unpacked(daily: Callable[..., list[Path]], backups: Path) -> None:
    """Without a checksum a changed byte of compressed rows shows to nobody else but a drill."""
    where = Backups(location="backups", pattern="shop*.dump")
    [path] = daily(1, "shop_%Y%m%d_%H%M%S.dump", "shop.dump")
    unpacked = {"unpack": True, **OTHERS}
    assert broken(asked(backups, where, unpacked)) == []
    content = bytearray(path.read_bytes())
    content[-200] ^= 0xFF
    path.write_bytes(content)
    assert broken(asked(backups, where)) == []
    the_broken(asked(backups, where, unpacked), "backup.data_damaged")


def test_what_may_not_be_read_gives_no_verdict_but_what_is_known_stays(
    daily: Callable[..., list[Path]], backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """zstd is missing here, so nothing is said of the content; that it is too old is known all the same."""
    where = Backups(location="backups", pattern="shop*")
    [path] = daily(1, "shop_%Y%m%d_%H%M%S.sql.zst", "shop.sql")
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CouldNotTell) as nothing:
        asked(backups, where)
    assert nothing.value.code == "backup.no_program"
    findings = asked(backups, where, {"rpo": "1min", **OTHERS})
    assert broken(findings) == ["backup.stale", "backup.no_program"]
    assert findings[-1].severity is Severity.WARN


def test_where_backups_lie_comes_from_the_page_or_its_variable(daily: Callable[..., list[Path]], backups: Path) -> None:
    """No location, a variable that is not set, a bucket in the page itself, no such folder: no verdict, never green."""
    daily(1, "shop_%Y%m%d_%H%M%S.dump", "shop.dump")
    through = Backups(location="${BACKUPS}", pattern="shop*")
    assert broken(asked(backups, through, variables={"BACKUPS": str(backups)})) == []
    for where in (None, through, Backups(location="s3://shop/backups"), Backups(location="unmounted")):
        with pytest.raises(CouldNotTell) as nothing:
            findings_of_backup(where, folder=backups.parent, variables={})
        assert nothing.value.code == "backup.no_location"


def test_a_disposable_database_has_no_backups() -> None:
    """It was made a moment ago, and a drill takes one of it."""
    with pytest.raises(NotApplicable):
        findings_of_backup(GAIA, disposable=True)


def test_an_rpo_of_nothing_is_a_mistake() -> None:
    """No backup could ever be young enough."""
    with pytest.raises(ValidationError, match="more than nothing"):
        params_of("backup", "{rpo: 0s}")
