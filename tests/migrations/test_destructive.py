"""Which statements of migrations are listed as destroying data, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.migrations.alembic import read
from checks.migrations.destructive import Columns, destroying, destructions
from checks.migrations.prisma import read as read_prisma
from checks.migrations.sql import read as read_sql
from tests.migrations.trees import alembic_tree, prisma_tree, revision, sql_tree


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE users",
        "drop table if exists users cascade",
        'DROP TABLE "User"',
        "DROP SCHEMA audit CASCADE",
        "DROP TYPE mood",
        "DROP SEQUENCE numbers",
        "DROP EXTENSION hstore",
        "DROP OWNED BY app",
        "TRUNCATE users",
        "TRUNCATE TABLE users, orders RESTART IDENTITY",
        "DELETE FROM users",
        "WITH gone AS (DELETE FROM users RETURNING id) SELECT count(*) FROM gone",
        "ALTER TABLE users DROP COLUMN email",
        "ALTER TABLE users DROP email",
        "ALTER TABLE IF EXISTS ONLY app.users ADD COLUMN a int, DROP COLUMN IF EXISTS b CASCADE",
        'ALTER TABLE "User" DROP COLUMN "constraint"',
        "ALTER TABLE users ALTER COLUMN n TYPE integer",
        "ALTER TABLE users ALTER n SET DATA TYPE varchar(10) USING n::varchar(10)",
        "CREATE TABLE t (n bigint NOT NULL DEFAULT 1); ALTER TABLE t ALTER n TYPE int",
        "ALTER TABLE t ADD n text; ALTER TABLE t ALTER n TYPE varchar(5)",
        "DO $$ BEGIN IF true THEN DROP TABLE users; END IF; END $$",
        "DO $$ BEGIN DELETE FROM users; END $$",
        "/* careful */ DROP TABLE users",
    ],
)
def test_a_statement_that_destroys_data_is_listed(sql: str) -> None:
    """Every statement people write to get rid of data is seen, in any case, spelling or block."""
    assert len(list(destroying(sql, Columns()))) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "DROP INDEX users_email",
        "DROP VIEW recent",
        "DROP FUNCTION f()",
        "DELETE FROM users WHERE gone",
        "DELETE FROM users USING orders WHERE users.id = orders.user_id",
        "ALTER TABLE users DROP CONSTRAINT users_email_key",
        "ALTER TABLE users ALTER COLUMN email DROP NOT NULL",
        "ALTER TABLE users ALTER COLUMN email DROP DEFAULT, ALTER id DROP IDENTITY",
        "ALTER TABLE users ADD COLUMN truncate_at date",
        "ALTER TABLE users ALTER COLUMN n TYPE text",
        "CREATE TABLE t (n integer, CONSTRAINT x CHECK (n IN (1, 2))); ALTER TABLE t ALTER n TYPE bigint",
        "CREATE TABLE t (a numeric(10, 2) NOT NULL, n varchar(10)); ALTER TABLE t ALTER n TYPE varchar(20)",
        "ALTER TABLE t ADD COLUMN a char(4) NULL; ALTER TABLE t ALTER a TYPE char(8)",
        "-- DROP TABLE users",
        "SELECT 'DROP TABLE users; TRUNCATE users'",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ TRUNCATE users; $$",
        "CREATE TABLE copy (LIKE users); INSERT INTO audit VALUES ('DELETE FROM users')",
        "COMMENT ON TABLE users IS 'DROP TABLE soon'",
        "CREATE TRIGGER t BEFORE TRUNCATE ON users EXECUTE FUNCTION refuse()",
        "GRANT DELETE, TRUNCATE ON users TO app",
    ],
)
def test_a_statement_that_keeps_the_data_is_not(sql: str) -> None:
    """What only looks like it, or changes no row, is left out: a list of false alarms is not read."""
    assert list(destroying(sql, Columns())) == []


UPGRADE = '''
op.drop_column("users", "email")
op.drop_table("orders", schema="app")
with op.batch_alter_table("users") as batch_op:
    batch_op.drop_column("name")
    batch_op.alter_column("n", existing_type=sa.Integer(), type_=sa.BigInteger())
    batch_op.alter_column("bio", existing_type=sa.Text(), type_=sa.String(length=100))
op.alter_column("users", "age", nullable=False)
op.execute("TRUNCATE sessions")
op.execute(sa.text(f"DELETE FROM {TABLE}"))
op.execute("""
    UPDATE users SET n = 1;
    DROP TYPE mood
""")
op.get_bind().execute(sa.text("DELETE FROM users WHERE gone"))
tidy_up()
'''


def test_operations_of_an_upgrade_are_listed_with_their_lines(tmp_path: Path) -> None:
    """Operations, batches, SQL and helper functions of a revision are read; its downgrade is not."""
    migrations = alembic_tree(tmp_path, {})
    path = revision(tmp_path / "m" / "versions", "a", up=UPGRADE.strip(), back='op.drop_table("everything")')
    path.write_text(path.read_text() + "\n\ndef tidy_up():\n    op.drop_table('sessions')\n")
    found = destructions(read(tmp_path, migrations).migrations)
    lines = path.read_text().splitlines()
    assert [one.statement for one in found] == [
        "drop_column users.email",
        "drop_table orders",
        "drop_column users.name",
        "alter_column users.bio: Text to String(100)",
        "TRUNCATE sessions",
        "DELETE FROM {}",
        "DROP TYPE mood",
        "drop_table sessions",
    ]
    assert lines[found[0].line - 1].strip() == 'op.drop_column("users", "email")'
    assert lines[found[4].line - 1].strip() == 'op.execute("TRUNCATE sessions")'
    assert lines[found[6].line - 1].strip() == "DROP TYPE mood"
    assert found[0].place(tmp_path) == f"m/versions/a_of_a_test.py:{found[0].line}"


def test_types_are_followed_from_one_migration_to_the_next(tmp_path: Path) -> None:
    """A column widened in one migration and cut in a later one is seen for what it is, without `existing_type`."""
    migrations = alembic_tree(tmp_path, {})
    versions = tmp_path / "m" / "versions"
    revision(versions, "a", up='op.create_table("t", sa.Column("n", sa.Integer()), sa.Column("s", sa.String(10)))')
    revision(
        versions,
        "b",
        "a",
        up='op.alter_column("t", "n", type_=sa.BigInteger())\nop.alter_column("t", "s", type_=sa.String(20))',
    )
    revision(versions, "c", "b", up='op.alter_column("t", "n", type_=sa.Integer())')
    assert [one.migration.revision for one in destructions(read(tmp_path, migrations).migrations)] == ["c"]


def test_the_way_down_of_a_file_is_not_listed(tmp_path: Path) -> None:
    """What is dropped under `-- migrate:down` is what the same file created."""
    script = "-- migrate:down\nDROP TABLE a;\n-- migrate:up\nCREATE TABLE a (n int);\nTRUNCATE b;\n"
    found = destructions(read_sql(tmp_path, sql_tree(tmp_path, {"1_a.sql": script})).migrations)
    assert [(one.line, one.statement) for one in found] == [(5, "TRUNCATE b")]


def test_prismas_scripts_are_read_with_its_warnings_left_out(tmp_path: Path) -> None:
    """Prisma writes its own warning above such a statement; the statement is listed, once, at its line."""
    script = (
        "/*\n  Warnings:\n\n  - You are about to drop the column `b` on the `A` table. DROP COLUMN\n*/\n"
        '-- AlterTable\nALTER TABLE "A" DROP COLUMN "b",\nADD COLUMN     "c" TEXT NOT NULL;\n'
    )
    history = read_prisma(tmp_path, prisma_tree(tmp_path, {"1_a": 'CREATE TABLE "A" ("b" TEXT);', "2_b": script}))
    [found] = destructions(history.migrations)
    assert (found.path.parent.name, found.line) == ("2_b", 7)
    assert found.statement == 'ALTER TABLE "A" DROP COLUMN "b", ADD COLUMN "c" TEXT NOT NULL'
