"""Whole drills: of an artifact and of a live database, with a manifest and without, and what they cannot prove."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.backup import manifest
from checks.backup.digest import VARIANT
from checks.backup.head import head_of
from checks.backup.sidefiles import sha256
from checks.backup.store import FolderStore
from checks.backup.take import Source, take
from checks.catalog.codes import documented
from checks.choice import Selection
from checks.drill.command import Asked, requests
from checks.drill.request import LATEST, LIVE, Request
from checks.drilled import Budgets, Earlier, Likeness, Rung
from checks.errors import UsageError
from checks.report.compose import report_of
from checks.report.markdown import markdown
from checks.result import Status
from checks.runbook.model import Runbook
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.backup.shop import Shop
from tests.drill.tools import TABLES, codes, drilled, page, step
from tests.majors import reduced, start
from tests.report.builders import provenance

MIGRATIONS = "migrations: {tool: sql, path: migrations}\n"


@pytest.fixture
def shop(target: EmbeddedTarget) -> Shop:
    """A database with rows in it."""
    shop = Shop(target.server, target.database)
    shop.run(TABLES)
    return shop


def request_for(shop: Shop, runbook: Runbook, origin: str = LIVE, **more: object) -> Request:
    """A drill of it."""
    where = shop.server.socket_endpoint(shop.database)
    return Request(runbook, origin, "prod", where, **more)  # type: ignore[arg-type]  # fields of Request


def backed_up(shop: Shop, runbook: Runbook, folder: Path) -> Path:
    """A backup with its manifest."""
    where = shop.server.socket_endpoint(shop.database)
    return folder / take(Source("shop", "prod", where, head_of(runbook)), FolderStore(folder)).name


def test_a_live_database_is_proven_in_one_pass(shop: Shop, tmp_path: Path) -> None:
    """Every rung that applies holds, and the page's checks hold on the copy."""
    body = "```sql check\nSELECT 1 FROM orders HAVING count(*) <> 1000\n```\n"
    found, results = drilled(request_for(shop, page(tmp_path, body=f"## Orders\n\n{body}")))
    assert codes(found) == set()
    assert {one.status for one in found.steps} == {Status.PASSED, Status.SKIPPED}
    assert found.contents_proven
    assert [result.status for result in results.results] == [Status.PASSED]
    assert found.rto_usable is not None
    assert found.rto_verified is not None
    assert found.rto_usable <= found.rto_verified
    assert found.rpo is None
    assert set(found.hashes) == {"artifact", "runbook"}


def test_rows_that_row_level_security_hides_are_proven_too(shop: Shop, tmp_path: Path) -> None:
    """Also where it binds the table's owner: the copy is read past every policy, as the source was."""
    shop.run(
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY;"
        "CREATE POLICY few ON orders USING (customer = 1)"
    )
    body = "```sql check\nSELECT 1 FROM orders HAVING count(*) <> 1000\n```\n"
    found, results = drilled(request_for(shop, page(tmp_path, body=f"## Orders\n\n{body}")))
    assert codes(found) == set()
    assert step(found, Rung.DIGESTS).status is Status.PASSED
    assert [result.status for result in results.results] == [Status.PASSED]


def test_a_live_database_of_every_major_is_proven(
    every_whole_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer], tmp_path: Path
) -> None:
    """Whatever the major, nothing is taken for a difference."""
    shop = Shop.on(server_from(every_whole_major))
    try:
        found, _ = drilled(request_for(shop, page(tmp_path), postgres_bin=str(every_whole_major.folder)))
    finally:
        shop.close()
    assert codes(found) == set()


def test_a_dump_of_an_older_major_is_proven_on_a_newer(
    majors: list[int], every_whole_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer], tmp_path: Path
) -> None:
    """What the page wants is taken where it can hold the dump, and no difference between majors is a finding."""
    shop = Shop.on(server_from(every_whole_major))
    runbook = page(tmp_path, "postgres: 17\n")
    try:
        artifact = backed_up(shop, runbook, tmp_path / "backups")
    finally:
        shop.close()
    found, _ = drilled(Request(runbook, str(artifact)))
    assert codes(found) == set()
    assert "17." in found.copy_server


def test_the_source_is_not_changed_by_a_drill(shop: Shop, tmp_path: Path) -> None:
    """Its counters of written rows stand still."""
    written = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"
    with shop.server.connect(shop.database) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()") if connection.info.server_version >= 150000 else None
        before = connection.execute(written.encode()).fetchone()
        drilled(request_for(shop, page(tmp_path)))
        assert connection.execute(written.encode()).fetchone() == before
        sessions = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert connection.execute(sessions.encode()).fetchone() == (0,)


def test_the_newest_backup_is_found_by_the_page(shop: Shop, tmp_path: Path) -> None:
    """`--from latest` needs nothing but the page's own words."""
    runbook = page(tmp_path, 'backups: {location: "${KEPT}"}\n')
    artifact = backed_up(shop, runbook, tmp_path / "kept")
    found, _ = drilled(request_for(shop, runbook, LATEST, variables={"KEPT": str(tmp_path / "kept")}))
    assert codes(found) == set()
    assert found.artifact == artifact.name
    assert found.dated == "manifest"
    assert found.rpo is not None


def test_a_place_without_a_backup_fails(shop: Shop, tmp_path: Path) -> None:
    """Which is the worst a drill can find."""
    (tmp_path / "kept").mkdir()
    runbook = page(tmp_path, 'backups: {location: "${KEPT}"}\n')
    found, results = drilled(request_for(shop, runbook, LATEST, variables={"KEPT": str(tmp_path / "kept")}))
    assert codes(found) == {"backup.missing"}
    assert step(found, Rung.ARTIFACT).status is Status.FAILED
    assert step(found, Rung.OBJECTS).status is Status.SKIPPED
    assert not results.results


@pytest.mark.parametrize(
    ("origin", "problem"),
    [
        ("{folder}/nowhere.dump", "there is no such backup"),
        ("/dev/null", "is neither a file nor a folder"),
        ("https://app:hunter2@example.com/x.dump", "is an address that no backup is fetched from"),
        ("", "names nothing"),
    ],
)
def test_what_can_be_no_backup_is_a_wrong_command_line(tmp_path: Path, origin: str, problem: str) -> None:
    """No server is started for it, and no password in it is shown."""
    with pytest.raises(UsageError, match=problem) as refused:
        drilled(Request(page(tmp_path), origin.format(folder=tmp_path)))
    assert "hunter2" not in str(refused.value)
    assert refused.value.hint


def test_programs_that_are_not_there_are_a_wrong_command_line(tmp_path: Path, binaries: Binaries) -> None:
    """Told before anything is fetched; a folder that has them is none."""
    runbook = page(tmp_path, 'backups: {location: "${KEPT}"}\nenvironments: {prod: {url: "${SHOP}"}}\n')
    with pytest.raises(UsageError, match=r"--postgres-bin /nowhere: .*holds no working PostgreSQL"):
        requests([runbook], Selection((), ()), Asked("prod", postgres_bin="/nowhere"), tmp_path)
    asked = Asked("prod", postgres_bin=str(binaries.folder))
    assert len(requests([runbook], Selection((), ()), asked, tmp_path)) == 1


def test_a_place_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    """In the rung that needed it; other rungs and checks say only that it came to nothing. The report is drawn."""
    runbook = page(tmp_path, 'backups: {location: "${KEPT}"}\n', "```sql check\nSELECT 1 WHERE false\n```\n")
    request = Request(runbook, LATEST, "prod", variables={"KEPT": str(tmp_path / "nowhere")})
    found, results = drilled(request)
    reasons = [one.reason for one in found.steps] + [one.reason for one in results.results]
    assert sum("nowhere" in reason for reason in reasons) == 1
    assert "nowhere" in step(found, Rung.ARTIFACT).reason
    assert {one.code for one in results.results} == {"drill.no_copy"}
    assert step(found, Rung.ARTIFACT).hint
    report = report_of(results, provenance=provenance(), codes=documented(), drill=found)
    assert markdown(report).count("cannot be read") == 2  # in the ladder's row, and with its hint below
    assert report.run.exit_code == 3


@pytest.mark.parametrize("kind", ["custom", "directory", "tar", "plain"])
def test_without_a_manifest_what_is_not_proven_is_said(kind: str, shop: Shop, tmp_path: Path) -> None:
    """The rungs that need one are skipped, and never green."""
    artifact = tmp_path / "shop-20261120T010203Z.dump"
    shop.dump(f"--format={kind}", f"--file={artifact}")
    found, _ = drilled(Request(page(tmp_path), str(artifact), "prod"))
    assert codes(found) - {"backup.misnamed"} == {"drill.artifact_unproven", "drill.objects_unproven"}
    assert [step(found, rung).status for rung in (Rung.ARTIFACT, Rung.OBJECTS)] == [Status.WARNED] * 2
    assert [step(found, rung).status for rung in (Rung.COUNTS, Rung.DIGESTS)] == [Status.SKIPPED] * 2
    assert any("no manifest" in sentence for sentence in found.unproven)
    assert not found.contents_proven


def test_a_checksum_vouches_for_the_file_and_not_for_what_is_in_it(shop: Shop, tmp_path: Path) -> None:
    """The artifact is proven by it, and its contents are not."""
    artifact = tmp_path / "shop-20261120T010203Z.dump"
    shop.dump("--format=custom", f"--file={artifact}")
    artifact.with_name(f"{artifact.name}.sha256").write_text(f"{sha256(artifact)}  {artifact.name}\n")
    found, _ = drilled(Request(page(tmp_path), str(artifact), "prod"))
    assert step(found, Rung.ARTIFACT).status is Status.PASSED
    assert step(found, Rung.OBJECTS).status is Status.WARNED
    assert not found.contents_proven


def test_a_backup_without_a_row_proves_nothing(target: EmbeddedTarget, tmp_path: Path) -> None:
    """Every rung above it would hold."""
    shop = Shop(target.server, target.database)
    shop.run("CREATE TABLE customers (id int PRIMARY KEY)")
    artifact = tmp_path / "shop.dump"
    shop.dump("--format=custom", f"--file={artifact}")
    found, _ = drilled(Request(page(tmp_path), str(artifact)))
    assert "drill.nothing_restored" in codes(found)


def test_a_changed_byte_is_not_restored(shop: Shop, tmp_path: Path) -> None:
    """The manifest vouches for another file."""
    runbook = page(tmp_path)
    artifact = backed_up(shop, runbook, tmp_path / "kept")
    content = bytearray(artifact.read_bytes())
    content[-20] ^= 1  # of a block of rows
    artifact.write_bytes(content)
    found, _ = drilled(Request(runbook, str(artifact)))
    assert "backup.checksum" in codes(found)
    assert step(found, Rung.RESTORED).status is Status.SKIPPED


def test_a_manifest_of_another_variant_is_not_compared_by_digests(shop: Shop, tmp_path: Path) -> None:
    """Two variants differ where the contents do not."""
    runbook = page(tmp_path)
    artifact = backed_up(shop, runbook, tmp_path / "kept")
    side = artifact.with_name(artifact.name + manifest.SUFFIX)
    said = json.loads(side.read_text())
    assert said["digest"] == VARIANT
    said["digest"] = "another"
    for table in said["contents"]["tables"].values():
        table["digest"] = "0" * 32
    side.write_text(json.dumps(said))
    found, _ = drilled(Request(runbook, str(artifact)))
    assert codes(found) == set()
    assert step(found, Rung.DIGESTS).status is Status.SKIPPED
    assert not found.contents_proven


@pytest.fixture
def migrated(shop: Shop, tmp_path: Path) -> tuple[Shop, Runbook]:
    """The same with one migration applied, of two that the page has."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_tables.sql").write_text("SELECT 1;\n")
    (folder / "002_more.sql").write_text("ALTER TABLE orders ADD note text;\n")
    shop.run("CREATE TABLE schema_migrations (version text PRIMARY KEY, checksum text)")
    shop.run("INSERT INTO schema_migrations VALUES ('001')")
    return shop, page(tmp_path, MIGRATIONS)


def test_pending_migrations_are_applied_to_a_second_database(migrated: tuple[Shop, Runbook]) -> None:
    """The copy stays as it was restored."""
    shop, runbook = migrated
    found, _ = drilled(request_for(shop, runbook))
    assert codes(found) == set()
    [applied] = step(found, Rung.PENDING).findings
    assert applied.code == "drill.pending_applied"


def test_a_pending_migration_that_does_not_apply_fails(migrated: tuple[Shop, Runbook], tmp_path: Path) -> None:
    """After a restore the next deployment would."""
    shop, runbook = migrated
    (tmp_path / "migrations" / "002_more.sql").write_text("ALTER TABLE customers ADD CHECK (name = 'one');\n")
    found, _ = drilled(request_for(shop, runbook))
    assert codes(found) == {"drill.pending_failed"}


def test_a_head_that_moved_fails(migrated: tuple[Shop, Runbook], tmp_path: Path) -> None:
    """By the manifest; without one, a revision that nobody here knows."""
    shop, runbook = migrated
    artifact = backed_up(shop, runbook, tmp_path / "kept")
    side = artifact.with_name(artifact.name + manifest.SUFFIX)
    said = json.loads(side.read_text())
    said["contents"]["head"] = ["001", "002"]
    side.write_text(json.dumps(said))
    found, _ = drilled(Request(runbook, str(artifact)))
    assert "drill.head" in codes(found)
    side.unlink()
    shop.run("INSERT INTO schema_migrations VALUES ('777')")
    shop.dump("--format=custom", f"--file={artifact}")
    found, _ = drilled(Request(runbook, str(artifact)))
    assert "drill.head_unknown" in codes(found)


def test_without_a_manifest_the_head_is_not_proven(migrated: tuple[Shop, Runbook], tmp_path: Path) -> None:
    """That the revisions are known ones does not say that they are those of the source."""
    shop, runbook = migrated
    artifact = tmp_path / "shop-20261120T010203Z.dump"
    shop.dump("--format=custom", f"--file={artifact}")
    found, _ = drilled(Request(runbook, str(artifact)))
    assert step(found, Rung.HEAD).status is Status.WARNED
    assert "drill.head_unproven" in codes(found)


def test_a_version_table_that_nobody_can_name_is_no_head_that_matches(shop: Shop, tmp_path: Path) -> None:
    """Where the page's own configuration cannot be read, nothing was read on either side, and nothing is alike."""
    unreadable = page(tmp_path, "migrations: {tool: alembic, path: nowhere}\n")
    found, _ = drilled(request_for(shop, unreadable))
    assert step(found, Rung.HEAD).status is Status.ERRORED


def test_an_age_that_is_the_files_is_not_proven(shop: Shop, tmp_path: Path) -> None:
    """A copy of an old file is as new as the copying, so the budget is kept by its word only."""
    artifact = tmp_path / "shop.dump"
    shop.dump("--format=custom", f"--file={artifact}")
    found, _ = drilled(Request(page(tmp_path), str(artifact), budgets=Budgets(rpo=3600.0)))
    assert [one.code for one in step(found, Rung.BUDGETS).findings] == ["drill.rpo_met", "drill.age_unproven"]
    assert step(found, Rung.BUDGETS).status is Status.WARNED
    found, _ = drilled(Request(page(tmp_path), str(artifact)))
    assert step(found, Rung.BUDGETS).status is Status.SKIPPED
    assert any("is that of its file" in sentence for sentence in found.unproven)


def test_a_server_without_amcheck_proves_no_index(tmp_path: Path) -> None:
    """In the row of the ladder, and under what could not be proven; contents are proven all the same."""
    runbook = page(tmp_path, 'server: {ssl: "off"}\n')
    newer = next(one for one in reduced() if one.major == 18)
    shop = Shop.on(start(newer))
    try:
        found, _ = drilled(request_for(shop, runbook, postgres_bin=str(newer.folder)))
    finally:
        shop.close()
    assert step(found, Rung.INTEGRITY).status is Status.WARNED
    assert any("without amcheck" in sentence for sentence in found.unproven)
    assert found.contents_proven


def test_every_sentence_on_what_is_unproven_stands_under_a_rung_that_is_not_green(shop: Shop, tmp_path: Path) -> None:
    """But for what belongs to no rung: how old a backup is says no dump that is made for the drill."""
    found, _ = drilled(request_for(shop, page(tmp_path)))
    assert found.unproven == ("A dump made for the drill says nothing of how old the newest backup is (RPO).",)
    artifact = tmp_path / "shop.dump"
    shop.dump("--format=custom", f"--file={artifact}")
    found, _ = drilled(Request(page(tmp_path), str(artifact), budgets=Budgets(rpo=3600.0)))
    under = {one.sentence: each.status for each in found.steps for one in each.findings}
    assert found.unproven
    assert {under[sentence] for sentence in found.unproven} == {Status.WARNED}


def test_a_rung_has_the_time_it_took_or_none(shop: Shop, tmp_path: Path) -> None:
    """What is read off one description of the copy has no time of its own."""
    found, _ = drilled(Request(page(tmp_path), str(backed_up(shop, page(tmp_path), tmp_path / "kept"))))
    took = {one.rung: one.seconds for one in found.steps if one.status is not Status.SKIPPED}
    assert {rung for rung, seconds in took.items() if not seconds} == {Rung.OBJECTS, Rung.COUNTS, Rung.DIGESTS}
    assert all(seconds > 0.0005 for rung, seconds in took.items() if seconds), took


def test_a_version_table_that_is_elsewhere_could_not_tell(migrated: tuple[Shop, Runbook], tmp_path: Path) -> None:
    """What is pending is not known then."""
    shop, _ = migrated
    elsewhere = page(tmp_path, "migrations: {tool: sql, path: migrations, table_schema: elsewhere}\n")
    found, _ = drilled(request_for(shop, elsewhere))
    assert "drill.head_unreadable" in codes(found)


def test_budgets_are_measured_against(shop: Shop, tmp_path: Path) -> None:
    """In both directions."""
    runbook = page(tmp_path)
    artifact = tmp_path / "shop-20200101T000000Z.dump"
    shop.dump("--format=custom", f"--file={artifact}")
    tight = Budgets(rto=0.001, rpo=3600.0)
    found, _ = drilled(Request(runbook, str(artifact), budgets=tight))
    assert {"drill.rto", "drill.rpo"} <= codes(found)
    age = datetime.now(UTC) - datetime(2020, 1, 1, tzinfo=UTC)
    wide = Budgets(rto=600.0, rpo=age.total_seconds() + 3600)
    found, _ = drilled(Request(runbook, str(artifact), budgets=wide))
    assert not {"drill.rto", "drill.rpo"} & codes(found)
    assert {finding.code for finding in step(found, Rung.BUDGETS).findings} == {"drill.rto_met", "drill.rpo_met"}


def test_what_is_not_the_dumps_to_bring_is_fidelity(shop: Shop, tmp_path: Path) -> None:
    """Substituted or not to be seen, and never a failure of the data."""
    shop.run("CREATE TABLE mine (a int); ALTER TABLE mine OWNER TO pg_monitor")
    found, _ = drilled(request_for(shop, page(tmp_path)))
    assert codes(found) == set()
    likeness = {one.what: one.likeness for one in found.fidelity}
    assert likeness["PostgreSQL"] is Likeness.MATCHED
    assert likeness["roles"] is Likeness.SUBSTITUTED
    assert likeness["passwords of roles"] is Likeness.NOT_VERIFIABLE


def test_a_trend_is_told(shop: Shop, tmp_path: Path) -> None:
    """Earlier drills are part of what the report draws."""
    trend = (Earlier("2026-08-21T00:00:00Z", True, 600.0),)
    found, _ = drilled(request_for(shop, page(tmp_path), trend=trend))
    assert found.trend == trend
