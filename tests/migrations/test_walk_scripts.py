"""Prisma's and plain SQL scripts run on real databases, and recorded as their tools record them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from checks.check import SQLITE, Query
from checks.migrations.apply import rehearse
from checks.migrations.prisma import checksum
from checks.runbook.model import Migrations
from checks.targets.embedded import EmbeddedTarget
from checks.targets.session import Endpoint, Target
from tests.catalog.tools import Elsewhere
from tests.migrations.trees import prisma_tree, sql_tree

TWO = {"1_a": 'CREATE TABLE "A" (n integer);\n', "2_b": 'CREATE VIEW b AS SELECT n FROM "A";\n'}
# The columns of the schema engine's own CREATE TABLE, as information_schema tells them:
PRISMAS_COLUMNS = [
    ("id", "character varying", 36, "NO", None),
    ("checksum", "character varying", 64, "NO", None),
    ("finished_at", "timestamp with time zone", None, "YES", None),
    ("migration_name", "character varying", 255, "NO", None),
    ("logs", "text", None, "YES", None),
    ("rolled_back_at", "timestamp with time zone", None, "YES", None),
    ("started_at", "timestamp with time zone", None, "NO", "now()"),
    ("applied_steps_count", "integer", None, "NO", "0"),
]


def asked(target: Target, sql: str) -> tuple[tuple[Any, ...], ...]:
    """The rows of one query."""
    session = target.open()
    try:
        return session.ask([Query(sql)], patience=20)[0].rows
    finally:
        session.close()


def test_prismas_table_has_prismas_columns(tmp_path: Path, target: EmbeddedTarget) -> None:
    """`prisma migrate deploy` finds its own table: the same columns, types, lengths and defaults, and the same key."""
    rehearse(prisma_tree(tmp_path, TWO), tmp_path, target)
    columns = "column_name, data_type, character_maximum_length, is_nullable, column_default"
    of_table = "FROM information_schema.columns WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position"
    found = asked(target, f"SELECT {columns} {of_table}")
    assert list(found) == PRISMAS_COLUMNS
    of_key = "FROM pg_constraint WHERE conrelid = '_prisma_migrations'::regclass AND contype = 'p'"
    assert asked(target, f"SELECT pg_get_constraintdef(oid) {of_key}") == (("PRIMARY KEY (id)",),)


def test_prismas_rows_are_those_of_a_deployment(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Each has a UUID, the SHA-256 of its script, one step, no logs and no rollback, and began before it finished."""
    found = rehearse(prisma_tree(tmp_path, TWO), tmp_path, target)
    assert (found.walk, found.failure, found.ready) == (("up",), "", True)
    assert found.no_way_down.startswith("Prisma knows no way down")
    rows = asked(target, "SELECT * FROM _prisma_migrations ORDER BY started_at")
    for (key, digest, finished, name, logs, rolled_back, started, steps), (wanted, script) in zip(
        rows, TWO.items(), strict=True
    ):
        assert UUID(key).version == 4
        assert (name, digest) == (wanted, checksum(script.encode()))
        assert (logs, rolled_back, steps) == (None, None, 1)
        assert started <= finished
    assert asked(target, "SELECT relname FROM pg_class WHERE relname IN ('A', 'b') ORDER BY 1") == (("A",), ("b",))


def test_a_script_that_fails_leaves_prismas_mark_of_a_failure(tmp_path: Path, target: EmbeddedTarget) -> None:
    """The row is there and not finished, nothing of the script is, and later scripts are not tried."""
    scripts = {"1_a": "CREATE TABLE a (n int);", "2_b": "CREATE TABLE b (n int); SELECT oops;", "3_c": "SELECT 1"}
    found = rehearse(prisma_tree(tmp_path, scripts), tmp_path, target)
    assert (found.walk, found.failed_step, found.ready) == ((), "up", False)
    assert found.failure.startswith("2_b: ")
    assert 'column "oops" does not exist' in found.failure
    rows = asked(target, "SELECT migration_name, finished_at IS NULL, applied_steps_count FROM _prisma_migrations")
    assert sorted(rows) == [("1_a", False, 1), ("2_b", True, 0)]
    assert asked(target, "SELECT relname FROM pg_class WHERE relname IN ('a', 'b')") == (("a",),)


def test_the_schema_of_prismas_url_takes_its_table_and_its_objects(tmp_path: Path, target: EmbeddedTarget) -> None:
    """With `table_schema`, as with `?schema=`, unqualified names of the scripts go there too."""
    prisma_tree(tmp_path, TWO)
    found = rehearse(Migrations("prisma", "prisma/migrations", table_schema="app"), tmp_path, target)
    assert found.failure == ""
    listed = asked(
        target,
        "SELECT relname FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1",
    )
    assert listed == (("A",), ("_prisma_migrations",), ("b",))


ALONE = "CREATE INDEX CONCURRENTLY a_n ON a (n)"


def test_a_statement_that_must_stand_alone_may_be_a_script(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A script of one statement is no transaction block, as it is none for Prisma."""
    scripts = {"1_a": "CREATE TABLE a (n int)", "2_i": ALONE}
    assert rehearse(prisma_tree(tmp_path, scripts), tmp_path, target).failure == ""


def test_sql_with_its_opposites_is_walked(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Scripts that each have a `.down.sql` go up, down in reverse order, and up; a byte order mark does not hurt."""
    scripts = {
        "1_a.up.sql": "\ufeffCREATE TABLE a (n int PRIMARY KEY);",
        "1_a.down.sql": "DROP TABLE a;",
        "2_b.up.sql": "CREATE TABLE b (n int REFERENCES a);",
        "2_b.down.sql": "DROP TABLE b;",
    }
    found = rehearse(sql_tree(tmp_path, scripts), tmp_path, target)
    assert (found.walk, found.failure, found.left_behind, found.ready) == (("up", "down", "up again"), "", (), True)
    rows = asked(target, "SELECT version, checksum, applied_at IS NOT NULL FROM schema_migrations ORDER BY version")
    assert rows == (
        ("1", checksum(scripts["1_a.up.sql"].encode()), True),
        ("2", checksum(scripts["2_b.up.sql"].encode()), True),
    )


@pytest.mark.parametrize("marks", [("migrate:up", "migrate:down"), ("+goose Up", "+goose Down")])
def test_files_with_both_ways_in_one_are_walked(tmp_path: Path, target: EmbeddedTarget, marks: tuple[str, str]) -> None:
    """Of a file of dbmate or goose only one half is run at a time."""
    up, down = marks
    scripts = {f"{n}_{n}.sql": f"-- {up}\nCREATE TABLE t{n} (n int);\n\n-- {down}\nDROP TABLE t{n};\n" for n in (1, 2)}
    found = rehearse(sql_tree(tmp_path, scripts), tmp_path, target)
    assert (found.walk, found.failure, found.left_behind) == (("up", "down", "up again"), "", ())
    assert asked(target, "SELECT tablename FROM pg_tables WHERE tablename ~ '^t[12]' ORDER BY 1") == (("t1",), ("t2",))


def test_what_a_script_leaves_on_its_way_down_is_named(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A type that its opposite forgets is left behind, and stands in the way."""
    scripts = {"1_a.sql": "CREATE TYPE mood AS ENUM ('x'); CREATE TABLE a (m mood)", "1_a.down.sql": "DROP TABLE a"}
    found = rehearse(sql_tree(tmp_path, scripts), tmp_path, target)
    assert found.left_behind == ("type public.mood",)
    assert (found.failed_step, found.ready) == ("up again", False)


def test_a_way_down_that_fails_leaves_the_database_at_head(tmp_path: Path, target: EmbeddedTarget) -> None:
    """The scripts that went down go up again."""
    scripts = {
        "1_a.sql": "CREATE TABLE a (n int)",
        "1_a.down.sql": "DROP TABLE wrong",
        "2_b.sql": "CREATE TABLE b (n int)",
        "2_b.down.sql": "DROP TABLE b",
    }
    found = rehearse(sql_tree(tmp_path, scripts), tmp_path, target)
    assert (found.failed_step, found.ready) == ("down", True)
    assert found.failure.startswith("1_a.down.sql: ")
    assert asked(target, "SELECT version FROM schema_migrations ORDER BY 1") == (("1",), ("2",))


def test_sql_without_an_opposite_says_which(tmp_path: Path, target: EmbeddedTarget) -> None:
    """There is no way down past a script that has none."""
    found = rehearse(
        sql_tree(tmp_path, {"1_a.sql": "SELECT 1", "1_a.down.sql": "", "2_b.sql": "SELECT 2"}), tmp_path, target
    )
    assert (found.walk, found.ready) == (("up",), True)
    assert found.no_way_down == "There is no way down: 2_b.sql has none."


def test_the_table_may_have_another_name_and_place(tmp_path: Path, target: EmbeddedTarget) -> None:
    """`table` and `table_schema` say where; the scripts' own objects stay in the search path."""
    sql_tree(tmp_path, {"1_a.sql": "CREATE TABLE a (n int)", "1_a.down.sql": "DROP TABLE a"})
    found = rehearse(Migrations("sql", "sql", table="Done", table_schema="ops"), tmp_path, target)
    assert (found.failure, found.left_behind) == ("", ())
    assert asked(target, 'SELECT version FROM ops."Done"') == (("1",),)
    assert asked(target, "SELECT schemaname FROM pg_tables WHERE tablename = 'a'") == (("public",),)


class DisposableFile(Elsewhere):
    """A SQLite file that may be written to."""

    disposable = True


@pytest.fixture
def sqlite_target(tmp_path: Path) -> DisposableFile:
    """An empty SQLite file."""
    sqlite3.connect(tmp_path / "test.db").close()
    return DisposableFile(Endpoint(SQLITE, path=str(tmp_path / "test.db")))


def test_sql_is_walked_on_sqlite(tmp_path: Path, sqlite_target: DisposableFile) -> None:
    """Plain SQL is for whatever database understands it."""
    scripts = {"1_a.sql": "CREATE TABLE a (n int); CREATE TABLE b (n int)", "1_a.down.sql": "DROP TABLE a"}
    found = rehearse(sql_tree(tmp_path, scripts), tmp_path, sqlite_target)
    assert (found.walk[:2], found.left_behind) == (("up", "down"), ("table b",))
    assert "table b already exists" in found.failure


def test_prisma_on_sqlite_is_said_to_be_beyond_us(tmp_path: Path, sqlite_target: DisposableFile) -> None:
    """Prisma's table is another one there, and none is made up."""
    found = rehearse(prisma_tree(tmp_path, TWO), tmp_path, sqlite_target)
    assert "on PostgreSQL only" in found.failure
