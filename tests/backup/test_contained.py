"""Hostile dumps, restored: nothing they try is done. Where nothing contains it, each attack does it, as the tests show.

A canary is a file that anybody may make; a listener counts who connects.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from checks.backup.copy import Copy
from checks.backup.formats import identify
from checks.backup.restore import QUICK, restore
from checks.targets.binaries import Binaries
from checks.targets.client import client_environment
from checks.targets.embedded import EmbeddedServer
from tests.backup.shop import Shop
from tests.backup.test_corpus_drilled import codes, drilled
from tests.backup.test_restore import one, restored
from tests.drill.tools import UNVOUCHED, WITHOUT_MANIFEST
from tests.majors import start

PROGRAMS = {
    "the server runs a program": "COPY (SELECT 1) TO PROGRAM 'touch {mark}';",
    "the server runs one to read from": "CREATE TABLE p (a text); COPY p FROM PROGRAM 'touch {mark}';",
    "the server runs one in a block": "DO $$ BEGIN EXECUTE"
    " 'COPY (SELECT 1) TO PRO' || 'GRAM ''touch {mark}'''; END $$;",
    "the server writes a file": "COPY (SELECT 1) TO '{mark}';",
    "the server writes a large object": "SELECT lo_from_bytea(4711, 'x'); SELECT lo_export(4711, '{mark}');",
    "psql runs a program": "\\! touch {mark}",
    "psql copies to a program": "\\copy (SELECT 1) TO PROGRAM 'touch {mark}'",
    "psql pipes a result": "SELECT 1 \\g | touch {mark}",
    "psql pipes all results": "\\o | touch {mark}\n\\o",
    "psql runs what backquotes hold": "\\set x `touch {mark}`",
    "psql writes a file": "\\o {mark}\n\\o",
    "psql leaves restricted mode": "\\unrestrict guessed\n\\! touch {mark}",
}
CONNECTIONS = {
    "psql connects elsewhere": "\\connect 'host=127.0.0.1 port={port} user=x dbname=x sslmode=disable'",
    "psql connects to a URL": "\\c postgresql://x:y@127.0.0.1:{port}/x",
    "dblink connects": "CREATE EXTENSION dblink;"
    " SELECT dblink_connect('host=127.0.0.1 port={port} user=x password=y dbname=x');",
    "a foreign table is read": "CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw"
    " OPTIONS (host '127.0.0.1', port '{port}');"
    " CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (user 'x', password 'y');"
    " CREATE FOREIGN TABLE f (a int) SERVER s; CREATE MATERIALIZED VIEW m AS SELECT * FROM f;",
    "a subscription connects": "CREATE SUBSCRIPTION s"
    " CONNECTION 'host=127.0.0.1 port={port} user=x dbname=x' PUBLICATION p;",
}


def hostile(folder: Path, attack: str) -> Path:
    """Plain SQL that looks like pg_dump's, with an attack in it."""
    artifact = folder / "evil.sql"
    artifact.write_text(
        "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.t (a int);\n\n"
        f"COPY public.t (a) FROM stdin;\n1\n\\.\n\n{attack}\n--\n-- PostgreSQL database dump complete\n--\n"
    )
    return artifact


def unguarded(shop: Shop, artifact: Path) -> None:
    """The dump as a careless person restores it: as superuser, by psql, whatever it says."""
    with client_environment(shop.server.socket_endpoint(shop.database)) as variables:
        subprocess.run(
            [shop.server.binaries.program("psql"), "--no-psqlrc", "--quiet", f"--file={artifact}"],
            env={**variables, **shop.server.binaries.environment, "PGCONNECT_TIMEOUT": "2"},
            capture_output=True,
            check=False,
            timeout=30,
        )


@pytest.fixture
def victim(server: EmbeddedServer) -> Iterator[Shop]:
    """A database that a careless person restores into."""
    server.create_database("victim")
    yield Shop(server, "victim")
    server.drop_database("victim")


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """A canary that every user may make, and that is not there."""
    path = Path("/var/tmp") / f"{tmp_path.parent.name}-{tmp_path.name}"
    yield path
    path.unlink(missing_ok=True)


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """A port that says nothing to whoever connects, and a list that has them."""
    came: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    visitor, where = listener.accept()
                    came.append(str(where))
                    visitor.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1], came
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("what", PROGRAMS)
def test_no_program_is_run_and_no_file_written(
    what: str, victim: Shop, mark: Path, binaries: Binaries, tmp_path: Path
) -> None:
    """The canary is made by a careless restore, and not by ours, which says that it was tried."""
    artifact = hostile(tmp_path, PROGRAMS[what].format(mark=mark))
    unguarded(victim, artifact)
    assert mark.exists(), "the attack is none"
    mark.unlink()
    with restored(artifact, binaries) as (_, outcome):
        assert outcome.complaints
    assert not mark.exists()


@pytest.mark.parametrize("what", CONNECTIONS)
def test_no_connection_is_made(what: str, victim: Shop, binaries: Binaries, tmp_path: Path) -> None:
    """A careless restore connects, and ours does not, and says that it was tried."""
    with listening() as (port, came):
        artifact = hostile(tmp_path, CONNECTIONS[what].replace("{port}", str(port)))
        unguarded(victim, artifact)
        assert came, "the attack is none"
        came.clear()
        with restored(artifact, binaries) as (_, outcome):
            assert outcome.complaints
        assert came == []


def test_an_untrusted_language_runs_nothing(victim: Shop, mark: Path, binaries: Binaries, tmp_path: Path) -> None:
    """Even where the server has it: to write code in it is a superuser's right, and the dump has none.

    The language is PL/pgSQL by a name that is not trusted, as those that escape the server are not on every machine.
    """
    language = "CREATE LANGUAGE plevilu HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler"
    body = f"BEGIN COPY (SELECT 1) TO PROGRAM 'touch {mark}'; END"
    made = f"CREATE FUNCTION f() RETURNS void LANGUAGE plevilu AS $$ {body} $$; SELECT f();"
    artifact = hostile(tmp_path, f"DO LANGUAGE plevilu $$ {body} $$;\n{made}")
    victim.run(language)
    unguarded(victim, artifact)
    assert mark.exists(), "the attack is none"
    mark.unlink()
    server = start(binaries, QUICK)
    try:
        server.execute("UPDATE pg_database SET datallowconn = true WHERE datname = 'template0'")
        Shop(server, "template0").run(language)
        copy = Copy.on(server, "shop")
        outcome = restore(artifact, identify(artifact), copy)
        assert "drill.needs_superuser" in {complaint.code for complaint in outcome.complaints}
        assert one(copy, "SELECT count(*) FROM pg_proc WHERE proname = 'f'") == 0
    finally:
        server.stop()
    assert not mark.exists()


def test_an_archive_is_contained_as_plain_sql_is(victim: Shop, mark: Path, binaries: Binaries, tmp_path: Path) -> None:
    """What its functions do when a materialized view is filled, they do as a role that may not."""
    victim.run(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS "
        f"$$ BEGIN COPY (SELECT 1) TO PROGRAM 'touch {mark}'; RETURN 1; END $$;"
        "CREATE MATERIALIZED VIEW m AS SELECT f();"
    )
    assert mark.exists(), "the attack is none"
    mark.unlink()
    artifact = tmp_path / "evil.dump"
    victim.dump("--format=custom", f"--file={artifact}")
    with restored(artifact, binaries) as (_, outcome):
        assert "drill.privileged_program" in {complaint.code for complaint in outcome.complaints}
    assert not mark.exists()


def test_a_dump_that_waits_for_a_superuser_waits_in_vain(mark: Path, victim: Shop, tmp_path: Path) -> None:
    """Its functions behave until one of rights calls them: in an index that amcheck reads, in a view, by a trigger.

    The drill holds, as nothing is wrong with what came back; whatever asks the copy has no such rights.
    """
    body = (
        "BEGIN IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)"
        f" THEN COPY (SELECT 1) TO PROGRAM 'touch {mark}'; END IF; RETURN $1; END"
    )
    waiting = (
        f"CREATE FUNCTION public.g(a int) RETURNS int LANGUAGE plpgsql AS $$ {body} $$;"
        "CREATE FUNCTION public.f(a int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN public.g(a); END $$;"
        "CREATE TABLE waiting (a int, CHECK (public.f(a) = a)); INSERT INTO waiting SELECT generate_series(1, 9);"
        "CREATE INDEX waiting_a ON waiting (public.f(a)); CREATE VIEW looks AS SELECT public.f(a) FROM waiting;"
    )
    artifact = hostile(tmp_path, waiting)
    unguarded(victim, artifact)
    assert mark.exists(), "the attack is none"
    mark.unlink()
    assert codes(drilled(artifact, tmp_path)) == WITHOUT_MANIFEST
    assert not mark.exists()


def test_what_this_user_has_psql_do_at_its_start_is_not_done(
    victim: Shop, mark: Path, binaries: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `.psqlrc` may set anything, or hold commands of another day; the first psql shows that it would be read."""
    habits = mark.with_suffix(".psqlrc")
    habits.write_text(f"\\! touch {mark}\n")
    monkeypatch.setenv("PSQLRC", str(habits))
    try:
        with client_environment(victim.server.socket_endpoint(victim.database)) as variables:
            known = {**variables, **binaries.environment, "PSQLRC": str(habits)}
            subprocess.run([binaries.program("psql"), "--file=-"], env=known, check=True, input=b"SELECT 1;\n")
        assert mark.exists(), "the attack is none"
        mark.unlink()
        with restored(hostile(tmp_path, ""), binaries) as (_, outcome):
            assert outcome.complaints == ()
    finally:
        habits.unlink()
    assert not mark.exists()


def test_a_copy_listens_to_this_machine_alone(binaries: Binaries, tmp_path: Path) -> None:
    """What a dump does there is reached from nowhere else."""
    with restored(hostile(tmp_path, ""), binaries) as (copy, _):
        assert one(copy, "SHOW listen_addresses") == "127.0.0.1"


@pytest.mark.parametrize("what", ["psql runs a program", "the server runs a program", "psql copies to a program"])
def test_a_drill_refuses_what_it_finds_by_reading(what: str, mark: Path, tmp_path: Path) -> None:
    """Nothing is restored of it at all."""
    artifact = hostile(tmp_path, PROGRAMS[what].format(mark=mark))
    found = drilled(artifact, tmp_path)
    assert codes(found) == {"backup.runs_program", *UNVOUCHED}
    assert found.copy_server == ""
    assert not mark.exists()
