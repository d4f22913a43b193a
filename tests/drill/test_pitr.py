"""Point in time: both sides of the point are proven, each fault has its code, and a copy reaches nothing outside."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.check import Severity
from checks.drill import basebackup, walarchive
from checks.drill import pitr_rehearsal as rehearsal
from checks.drill.doubt import doubts
from checks.drill.pitr import Marker, Recovered, Request, recover
from checks.drill.recovered import isolated
from checks.drill.recovery import OFF, Point
from checks.drill.timeline import Timeline
from checks.drilled import Rung
from checks.errors import CouldNotTell, TargetFailed, UsageError
from checks.result import Status
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer

COUNTED = Marker(rehearsal.MARKER, counted=True)
BY_NAME = Point(name=rehearsal.RESTORE_POINT)
TIMES = "SELECT written FROM pgrunbook_drill.marker"


@dataclass(frozen=True)
class Source:
    """A server that archives, with a base backup and both markers behind it."""

    server: EmbeddedServer
    folder: Path
    made: rehearsal.Made

    @property
    def binaries(self) -> Binaries:
        return self.server.binaries


@contextmanager
def source_of(binaries: Binaries) -> Iterator[Source]:
    """A source with a database `app`, and WAL of several segments between the base backup and the markers."""
    with rehearsal.archive_folder() as folder:
        settings = {**rehearsal.archiving(folder), "shared_preload_libraries": "pg_stat_statements"}
        server = EmbeddedServer.start(binaries, settings=settings)
        try:
            server.create_database("app")
            rehearsal.take_base_backup(server, folder / "early")
            with server.connect("app") as connection:
                connection.execute("CREATE TABLE filling AS SELECT repeat('x', 900) AS x FROM generate_series(1, 3000)")
            rehearsal.archive_all(server)
            yield Source(server, folder, rehearsal.make(server, "app", folder))
        finally:
            server.stop()


@pytest.fixture(scope="module")
def source(binaries: Binaries) -> Iterator[Source]:
    """One source for all faults, which are made in copies of its files."""
    with source_of(binaries) as made:
        yield made


@pytest.fixture
def files(source: Source, tmp_path: Path) -> tuple[Path, Path]:
    """A base backup and an archive of its own for each test to break: many segments lie between the two."""
    shutil.copytree(source.folder / "early", tmp_path / "base")
    shutil.copytree(source.folder / "wal", tmp_path / "wal")
    return tmp_path / "base", tmp_path / "wal"


def request_of(base: Path, wal: Path, point: Point = BY_NAME, marker: Marker | None = COUNTED) -> Request:
    return Request(basebackup.read(base), walarchive.read(wal), point, marker, named="app")


@contextmanager
def recovered(source: Source, request: Request) -> Iterator[Recovered]:
    """What came of the recovery; its server is stopped."""
    outcome = recover(request, source.binaries, Timeline())
    try:
        yield outcome
    finally:
        if outcome.server is not None:
            outcome.server.stop()


def code_of(source: Source, request: Request) -> str:
    """The one code of what does not hold; everything above that rung was not asked."""
    with recovered(source, request) as outcome:
        found = [finding for step in outcome.steps for finding in step.findings]
        broken = [finding for finding in found if not finding.holds and finding.severity is Severity.FAIL]
        assert [step.rung for step in outcome.steps] == [Rung.ARTIFACT, Rung.RESTORED, Rung.BOUNDARY]
        failed = [step.status for step in outcome.steps].index(Status.FAILED)
        assert all(step.status is Status.SKIPPED for step in outcome.steps[failed + 1 :])
        assert len(broken) == 1, broken
        return broken[0].code


def first_inside(wal: Path, base: Path) -> Path:
    """A segment in the middle of what recovery needs."""
    needed = [
        path for path in sorted(wal.iterdir()) if path.name > basebackup.read(base).first and len(path.name) == 24
    ]
    return needed[1]


def test_both_sides_are_proven_on_every_major(every_whole_major: Binaries) -> None:
    """What was written before the point is there, what was written after is not, and the copy reaches nothing."""
    with source_of(every_whole_major) as source:
        for point in (BY_NAME, Point(time=source.made.between)):
            with recovered(source, request_of(source.made.base, source.made.wal, point)) as outcome:
                assert [step.status for step in outcome.steps] == [Status.PASSED] * 3
                assert [finding.code for step in outcome.steps for finding in step.findings] == [
                    "drill.pitr_intact",
                    "drill.pitr_reached",
                    "drill.pitr_isolated",
                    "drill.pitr_boundary",
                    "drill.pitr_boundary",
                ]
                assert outcome.steps[2].findings[1].observed == "1 before, 0 after"
                assert (outcome.database, list(doubts(outcome.steps))) == ("app", [])


def test_times_of_the_page_are_counted_on_both_sides(source: Source, files: tuple[Path, Path]) -> None:
    """A live source is never written to, so its own rows are the markers."""
    point = Point(time=source.made.between)
    with recovered(source, request_of(*files, point, Marker(f"{TIMES};"))) as outcome:
        assert outcome.steps[2].findings[1].code == "drill.pitr_boundary"
    assert code_of(source, request_of(*files, point, Marker("SELECT now()"))) == "drill.pitr_past_boundary"
    nothing = Marker(f"{TIMES} WHERE false")
    assert code_of(source, request_of(*files, point, nothing)) == "drill.pitr_marker_lost"


def test_without_a_marker_the_log_is_the_proof(source: Source, files: tuple[Path, Path]) -> None:
    """And the report says that no table was looked at."""
    with recovered(source, request_of(*files, Point(time=source.made.between), None)) as outcome:
        finding, doubtful = outcome.steps[2].findings
        assert "the last transaction replayed was committed at" in finding.sentence
        assert "is not there" in finding.sentence
        assert doubtful.code == "drill.boundary_unproven"
        assert outcome.steps[2].status is Status.WARNED


def test_a_marker_that_is_no_query_of_times_could_not_tell(source: Source, files: tuple[Path, Path]) -> None:
    """It says so in the server's words, and leaves no server running."""
    with pytest.raises(CouldNotTell, match="marker could not be asked"):
        recover(request_of(*files, marker=Marker("SELECT side FROM nowhere")), source.binaries, Timeline())


def flipped(path: Path, at: int = 100) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(bytes(content))


def overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192 : 8192 * 20] = bytes(range(256)) * 32 * 19
    path.write_bytes(bytes(content))


Fault = Callable[[Path, Path], object]
FAULTS: dict[str, tuple[str, Fault]] = {
    "a byte flipped": ("drill.pitr_manifest_mismatch", lambda base, _: flipped(base / "base" / "1" / "PG_VERSION", 0)),
    "a file lost": ("drill.pitr_manifest_mismatch", lambda base, _: (base / "global" / "pg_filenode.map").unlink()),
    "a file added": ("drill.pitr_manifest_mismatch", lambda base, _: (base / "base" / "new").write_text("x")),
    "a segment lost": ("drill.pitr_wal_missing", lambda base, wal: first_inside(wal, base).unlink()),
    "a segment cut short": (
        "drill.pitr_wal_damaged",
        lambda base, wal: first_inside(wal, base).write_bytes(first_inside(wal, base).read_bytes()[:500_000]),
    ),
    "a segment overwritten": ("drill.pitr_wal_damaged", lambda base, wal: overwritten(first_inside(wal, base))),
    "a timeline of another": (
        "drill.pitr_timeline",
        lambda _, wal: (wal / "00000002.history").write_text("1\t0/100000\tno recovery target specified\n"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_code(source: Source, files: tuple[Path, Path], fault: str) -> None:
    """What is wrong with the files is told apart, because what to do differs."""
    code, inflict = FAULTS[fault]
    inflict(*files)
    assert code_of(source, request_of(*files)) == code


def test_a_point_that_never_came_is_not_reached(source: Source, files: tuple[Path, Path]) -> None:
    """Whether it is a name nobody gave or a time after the end of the archive."""
    assert code_of(source, request_of(*files, Point(name="nobody"))) == "drill.pitr_not_reached"
    later = Point(time=datetime.now(UTC) + timedelta(days=1))
    assert code_of(source, request_of(*files, later)) == "drill.pitr_not_reached"


def test_a_point_before_the_backup_is_too_early(source: Source) -> None:
    """A base backup cannot be taken back."""
    early = Point(time=source.made.between - timedelta(days=1))
    request = request_of(source.made.base, source.made.wal, early)
    assert code_of(source, request) == "drill.pitr_too_early"


def test_a_backup_without_manifest_warns(source: Source, files: tuple[Path, Path]) -> None:
    """It is recovered, and the report says what was not proven."""
    base, wal = files
    (base / "backup_manifest").unlink()
    with recovered(source, request_of(base, wal)) as outcome:
        assert [finding.code for finding in outcome.steps[0].findings] == ["drill.pitr_files_unproven"]
        assert [step.status for step in outcome.steps] == [Status.WARNED, Status.PASSED, Status.PASSED]
        assert "has no manifest" in next(doubts(outcome.steps))


def test_any_other_refusal_is_told_in_the_servers_words(source: Source, files: tuple[Path, Path]) -> None:
    """A copy that lacks what recovery reads at its end, with no manifest to say so before."""
    base, wal = files
    (base / "backup_manifest").unlink()
    shutil.rmtree(base / "pg_multixact")
    assert code_of(source, request_of(base, wal)) == "drill.pitr_recovery_failed"


def test_a_gap_after_the_point_is_told(source: Source, files: tuple[Path, Path]) -> None:
    """Recovery to the point holds, and what came later could not have been had."""
    base, wal = files
    newest = max(path.name for path in wal.iterdir() if len(path.name) == 24)
    shutil.copy(wal / newest, wal / f"{int(newest, 16) + 2:024X}")
    with recovered(source, request_of(base, wal)) as outcome:
        assert outcome.holds
        [told] = [one for one in outcome.steps[1].findings if not one.holds]
        assert (told.code, outcome.steps[1].status) == ("drill.wal_unproven", Status.WARNED)
        assert "1 WAL segment missing" in told.sentence


def test_a_packed_archive_is_read(source: Source, files: tuple[Path, Path]) -> None:
    """Many archive commands pipe through gzip."""
    base, wal = files
    for path in list(wal.iterdir()):
        (wal / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
        path.unlink()
    with recovered(source, request_of(base, wal)) as outcome:
        assert outcome.holds


@pytest.mark.parametrize("more", [["--format=tar"], ["--format=tar", "--gzip"]])
def test_a_backup_in_tar_files_is_read(source: Source, tmp_path: Path, more: list[str]) -> None:
    """With its tablespaces, whose links lead to where the source keeps its data and are not followed."""
    place = source.folder / f"tablespace{len(more)}"
    place.mkdir()
    shutil.chown(place, source.server._groundwork.account.uid)
    with source.server.connect("app") as connection:
        connection.execute(f"CREATE TABLESPACE aside{len(more)} LOCATION '{place}'")
        connection.execute(f"CREATE TABLE placed{len(more)} TABLESPACE aside{len(more)} AS SELECT 1 AS one")
    base = tmp_path / "tar"
    rehearsal.take_base_backup(source.server, base, *more)
    before = sorted(str(path) for path in place.rglob("*"))
    with source.server.connect("app") as connection:
        connection.execute("SELECT pg_create_restore_point('tarred')")
    rehearsal.archive_all(source.server)
    with recovered(source, request_of(base, source.made.wal, Point(name="tarred"), None)) as outcome:
        assert outcome.holds
        assert outcome.server is not None
        with outcome.server.connect("app") as copy:
            copy.execute(f"INSERT INTO placed{len(more)} SELECT generate_series(1, 1000)")
            copy.execute("CHECKPOINT")
    assert sorted(str(path) for path in place.rglob("*")) == before
    with source.server.connect("app") as connection:
        connection.execute(f"DROP TABLE placed{len(more)}")
        connection.execute(f"DROP TABLESPACE aside{len(more)}")


def test_a_copy_cannot_write_into_the_sources_archive(source: Source, files: tuple[Path, Path]) -> None:
    """Whatever its configuration files say: it archives nothing, follows nobody and runs no subscription."""
    base, wal = files
    with source.server.connect("app") as connection:
        connection.execute(
            "CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p "
            "WITH (connect = false, slot_name = 'feed')"
        )
        connection.execute("ALTER SUBSCRIPTION feed ENABLE")
        connection.execute("SELECT pg_create_restore_point('subscribed')")
        connection.execute("ALTER SUBSCRIPTION feed DISABLE")
        connection.execute("ALTER SUBSCRIPTION feed SET (slot_name = NONE)")
        connection.execute("DROP SUBSCRIPTION feed")
    rehearsal.archive_all(source.server)
    shutil.copytree(source.folder / "wal", wal, dirs_exist_ok=True)
    (base / "backup_manifest").unlink()
    (base / "standby.signal").touch()
    (base / "postgresql.auto.conf").write_text(
        f"archive_mode = always\narchive_command = 'touch {source.folder}/wal/leaked'\n"
        "primary_conninfo = 'host=127.0.0.1 port=1'\nprimary_slot_name = 'x'\n"
        "shared_preload_libraries = 'pg_stat_statements'\n"
    )
    before = sorted(path.name for path in (source.folder / "wal").iterdir())
    with recovered(source, request_of(base, wal, Point(name="subscribed"), None)) as outcome:
        assert outcome.holds
        assert outcome.server is not None
        with outcome.server.connect("app") as copy:
            assert copy.execute("SELECT subenabled FROM pg_subscription").fetchall() == [(True,)]
            copy.execute("CREATE TABLE more AS SELECT generate_series(1, 10000)")
            copy.execute("SELECT pg_switch_wal()")
            copy.execute("CHECKPOINT")
            assert isolated(copy).code == "drill.pitr_isolated"
            assert set(OFF) >= {"archive_mode", "primary_conninfo", "archive_command"}
    assert sorted(path.name for path in (source.folder / "wal").iterdir()) == before


def test_a_server_that_archives_is_not_isolated(source: Source) -> None:
    """The source itself, held against what a copy must be."""
    with source.server.connect() as connection:
        finding = isolated(connection)
    assert (finding.code, finding.holds) == ("drill.pitr_not_isolated", False)
    assert "archive_mode = on" in finding.sentence


def test_an_incremental_backup_says_that_it_is_one(source: Source, files: tuple[Path, Path]) -> None:
    """Its label does, and it cannot be started alone."""
    base, _ = files
    label = base / "backup_label"
    label.write_text(f"{label.read_text()}INCREMENTAL FROM LSN: 0/2000028\nINCREMENTAL FROM TLI: 1\n")
    with pytest.raises(CouldNotTell) as told:
        basebackup.read(base)
    assert told.value.code == "drill.pitr_incremental"


def test_another_major_is_refused_before_anything_is_copied(source: Source, files: tuple[Path, Path]) -> None:
    """No other major can read the files."""
    from checks.drill.pitr import binaries_for

    backup = basebackup.read(files[0])
    assert binaries_for(backup).major == backup.major
    with pytest.raises(TargetFailed, match="whose files no other major can read"):
        binaries_for(replace(backup, major=14))


@pytest.mark.parametrize("what", ["nothing", "empty", "tar of something"])
def test_what_is_no_base_backup_is_refused(tmp_path: Path, what: str) -> None:
    """With what would be one."""
    folder = tmp_path / what
    if what != "nothing":
        folder.mkdir()
    if what == "tar of something":
        import tarfile

        with tarfile.open(folder / "base.tar", "w"):
            """An archive with nothing in it."""
    with pytest.raises(UsageError, match="this is no base backup"):
        basebackup.read(folder)


def test_an_archive_without_wal_is_refused(tmp_path: Path) -> None:
    """An empty folder, one that is not there, and one of files packed in a way that cannot be unpacked."""
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UsageError, match="no WAL file lies there"):
            walarchive.read(folder)
    (tmp_path / "000000010000000000000001.zst").touch()
    with pytest.raises(CouldNotTell, match="cannot be unpacked"):
        walarchive.read(tmp_path)


def test_a_copy_of_several_databases_wants_one_named(source: Source, files: tuple[Path, Path]) -> None:
    """Nobody guesses which one a page is about."""
    request = replace(request_of(*files, marker=None), named="relay")
    source.server.create_database("other")
    rehearsal.take_base_backup(source.server, files[0].parent / "two")
    with source.server.connect() as connection:
        connection.execute("SELECT pg_create_restore_point('two')")
    rehearsal.archive_all(source.server)
    two = Request(
        basebackup.read(files[0].parent / "two"), walarchive.read(source.made.wal), Point(name="two"), named="relay"
    )
    with pytest.raises(CouldNotTell, match="2 databases, app, other"):
        recover(two, source.binaries, Timeline())
    with recovered(source, replace(two, database="other")) as outcome:
        assert outcome.database == "other"
    with recovered(source, request) as outcome:
        assert outcome.database == "app"
    source.server.drop_database("other")
