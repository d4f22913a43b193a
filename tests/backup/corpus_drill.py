"""Backups that restore without a word and are not what they should be: only a drill sees what is missing or changed.

Each is a dump of the shop after some SQL that its manifest knows nothing of, with the hash of the new dump written into
that manifest. So the file is whole, its checksum is right, and nothing is wrong but what is in it.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from checks.backup import manifest
from checks.backup.sidefiles import sha256
from tests.backup.cells import CELLS, XML
from tests.backup.faults import Fault
from tests.backup.shop import Healthy


def _otherwise(sql: str, healthy: Healthy, folder: Path) -> Path:
    """The dump of a shop on which `sql` was run, under the name and with the manifest of the healthy one."""
    path = folder / healthy.proven.name
    with healthy.shop.changed(sql) as shop:
        shop.dump("--format=custom", "--compress=1", f"--file={path}")
    _vouch(healthy, path)
    return path


def _vouch(healthy: Healthy, path: Path) -> None:
    said = json.loads(Path(f"{healthy.proven}{manifest.SUFFIX}").read_text(encoding="utf-8"))
    said |= {"bytes": path.stat().st_size, "files": {path.name: sha256(path)}}
    Path(f"{path}{manifest.SUFFIX}").write_text(json.dumps(said), encoding="utf-8")


def _of_another_database(healthy: Healthy, folder: Path) -> Path:
    return _otherwise(
        "DROP SCHEMA public CASCADE; DROP SCHEMA archive CASCADE; CREATE SCHEMA public; "
        "CREATE TABLE films AS SELECT generate_series(1, 500) AS id",
        healthy,
        folder,
    )


def _with_a_broken_row(healthy: Healthy, folder: Path) -> Path:
    """Plain SQL that psql restores with exit code 0 unless it is told to stop, without one table's rows."""
    path = folder / "shop.sql"
    whole = healthy.plain.read_bytes()
    rows = whole.index(b"\n", whole.index(b"\nCOPY public.customers") + 1) + 1
    path.write_bytes(whole[:rows] + b"not a number\t\n" + whole[rows:])
    return path


def _with_a_failing_statement(healthy: Healthy, folder: Path) -> Path:
    path = folder / "shop.sql"
    path.write_bytes(healthy.plain.read_bytes().replace(b"CREATE INDEX orders_placed", b"CREATE INDX orders_placed", 1))
    return path


def _drill(name: str, sql: str, *codes: str) -> Fault:
    return Fault(name, partial(_otherwise, sql), frozenset(codes), "drill")


OF_CELLS: tuple[Fault, ...] = tuple(
    _drill(f"one cell changed: {cell.name.replace('_', ' ')}", cell.changed, "drill.content") for cell in (*CELLS, XML)
)
MANY_CELLS: tuple[tuple[Fault, frozenset[str]], ...] = tuple(
    (
        _drill(
            f"one cell of every type changed, part {part + 1}", "".join(cell.changed for cell in cells), "drill.content"
        ),
        frozenset(f"public.cell_{cell.name}" for cell in cells),
    )
    for part, cells in enumerate(((*CELLS, XML)[::2], (*CELLS, XML)[1::2]))
)
"""Changed together, as each is in a table of its own; with the tables, which are more than a finding lists at once."""
OF_THE_DRILL: tuple[Fault, ...] = (
    Fault("the backup of another database", _of_another_database, frozenset({"drill.table_missing"}), "drill"),
    Fault("a row that psql refuses", _with_a_broken_row, frozenset({"drill.rows_refused"}), "drill"),
    Fault("a statement that psql refuses", _with_a_failing_statement, frozenset({"drill.restore_error"}), "drill"),
    _drill("one row lost", "DELETE FROM orders WHERE id = 17", "drill.rows_lost"),
    _drill("one row added", "INSERT INTO notes VALUES ('third')", "drill.rows_added"),
    _drill("one row duplicated", "INSERT INTO notes SELECT * FROM notes LIMIT 1", "drill.rows_added"),
    _drill(
        "one row lost, another duplicated", "UPDATE notes SET text = 'first' WHERE text = 'second'", "drill.content"
    ),
    _drill(
        "two values swapped",
        "UPDATE orders SET customer = CASE id WHEN 1 THEN 3 ELSE 2 END WHERE id IN (1, 2)",
        "drill.content",
    ),
    _drill("a table emptied", "TRUNCATE notes", "drill.rows_lost"),
    _drill("one table missing", "DROP TABLE empty_one", "drill.table_missing"),
    _drill("a schema missing", "DROP SCHEMA archive CASCADE", "drill.schema_missing"),
    _drill("a column missing", "ALTER TABLE orders DROP COLUMN placed", "drill.column_missing"),
    _drill(
        "a column of another type", "ALTER TABLE archive.orders ALTER COLUMN id TYPE numeric", "drill.column_changed"
    ),
    _drill(
        "a column that may be NULL",
        "ALTER TABLE orders ALTER COLUMN placed DROP NOT NULL",
        "drill.column_changed",
        "drill.constraint_missing",
    ),
    _drill("a default changed", "ALTER TABLE notes ALTER COLUMN text SET DEFAULT 'x'", "drill.column_changed"),
    _drill("a sequence behind", "SELECT setval('invoice_numbers', 1233)", "drill.sequence_behind"),
    _drill("a sequence behind its column", "SELECT setval('customers_id_seq', 3)", "drill.sequence_behind_column"),
    _drill("a sequence missing", "DROP SEQUENCE invoice_numbers", "drill.sequence_missing"),
    _drill("an index missing", "DROP INDEX orders_placed", "drill.index_missing"),
    _drill(
        "an index invalid, which pg_dump leaves out",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_placed'::regclass",
        "drill.index_missing",
    ),
    _drill(
        "an index on something else",
        "DROP INDEX orders_placed; CREATE INDEX orders_placed ON orders (customer)",
        "drill.index_changed",
    ),
    _drill(
        "a constraint missing", "ALTER TABLE orders DROP CONSTRAINT orders_customer_fkey", "drill.constraint_missing"
    ),
    _drill(
        "a constraint NOT VALID",
        "ALTER TABLE orders DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID",
        "drill.constraint_not_valid",
    ),
    _drill(
        "a constraint that lets more pass",
        "ALTER TABLE orders DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (amount > -1)",
        "drill.constraint_changed",
    ),
    _drill(
        "an index of a partitioned table that its partitions lack",
        "DROP INDEX events_at; CREATE INDEX events_at ON ONLY events (at)",
        "drill.index_missing",
    ),
    _drill("a table that was not there", "CREATE TABLE intruder ()", "drill.object_added"),
    _drill("a view that cannot be read", "CREATE VIEW broken AS SELECT 1 / 0 AS x", "drill.view_unreadable"),
    _drill("a rule missing", "DROP RULE quiet ON archive.orders", "drill.object_missing"),
    _drill(
        "a rule changed",
        "CREATE OR REPLACE RULE quiet AS ON DELETE TO archive.orders DO ALSO NOTHING",
        "drill.object_changed",
    ),
    _drill("a type missing", "DROP TYPE unused", "drill.type_missing"),
    _drill("a sequence of other steps", "ALTER SEQUENCE invoice_numbers INCREMENT 2", "drill.sequence_changed"),
    _drill("a policy changed", "ALTER POLICY everybody ON notes USING (false)", "drill.policy_changed"),
    _drill("a view missing", "DROP VIEW totals", "drill.view_missing"),
    _drill(
        "a view changed",
        "CREATE OR REPLACE VIEW totals AS SELECT customer, sum(amount) + 0 AS total FROM orders GROUP BY 1",
        "drill.view_changed",
    ),
    _drill("a function missing", "DROP FUNCTION vat", "drill.function_missing"),
    _drill(
        "a function changed",
        "CREATE OR REPLACE FUNCTION vat(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 0.07'",
        "drill.function_changed",
    ),
    _drill("a trigger missing", "DROP TRIGGER touched ON customers", "drill.trigger_missing"),
    _drill("a trigger switched off", "ALTER TABLE customers DISABLE TRIGGER touched", "drill.trigger_changed"),
    _drill("a policy missing", "DROP POLICY everybody ON notes", "drill.policy_missing"),
    _drill("row-level security switched off", "ALTER TABLE notes DISABLE ROW LEVEL SECURITY", "drill.table_changed"),
    _drill("a value of an enum renamed", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", "drill.type_changed"),
    _drill(
        "a domain without its check",
        "ALTER DOMAIN email DROP CONSTRAINT email_check",
        "drill.type_changed",
        "drill.constraint_missing",
    ),
    _drill("a grant lost", "REVOKE SELECT ON orders FROM PUBLIC", "drill.grant_lost"),
    _drill("a grant added", "GRANT DELETE ON orders TO PUBLIC", "drill.grant_added"),
    _drill("an extension missing", "DROP EXTENSION citext", "drill.extension_missing"),
    _drill("a comment lost", "COMMENT ON TABLE orders IS NULL", "drill.comment_lost"),
)
