"""Restoring: every format and major, what is substituted, and what a dump is not let do."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checks.backup.artifact import Header
from checks.backup.complaints import Weight
from checks.backup.copy import Copy
from checks.backup.faults import BackupFault
from checks.backup.formats import identify
from checks.backup.groundwork import RESTORER
from checks.backup.mentions import Mentions
from checks.backup.restore import QUICK, Restored, restore
from checks.drill.examine import amcheck
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.backup.shop import Shop
from tests.majors import start

OWNED = """
CREATE ROLE app; CREATE ROLE reader; CREATE ROLE "Odd Name";
CREATE SCHEMA game AUTHORIZATION app;
CREATE TABLE game.a (id int PRIMARY KEY, t text);
INSERT INTO game.a SELECT i, E'back\\\\slash\\n\\\\.\\n' || i FROM generate_series(1, 500) AS i;
ALTER TABLE game.a OWNER TO app;
GRANT SELECT ON game.a TO reader;
CREATE TABLE public.b (id int PRIMARY KEY, a int REFERENCES game.a);
INSERT INTO public.b SELECT i, i FROM generate_series(1, 500) AS i;
ALTER TABLE public.b OWNER TO "Odd Name";
CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM public.b;
CREATE POLICY p ON public.b TO app, reader USING (true);
"""
FORMATS = {"custom": "shop.dump", "directory": "shop.dir", "tar": "shop.tar", "plain": "shop.sql"}


@pytest.fixture(scope="module")
def owned(server: EmbeddedServer) -> Iterator[Shop]:
    """A database whose objects belong to several roles."""
    server.create_database("owned")
    shop = Shop(server, "owned")
    shop.run(OWNED)
    yield shop
    server.drop_database("owned")
    server.execute('DROP ROLE IF EXISTS app, reader, "Odd Name"')


@contextmanager
def restored(artifact: Path, binaries: Binaries) -> Iterator[tuple[Copy, Restored]]:
    """The artifact in a copy of its own."""
    header = identify(artifact)
    server = start(binaries, QUICK)
    try:
        copy = Copy.on(server, header.database or "shop")
        yield copy, restore(artifact, header, copy)
    finally:
        server.stop()


def one(copy: Copy, sql: str) -> object:
    """A single value, asked as the role that restored."""
    with copy.connect() as connection:
        row = connection.execute(sql.encode()).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_comes_back_with_owners_and_grants(
    kind: str, owned: Shop, binaries: Binaries, tmp_path: Path
) -> None:
    """By a role that is no superuser, and without a single complaint."""
    artifact = tmp_path / FORMATS[kind]
    owned.dump(f"--format={kind}", f"--file={artifact}")
    with restored(artifact, binaries) as (copy, outcome):
        assert (outcome.complaints, outcome.status, outcome.tries) == ((), 0, 1)
        assert one(copy, "SELECT count(*) FROM game.a JOIN b ON b.a = game.a.id") == 500
        assert one(copy, "SELECT tableowner FROM pg_tables WHERE tablename = 'b'") == "Odd Name"
        assert one(copy, "SELECT has_table_privilege('reader', 'game.a', 'SELECT')") is True
        assert one(copy, f"SELECT rolsuper FROM pg_roles WHERE rolname = '{RESTORER}'") is False
        assert (
            one(copy, "SELECT bool_or(rolcanlogin OR rolsuper) FROM pg_roles WHERE rolname IN ('app', 'reader')")
            is False
        )


def test_a_dump_of_every_major_comes_back(
    every_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer], tmp_path: Path
) -> None:
    """Into its own major, by its own client."""
    shop = Shop.on(server_from(every_major))
    artifact = tmp_path / "shop.dump"
    shop.dump("--format=custom", f"--file={artifact}")
    shop.close()
    with restored(artifact, every_major) as (copy, outcome):
        assert outcome.complaints == ()
        assert one(copy, "SELECT count(*) FROM orders") == 3000


@pytest.mark.parametrize("name", ["shop.sql.gz", "shop.dump.gz"])
def test_what_is_packed_is_unpacked_on_the_way(name: str, owned: Shop, binaries: Binaries, tmp_path: Path) -> None:
    """Nothing is loaded whole, and no file is written."""
    kind = "plain" if ".sql" in name else "custom"
    artifact = tmp_path / name
    artifact.write_bytes(gzip.compress(owned.dump(f"--format={kind}")))
    with restored(artifact, binaries) as (copy, outcome):
        assert outcome.complaints == ()
        assert one(copy, "SELECT count(*) FROM b") == 500


def test_an_error_is_heard_although_the_client_ends_well(owned: Shop, binaries: Binaries, tmp_path: Path) -> None:
    """psql without ON_ERROR_STOP ends with 0; every line it said is judged."""
    artifact = tmp_path / "shop.sql"
    artifact.write_bytes(owned.dump().replace(b"CREATE MATERIALIZED VIEW", b"CREATE MATERIALISED VIEW", 1))
    with restored(artifact, binaries) as (copy, outcome):
        assert outcome.worst is Weight.LOSS
        assert outcome.tries == 2
        assert one(copy, "SELECT count(*) FROM b") == 500, "after the first error the rest is restored still"


def test_a_dump_with_clean_is_no_error(owned: Shop, binaries: Binaries, tmp_path: Path) -> None:
    """What is dropped first is not there, which costs nothing."""
    artifact = tmp_path / "shop.dump"
    owned.dump("--format=custom", "--clean", f"--file={artifact}")
    with restored(artifact, binaries) as (_, outcome):
        assert outcome.worst in {None, Weight.HARMLESS}


def test_a_dump_that_ends_too_soon_is_a_fault(owned: Shop, binaries: Binaries, tmp_path: Path) -> None:
    """Within the rows psql would not notice."""
    artifact = tmp_path / "shop.sql"
    dump = owned.dump()
    artifact.write_bytes(dump[: dump.index(b"\\.\n")])
    with pytest.raises(BackupFault) as raised, restored(artifact, binaries):
        pass
    assert raised.value.code == "backup.truncated"


def test_extensions_that_need_a_superuser_are_made_beforehand(
    server: EmbeddedServer,
    every_whole_major: Binaries,
    server_from: Callable[[Binaries], EmbeddedServer],
    tmp_path: Path,
) -> None:
    """Also into a schema of their own, and with their comments."""
    shop = Shop.on(server_from(every_whole_major))
    shop.run("CREATE SCHEMA ext; CREATE EXTENSION amcheck SCHEMA ext; CREATE EXTENSION hstore")
    for kind in ("custom", "plain"):
        artifact = tmp_path / f"shop.{kind}"
        shop.dump(f"--format={kind}", f"--file={artifact}")
        with restored(artifact, every_whole_major) as (copy, outcome):
            assert outcome.complaints == ()
            assert (
                one(copy, "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'amcheck'")
                == "ext"
            )
    shop.close()


HOSTILE = {
    "run a program as the server": ("COPY (SELECT 1) TO PROGRAM 'touch {mark}';", "drill.privileged_program"),
    "write a file as the server": ("COPY (SELECT 1) TO '{mark}';", "drill.privileged_program"),
    "read a file as the server": ("SELECT pg_read_file('/etc/passwd');", "drill.privileged_program"),
    "become superuser": (f"ALTER ROLE {RESTORER} SUPERUSER;", "drill.needs_superuser"),
    "become our superuser": ("SET ROLE pgrunbook_superuser;", "drill.ownership"),
    "change the server": ("ALTER SYSTEM SET archive_command = 'touch {mark}';", "drill.needs_superuser"),
    "load a library": ("LOAD '/tmp/evil.so';", "drill.privileged_program"),
    "make code in C": ("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'system';", "drill.needs_superuser"),
    "have psql run a program": ("\\! touch {mark}", "drill.meta_command"),
    "have psql copy to a program": ("\\copy (SELECT 1) TO PROGRAM 'touch {mark}'", "drill.meta_command"),
    "have psql write a file": ("\\o {mark}", "drill.meta_command"),
    "have psql connect elsewhere": ("\\connect postgres", "drill.meta_command"),
    "leave restricted mode": ("\\unrestrict guessed\n\\! touch {mark}", "drill.meta_command"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_dump_is_contained(what: str, binaries: Binaries, tmp_path: Path) -> None:
    """It cannot do what it tries, and the restore says that it tried."""
    mark = Path("/var/tmp") / f"{tmp_path.parent.name}-{tmp_path.name}"
    attack, code = HOSTILE[what]
    artifact = tmp_path / "evil.sql"
    body = f"CREATE TABLE t (a int);\n{attack.format(mark=mark)}\n"
    artifact.write_text(
        f"--\n-- PostgreSQL database dump\n--\n\n{body}\n--\n-- PostgreSQL database dump complete\n--\n"
    )
    with restored(artifact, binaries) as (copy, outcome):
        assert code in {complaint.code for complaint in outcome.complaints}, outcome
        assert not mark.exists()
        assert one(copy, f"SELECT rolsuper FROM pg_roles WHERE rolname = '{RESTORER}'") is False
        assert one(copy, "SHOW archive_command") != f"touch {mark}"


LURED = """
CREATE TABLE t (a int);
CREATE TABLE seen (super text);
CREATE FUNCTION lure() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.seen VALUES (pg_catalog.current_setting('is_superuser'));
    RETURN 'amcheck';
END $$;
CREATE VIEW pg_available_extensions AS SELECT lure() AS name;
CREATE VIEW pg_available_extension_versions AS SELECT lure() AS name, true AS trusted;
CREATE VIEW pg_extension AS SELECT lure() AS extname, 'public'::regnamespace::oid AS extnamespace;
CREATE VIEW pg_roles AS SELECT lure() AS rolname;
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$;
CREATE EXTENSION amcheck;
ALTER TABLE t OWNER TO somebody;
"""


def test_a_dump_does_not_lead_our_superuser_astray(binaries: Binaries, tmp_path: Path) -> None:
    """Views named as PostgreSQL's own, on the search path that a dump gives its database, are not what we ask."""
    artifact = tmp_path / "evil.sql"
    artifact.write_text(f"--\n-- PostgreSQL database dump\n--\n{LURED}\n-- PostgreSQL database dump complete\n")
    with restored(artifact, binaries) as (copy, _):
        copy.provide(Mentions(roles=frozenset({"somebody_else"}), extensions={"hstore": "public"}))
        amcheck(copy)
        assert one(copy, "SELECT count(*) FROM public.t") == 0
        assert one(copy, "SELECT count(*) FROM public.seen WHERE super = 'on'") == 0


def test_a_clients_environment_holds_nothing_of_ours(
    owned: Shop, binaries: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dump that got hold of the client would find no secret in it."""
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://app:hunter2@db.example/shop")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    seen: list[dict[str, str]] = []
    real = subprocess.Popen

    def noting(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        seen.append(dict(options.get("env") or {}))  # type: ignore[call-overload]  # what was passed is a mapping
        return real(*arguments, **options)  # type: ignore[call-overload,no-any-return]  # passed on as they are

    artifact = tmp_path / "shop.dump"
    owned.dump("--format=custom", f"--file={artifact}")
    monkeypatch.setattr("checks.backup.client_run.subprocess.Popen", noting)
    with restored(artifact, binaries):
        pass
    assert seen
    assert not any("hunter2" in str(variables) for variables in seen)


def test_a_restore_that_takes_too_long_is_ended(owned: Shop, binaries: Binaries, tmp_path: Path) -> None:
    """And is no verdict on the backup."""
    artifact = tmp_path / "slow.sql"
    artifact.write_text("SELECT pg_sleep(50);\n")
    header = identify_as_plain(owned, tmp_path)
    server = start(binaries, QUICK)
    try:
        outcome = restore(artifact, header, Copy.on(server, "slow"), limit=0.5)
    finally:
        server.stop()
    assert [complaint.code for complaint in outcome.complaints] == ["drill.restore_too_long"]


def identify_as_plain(shop: Shop, folder: Path) -> Header:
    """The header of a plain dump."""
    path = folder / "whole.sql"
    path.write_bytes(shop.dump())
    return identify(path)
