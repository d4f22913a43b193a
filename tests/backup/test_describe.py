"""What a database holds: the same before a dump and after its restore on every major, and each difference by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import psycopg
import pytest

from checks.backup.contents import Contents
from checks.backup.contents import Sequence as SequenceState
from checks.backup.describe import describe
from checks.backup.head import Head
from checks.errors import ConnectionFailed, CouldNotTell
from checks.migrations.history import VersionTable
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.backup.odd import database, moved, odd
from tests.majors import is_whole, one_of_each_major
from tests.targets.embedding import connect

# What the server brings along, and not the database.
OF_THE_SERVER = {"server", "roles", "settings", "collations", "sizes", "unknown"}


def described(server: EmbeddedServer, name: str, **options: Any) -> Contents:
    """The database's contents, asked in a transaction of their own."""
    with server.connect(name) as connection:
        connection.autocommit = False
        return describe(connection, **options)


def differences(one: Contents, other: Contents) -> list[tuple[str, ...]]:
    """Each thing that is not alike, by kind and name."""
    left, right = _flat(asdict(one)), _flat(asdict(other))
    return sorted(key for key in left.keys() | right.keys() if left.get(key) != right.get(key))


def _flat(value: dict[str, Any], *above: str) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, inner in value.items():
        if not above and key in OF_THE_SERVER:
            continue
        deeper = isinstance(inner, dict) and not {"rows", "last"} & inner.keys()
        found |= _flat(inner, *above, key) if deeper else {(*above, key): inner}
    return found


def test_a_restored_copy_is_described_like_its_source(
    every_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer]
) -> None:
    """Everything odd, dumped from each major and restored into it and into each newer one: nothing differs."""
    source = server_from(every_major)
    newer = [one for one in one_of_each_major() if one.major >= every_major.major]
    with odd(source, "odd_source") as name:
        before = described(source, name)
        assert len(before.tables) == 13
        for binaries in newer:
            if is_whole(every_major) and binaries.major != every_major.major:
                _without_what_is_built_in(source, name)
                before = described(source, name)
            target = server_from(binaries)
            with database(target, "odd_copy") as copy:
                moved(source, name, target, copy)
                assert differences(before, described(target, copy)) == [], binaries.major


def _without_what_is_built_in(server: EmbeddedServer, name: str) -> None:
    """Take away what the other builds on this machine were made without."""
    with server.connect(name) as connection:
        connection.execute("UPDATE every SET x = NULL")
        connection.execute("ALTER TABLE every DROP IF EXISTS uncased, DROP IF EXISTS several")
        connection.execute("DROP COLLATION IF EXISTS no_case")


CHANGES: dict[str, tuple[str, list[tuple[str, ...]]]] = {
    "row": ("DELETE FROM dropped", [("tables", "public.dropped")]),
    "index": ("DROP INDEX ev_who_idx", [
        ("objects", "index", "public.ev26_who_idx"), ("objects", "index", "public.ev27_who_idx"),
        ("objects", "index", "public.ev_who_idx"),
    ]),
    "index's condition": ("DROP INDEX part; CREATE INDEX part ON every (lower(vc)) WHERE vc IN ('a','b') AND n2 > 2", [
        ("objects", "index", "public.part"),
    ]),
    "check": ("ALTER TABLE parent DROP CONSTRAINT parent_s_check, "
              "ADD CONSTRAINT parent_s_check CHECK (s IN ('x','z','y'))", [
        ("objects", "constraint", "public.child.parent_s_check"),
        ("objects", "constraint", "public.parent.parent_s_check"),
    ]),
    "not valid": ("ALTER TABLE idt VALIDATE CONSTRAINT nv", [
        ("objects", "constraint", "public.idt.nv"), ("unready",),
    ]),
    "foreign key": ("ALTER TABLE refs DROP CONSTRAINT refs_id_made_fkey", [
        ("objects", "constraint", "public.refs.refs_id_made_fkey"),
    ]),
    "view": ("CREATE OR REPLACE VIEW v3 AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n < 6) "
             "SELECT r.n, extract(year FROM now()) AS y, (SELECT max(id) FROM every) AS m FROM r",
             [("objects", "view", "public.v3")]),
    "populated": ("REFRESH MATERIALIZED VIEW mv0", [("objects", "view", "public.mv0")]),
    "function": ("CREATE OR REPLACE FUNCTION f(a int DEFAULT 1, b text DEFAULT 'x'::varchar) RETURNS int LANGUAGE sql "
                 "AS 'SELECT  a'", [("objects", "function", "public.f(a integer, b text)")]),
    "atomic function": ("CREATE OR REPLACE FUNCTION fa(k int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC "
                        "SELECT count(*) FROM every WHERE id > k; END",
                        [("objects", "function", "public.fa(k integer)")]),
    "default": ("ALTER TABLE idt ALTER v SET DEFAULT 'b'", [("objects", "column", "public.idt.v")]),
    "trigger": ("ALTER TABLE every ENABLE TRIGGER t1", [("objects", "trigger", "public.every.t1")]),
    "policy": ("ALTER POLICY pol ON rls USING (true)", [("objects", "policy", "public.rls.pol")]),
    "policy's role": ("ALTER POLICY pol ON rls TO public", [("grants", "policy public.rls.pol")]),
    "rule": ("DROP RULE ru ON dropped", [("objects", "rule", "public.dropped.ru")]),
    "statistics": ("DROP STATISTICS st", [("objects", "statistics", "public.st")]),
    "publication": ("ALTER PUBLICATION pub DROP TABLE every", [("objects", "publication", "pub")]),
    "comment": ("COMMENT ON COLUMN every.n IS 'm'", [("objects", "comment", "table column public.every.n")]),
    "cast": ("DROP CAST (mood AS text)", [("objects", "other", "cast (public.mood AS pg_catalog.text)")]),
    "operator": ("DROP OPERATOR === (int, int)", [
        ("objects", "other", "operator public.===(integer,integer)"),
    ]),
    "domain": ("ALTER DOMAIN addr DROP CONSTRAINT addr_check; "
               "ALTER DOMAIN addr ADD CONSTRAINT addr_check CHECK (VALUE IN ('a')) NOT VALID",
               [("objects", "type", "public.addr")]),
    "enum": ("ALTER TYPE mood RENAME VALUE 'ill' TO 'bad'", [("objects", "type", "public.mood")]),
    "grant": ("REVOKE SELECT ON every FROM odd_reader", [("grants", "table public.every")]),
    "column's grant": ("REVOKE SELECT (a) ON child FROM odd_reader", [("grants", "column public.child.a")]),
    "default privileges": ("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM odd_reader", [
        ("grants", "default privileges of postgres on r in public"),
    ]),
    "owner": ("ALTER TABLE bare OWNER TO odd_reader", [("grants", "table public.bare")]),
    "sequence behind": ("SELECT setval('s1', 1, false)", [("sequences", "public.s1")]),
    "sequence set": ("SELECT setval('s3', 51, false)", [("sequences", "public.s3")]),
    "schema": ("CREATE SCHEMA more", [("grants", "schema more"), ("objects", "schema", "more")]),
    "large object": ("SELECT lo_unlink(5002)", [("tables", "pg_catalog.pg_largeobject")]),
}  # fmt: skip


@pytest.fixture
def connection(
    every_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer]
) -> Iterator[psycopg.Connection[Any]]:
    """A transaction in the odd database of each major."""
    server = server_from(every_major)
    with odd(server, "odd_changed") as name, server.connect(name) as made:
        made.autocommit = False
        yield made
        made.rollback()


def test_each_change_is_seen_where_it_was_made(connection: psycopg.Connection[Any]) -> None:
    """One thing is changed at a time; that is what differs, and nothing else."""
    before = describe(connection, digests=False)
    seen = {}
    for what, (sql, _) in CHANGES.items():
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL search_path = public")
            connection.execute(sql.encode())
            after = describe(connection, digests=False)
        seen[what] = differences(before, after)
        if what.startswith("sequence"):  # which is not put back with its transaction
            before = describe(connection, digests=False)
    assert seen == {what: expected for what, (_, expected) in CHANGES.items()}


def test_what_a_dump_leaves_out_is_told_and_not_expected(connection: psycopg.Connection[Any]) -> None:
    """An invalid index is in no dump, so it is among what is unready and not among the objects."""
    connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.incl'::regclass")
    found = describe(connection, digests=False)
    assert found.unready == ("constraint public.idt.nv", "index public.incl")
    assert "public.incl" not in found.objects["index"]


def test_where_sequences_stand_and_what_they_feed(connection: psycopg.Connection[Any]) -> None:
    """The last value handed out; one that was set counts as if it had been, one never used says so."""
    found = describe(connection, digests=False).sequences
    assert found == {
        "public.idt_id_seq": SequenceState(1, "public.idt.id"),
        "public.idt_se_seq": SequenceState(1, "public.idt.se"),
        "public.s1": SequenceState(1),
        "public.s2": SequenceState(None),
        "public.s3": SequenceState(49),
        "public.s4": SequenceState(None),
    }


def test_extensions_are_told_by_version_and_not_by_their_objects(server: EmbeddedServer) -> None:
    """What an extension brings is not the database's own."""
    with database(server, "describe_extension") as name:
        before = described(server, name)
        with server.connect(name) as connection:
            connection.execute("CREATE EXTENSION pgcrypto")
            connection.execute("CREATE EXTENSION hstore")
        after = described(server, name)
        assert differences(before, after) == [("extensions", "hstore"), ("extensions", "pgcrypto")]


@pytest.mark.parametrize(
    ("tool", "table", "sql", "expected"),
    [
        ("alembic", "alembic_version",
         "CREATE TABLE {0} (version_num text); INSERT INTO {0} VALUES ('b'), ('a')", ("a", "b")),
        ("prisma", "_prisma_migrations",
         "CREATE TABLE {0} (migration_name text, finished_at date, rolled_back_at date); "
         "INSERT INTO {0} VALUES ('one', now(), NULL), ('two', NULL, NULL), ('three', now(), now())", ("one",)),
        ("sql", "schema_migrations", "CREATE TABLE {0} (version text); INSERT INTO {0} VALUES ('0001')", ("0001",)),
    ],
)  # fmt: skip
def test_the_head_is_what_the_tool_recorded(
    server: EmbeddedServer, tool: Any, table: str, sql: str, expected: tuple[str, ...]
) -> None:
    """In whatever schema its table is; nothing where there is no table."""
    with database(server, "describe_head") as name:
        assert described(server, name, head=Head(tool, VersionTable(table))).head == ()
        with server.connect(name) as connection:
            connection.execute("CREATE SCHEMA tools")
            connection.execute(sql.format(f"tools.{table}").encode())
        assert described(server, name, head=Head(tool, VersionTable(table))).head == expected
        assert described(server, name, head=Head(tool, VersionTable(table, "tools"))).head == expected
        assert described(server, name, head=Head(tool, VersionTable(table, "public"))).head == ()


def test_what_a_role_is_not_shown_is_said(server: EmbeddedServer) -> None:
    """Settings shown to few are not known; a table it may not read ends the description, by name."""
    with database(server, "describe_stranger") as name:
        server.execute("CREATE ROLE describe_stranger LOGIN PASSWORD 'only for this test'")
        try:
            there = server.endpoint(name)
            with connect(there, user="describe_stranger", password="only for this test") as connection:
                connection.autocommit = False
                found = describe(connection)
                assert list(found.unknown) == ["settings"]
                assert found.preload == ()
                connection.rollback()
                server.execute("CREATE TABLE kept_back (a int)", database=name)
                with pytest.raises(CouldNotTell, match="kept_back") as failed:
                    describe(connection)
                assert failed.value.code == "run.not_permitted"
        finally:
            server.execute("DROP ROLE describe_stranger")


def test_a_server_that_goes_away_is_no_traceback(server: EmbeddedServer) -> None:
    """A session that is ended in the middle is a lost connection."""
    with database(server, "describe_lost") as name, server.connect(name) as connection:
        connection.autocommit = False
        server.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid})")
        with pytest.raises(ConnectionFailed) as failed:
            describe(connection)
        assert failed.value.code == "connectivity.lost"
