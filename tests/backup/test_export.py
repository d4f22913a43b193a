"""An exported snapshot: what is dumped and what is described are one state, and the source is only read."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from checks.backup import export as exports
from checks.backup.artifact import Format
from checks.backup.describe import describe
from checks.backup.dumping import Dump, failure
from checks.backup.export import Export, exporting
from checks.errors import ConnectionFailed, CouldNotTell
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.backup.odd import database
from tests.catalog.tools import run_sql
from tests.majors import one_of_each_major
from tests.targets.embedding import ask

ROWS = "CREATE TABLE made AS SELECT i AS a, md5(i::text) AS b FROM generate_series(1, 1000) AS i"


@pytest.fixture
def source(target_of_every_major: EmbeddedTarget) -> EmbeddedTarget:
    """A table of a thousand rows, and a sequence."""
    run_sql(target_of_every_major, f"{ROWS}; CREATE SEQUENCE s; SELECT nextval('s')")
    return target_of_every_major


def binaries(target: EmbeddedTarget) -> Path:
    return target.server.binaries.folder


def dumped(export: Export, kind: Format = Format.CUSTOM) -> bytes:
    """All that pg_dump writes."""
    dump = Dump(export, kind)
    whole = dump.stdout.read()
    dump.ended()
    return whole


def test_dump_and_description_are_of_one_state(source: EmbeddedTarget, tmp_path: Path) -> None:
    """Rows that come and go after the snapshot are in neither; what is restored has the digests that were described."""
    with exporting(source.socket_endpoint, explicit=binaries(source)) as export:
        run_sql(source, "DELETE FROM made WHERE a <= 100; INSERT INTO made VALUES (0, 'new'); SELECT nextval('s')")
        artifact = tmp_path / "x.dump"
        artifact.write_bytes(dumped(export))
        contents = export.contents()
    assert contents.tables["public.made"].rows == 1000
    assert contents.sequences["public.s"].last == 1
    with database(source.server, "exported_copy") as name:
        _restore(source.server, artifact, name)
        with source.server.connect(name) as connection:
            connection.autocommit = False
            assert describe(connection).tables == contents.tables


def _restore(server: EmbeddedServer, artifact: Path, name: str) -> None:
    where = ["-h", str(server.folder.socket), "-p", str(server.port), "-U", "postgres", "-d", name]
    subprocess.run([server.binaries.program("pg_restore"), *where, artifact], check=True, timeout=50)


def test_the_description_is_asked_while_the_dump_runs(source: EmbeddedTarget) -> None:
    """From another thread; neither waits for the other."""
    found = []
    with exporting(source.socket_endpoint, explicit=binaries(source)) as export:
        dump = Dump(export, Format.CUSTOM)
        beside = threading.Thread(target=lambda: found.append(export.contents(digests=False)))
        beside.start()
        beside.join(30)
        assert found[0].tables["public.made"].rows == 1000
        assert dump.stdout.read(5) == b"PGDMP"
        dump.stdout.read()
        dump.ended()


def test_over_the_network_the_password_is_no_argument(source: EmbeddedTarget) -> None:
    """It goes by a file; and TLS is as strict for pg_dump as for us."""
    with exporting(source.endpoint, explicit=binaries(source)) as export:
        assert source.server.password not in " ".join(export.command(Format.CUSTOM))
        assert source.server.password not in str(export.variables)
        passwords = Path(export.variables["PGPASSFILE"])
        assert passwords.stat().st_mode & 0o077 == 0
        assert dumped(export).startswith(b"PGDMP")
    assert not passwords.exists()


def test_tables_cannot_be_emptied_or_dropped_meanwhile(source: EmbeddedTarget) -> None:
    """A TRUNCATE waits: it would show the table empty in the snapshot too. Writes go on."""
    with exporting(source.socket_endpoint, explicit=binaries(source)):
        for sql in ("TRUNCATE made", "DROP TABLE made"):
            with source.server.connect(source.database) as connection:
                connection.execute("SET lock_timeout = '100ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    connection.execute(sql.encode())
        run_sql(source, "UPDATE made SET b = 'x'")
    run_sql(source, "TRUNCATE made")


def test_a_table_that_is_locked_is_not_waited_for(source: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who queues for a lock makes others queue behind."""
    monkeypatch.setattr(exports, "LOCKS", 0.1)
    with source.server.connect(source.database) as holder, holder.transaction():
        holder.execute("LOCK TABLE made")
        with pytest.raises(CouldNotTell) as failed, exporting(source.socket_endpoint, explicit=binaries(source)):
            pass
    assert failed.value.code == "run.lock_timeout"


def test_a_role_that_may_not_read_a_table_is_told_which(target: EmbeddedTarget) -> None:
    """Before anything is dumped, with the grant that helps."""
    run_sql(target, f"{ROWS}; CREATE ROLE export_stranger LOGIN PASSWORD 'only for this test'")
    there = replace(target.endpoint, user="export_stranger", password="only for this test")
    try:
        with pytest.raises(CouldNotTell, match="made") as failed, exporting(there):
            pass
        assert (failed.value.code, "pg_read_all_data" in failed.value.hint) == ("run.not_permitted", True)
        run_sql(target, "GRANT pg_read_all_data TO export_stranger")
        with exporting(there) as export:
            assert export.contents().tables["public.made"].rows == 1000
            assert dumped(export).startswith(b"PGDMP")
    finally:
        run_sql(target, "DROP ROLE export_stranger")


def test_the_last_slots_are_left_to_the_application(target: EmbeddedTarget) -> None:
    """With what pg_dump will open as well, less than a tenth would remain."""
    with (
        pytest.raises(ConnectionFailed) as failed,
        exporting(target.socket_endpoint, sessions=1000),
    ):
        pass
    assert failed.value.code == "connectivity.slots_scarce"


def test_the_deadline_ends_a_session_from_outside(target: EmbeddedTarget) -> None:
    """Whatever the peer does; and nothing of it stays on the server."""
    run_sql(target, "CREATE VIEW slow AS SELECT 1 AS a FROM pg_sleep(60)")
    with exporting(target.socket_endpoint, deadline=1.0) as export:
        with pytest.raises(psycopg.Error):
            export.connection.execute("SELECT * FROM public.slow")
        with pytest.raises(CouldNotTell):
            export.contents()
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrunbook' AND datname = current_database()"
    assert ask(target.socket_endpoint, left) == 0


def test_a_session_is_ended_from_another_thread(target: EmbeddedTarget) -> None:
    """At once, and on the server too."""
    run_sql(target, "CREATE VIEW slow AS SELECT 1 AS a FROM pg_sleep(60)")
    with exporting(target.socket_endpoint) as export:
        timer = threading.Timer(0.3, export.abort)
        timer.start()
        with pytest.raises(psycopg.Error):
            export.connection.execute("SELECT * FROM public.slow")
        timer.join()


def test_the_source_can_only_be_read(target: EmbeddedTarget) -> None:
    """By the session that exports, whatever is asked of it."""
    run_sql(target, ROWS)
    with exporting(target.socket_endpoint) as export, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        export.connection.execute("DELETE FROM public.made")


def test_a_client_that_is_too_old_starts_nothing(server_from: Callable[[Binaries], EmbeddedServer]) -> None:
    """The server's version is known before anything is asked of it."""

    newest, *_, oldest = one_of_each_major()
    server = server_from(newest)
    with pytest.raises(CouldNotTell) as failed, exporting(server.socket_endpoint(), explicit=oldest.folder):
        pass
    assert failed.value.code == "dump.client_too_old"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("pg_dump: error: query failed: ERROR:  permission denied for table t", "run.not_permitted"),
        ("pg_dump: error: could not write to output file: No space left on device", "dump.no_space"),
        ("pg_dump: error: query failed: server closed the connection unexpectedly", "connectivity.lost"),
        ("pg_dump: error: query failed: ERROR:  canceling statement due to lock timeout", "run.lock_timeout"),
        ("pg_dump: error: something nobody thought of", "dump.failed"),
        ("", "dump.failed"),
    ],
)
def test_how_a_dump_failed_has_a_code(line: str, code: str) -> None:
    """By what pg_dump says in English; its query, which may hold values, is not repeated."""
    told = failure(1, ["pg_dump: detail: Query was: SELECT 'swordfish9'", line])
    assert told.code == code
    assert "swordfish9" not in str(told)
