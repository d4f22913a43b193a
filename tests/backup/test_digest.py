"""The content digest: any changed cell, and any lost, added or doubled row; and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from checks.backup.describe import LARGE_OBJECTS, describe, pin, stored, tables_of
from checks.backup.digest import LONGEST_CHAIN, Column, Stored, digest, statement
from checks.errors import CouldNotTell
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.backup.odd import database, odd
from tests.targets.embedding import connect

# One cell of each type, changed as little as its type allows.
CELLS = {
    "i2": "3", "i8": "3 + 1", "n": "1.000", "n2": "4.501", "f4": "0", "f8": "0.1000000000000001", "m": "12.35",
    "b": "false", "c1": "'y'", "ch": "'aB'", "bp": "'cd '", "vc": "'x'", "t": "'gh'", "nm": "'nM'", "by": "'\\xdeae'",
    "d": "'2026-01-02'", "ti": "'12:00:00.000001'", "tz": "'12:00+03'", "ts": "ts + interval '1 us'",
    "tsz": "tsz + interval '1 us'", "iv": "'32 days 03:04:05.6'", "uu": "'00000000-0000-0000-0000-000000000002'",
    "ine": "'10.0.0.1/9'", "ci": "'10.0.0.0/9'", "ma": "'08:00:2b:01:02:04'", "ma8": "'08:00:2b:01:02:03:04:06'",
    "bi": "B'1011'", "vb": "B'100'", "js": """'{"a": 1, "b":2}'""", "jb": """'{"a":7}'""", "jp": "'$.b'",
    "po": "'(1,2.0000000000000004)'", "ln": "'{1,2,4}'", "ls": "'[(0,0),(1,2)]'", "bx": "'(1,2),(0,0)'",
    "pa": "'[(0,0),(1,1)]'", "pg": "'((0,0),(1,1),(1,2))'", "ck": "'<(0,0),2>'", "tsv": "'a:2 b'", "tsq": "'a | b'",
    "lsn": "'0/16B3741'", "snap": "'10:20:10'", "o": "43", "rc": "'parent'", "x8": "'100'", "ia": "'{1,3}'",
    "ta": "'{a,\"NULL\",\"b c\"}'", "na": "'{1.0,2.0}'", "r4": "'[1,6)'", "rn": "'[1.0,2.5]'",
    "tr": "'[2026-01-01,2026-02-02)'", "mr": "'{[1,2),[5,7)}'", "mo": "'well'", "moa": "'{ill,well}'", "a": "'b@'",
    "p": "'(1,\"x  y\")'", "pp": "'{\"(1,a)\"}'", "fr": "'[1.5,2.5)'", "ep": "'(0)'", "q": "6", "hash": "'H'",
    "sf": "'{1,2}'",
}  # fmt: skip
# Two values each that a careless digest takes for one.
ALIKE = [
    ("int8", "1", "4294967296"),  # a bigint is folded into 32 bits before it is hashed
    ("int8", "-1", "0"),
    ("timestamp", "'2000-01-01 00:00:00.000003'", "'2000-01-01 03:34:44.901888'"),
    ("timestamptz", "'2000-01-01 00:00:00.000003Z'", "'2000-01-01 03:34:44.901888Z'"),
    ("time", "'00:00:00.000001'", "'01:11:34.967296'"),
    ("money", "'0.01'", "'42949672.96'"),
    ("pg_lsn", "'0/1'", "'1/0'"),
    ("numeric", "1.0", "1.00"),
    ("numeric[]", "'{1.0}'", "'{1.00}'"),
    ("float8", "'-0'", "'0'"),
    ("float4", "'-0'", "'0'"),
    ("interval", "'1 month'", "'30 days'"),
    ("interval", "'1 day'", "'24 hours'"),
    ("jsonb", "'7'", "'7.0'"),
    ("int[]", "'{1,2,3,4}'", "'{{1,2},{3,4}}'"),
    ("int[]", "'{1,2}'", "'[5:6]={1,2}'"),
    ("bpchar", "'a'", "'a  '"),
    ("text", "''", "NULL"),
    ("text", "'a'", "'a '"),
    ("int[]", "'{}'", "NULL"),
    ("bytea", "''", "NULL"),
    ("int2", "0", "NULL"),
    ("int4", "0", "NULL"),
    ("int8", "0", "NULL"),
    ("int8", "1", "NULL"),
    ("oid", "0", "NULL"),
    ("bool", "false", "NULL"),
    ("uuid", "'00000000-0000-0000-0000-000000000000'", "NULL"),
    ("char(3)", "''", "NULL"),
    ("char(3)", "'a'", "'A'"),
    ("varchar(3)", "'a'", "'a '"),
    ("timetz", "'12:00+00'", "'13:00+01'"),
    ("varbit", "B'0'", "B'00'"),
    ("nothing", "ROW(NULL)", "NULL"),
    ("json", "'1'", "' 1'"),
]


@pytest.fixture
def connection(
    every_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer]
) -> Iterator[psycopg.Connection[Any]]:
    """A transaction in an empty database, pinned, on each major."""
    server = server_from(every_major)
    with database(server, "digest") as name, server.connect(name) as made:
        made.autocommit = False
        pin(made)
        yield made
        made.rollback()


def digests(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The digest of each table."""
    return {name: table.digest for name, table in tables_of(connection, stored(connection)).items()}


def digest_of(connection: psycopg.Connection[Any], values: str, columns: str) -> str:
    """The digest of a table that is made for it and taken away again."""
    with connection.transaction(force_rollback=True):
        connection.execute(f"CREATE TABLE public.made ({columns})".encode())
        connection.execute(f"INSERT INTO public.made VALUES {values}".encode())
        return digests(connection)["public.made"]


def test_a_changed_cell_of_each_type_changes_the_digest_of_its_table_alone(
    every_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer]
) -> None:
    """Every built-in type, and enums, domains, composites, ranges and arrays; and back again it is the same."""
    server = server_from(every_major)
    with odd(server, "digest_cells") as name, server.connect(name) as connection:
        connection.autocommit = False
        pin(connection)
        before = digests(connection)
        types = {row[0] for row in connection.execute(_COLUMNS)}
        changes = dict(CELLS)
        if connection.execute("SELECT x IS NOT NULL FROM public.every WHERE id = 1").fetchone() == (True,):
            changes["x"] = "'<a>è</a>'"
        if "uncased" in types:
            changes |= {"uncased": "'word'", "several": "'{word}'"}
        assert types - set(changes) - {"x", "id", "g"} == set()
        unseen = [column for column, value in changes.items() if not _is_seen(connection, before, column, value)]
        assert unseen == []
        assert digests(connection) == before


_COLUMNS = (
    b"SELECT attname FROM pg_attribute WHERE attrelid = 'public.every'::regclass AND attnum > 0 AND NOT attisdropped"
)


def _is_seen(connection: psycopg.Connection[Any], before: dict[str, str], column: str, value: str) -> bool:
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = public")
        connection.execute(f"UPDATE every SET {column} = {value} WHERE id = 1".encode())
        pin(connection)
        after = digests(connection)
    return [name for name in before if before[name] != after[name]] == ["public.every"]


def test_values_that_are_easily_taken_for_each_other_are_not(connection: psycopg.Connection[Any]) -> None:
    """Where PostgreSQL's own hash calls two values equal, or folds one into the other, the digest does not."""
    connection.execute("CREATE TYPE public.nothing AS (a float8)")
    taken_for_one = []
    for kind, one, other in ALIKE:
        columns = f"c {kind.replace('nothing', 'public.nothing')}, d int"
        if digest_of(connection, f"({one}, 1)", columns) == digest_of(connection, f"({other}, 1)", columns):
            taken_for_one.append((kind, one, other))
    assert taken_for_one == []


ROWS = [
    ("(1, 'a'), (2, 'b')", "(1, 'b'), (2, 'a')"),  # two rows that swapped a cell
    ("(1, 'a'), (2, NULL)", "(1, NULL), (2, 'a')"),
    ("(1, 'a'), (1, 'a')", "(2, 'b'), (2, 'b')"),  # a pair of equal rows
    ("(1, 'a'), (2, 'b')", "(1, 'a'), (1, 'a')"),  # one lost, one doubled
    ("(1, 'a'), (2, 'b')", "(2, 'a'), (1, 'b')"),
    ("(1, 'a')", "(1, 'a'), (NULL, NULL)"),
]
PAIRS = ("int, text", "int8, int8", "timestamptz, timestamptz", "timestamptz, int", "bytea, bool", "numeric, uuid")
VALUES = {
    "int": ("1", "2"), "text": ("'a'", "'b'"), "int8": ("1", "2"), "bool": ("true", "false"),
    "numeric": ("1.0", "1.00"),
    "timestamptz": ("'2026-01-01'", "'2026-01-02'"), "bytea": (r"'\x01'", r"'\x02'"),
    "uuid": ("'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"),
}  # fmt: skip


def test_rows_are_told_apart_by_what_stands_together(connection: psycopg.Connection[Any]) -> None:
    """A cell that moved to another row, a pair that became another, a doubled row in place of a lost one."""
    columns = "a int, b text"
    for one, other in ROWS:
        assert digest_of(connection, one, columns) != digest_of(connection, other, columns), (one, other)


def test_the_order_of_rows_is_nothing(connection: psycopg.Connection[Any]) -> None:
    """The same rows, written in another order, and after being moved about by updates."""
    columns = "a int, b text"
    assert digest_of(connection, "(1, 'a'), (2, 'b'), (2, 'b')", columns) == digest_of(
        connection, "(2, 'b'), (1, 'a'), (2, 'b')", columns
    )


@pytest.mark.parametrize("pair", PAIRS)
def test_two_rows_that_swapped_a_cell_are_told_apart(connection: psycopg.Connection[Any], pair: str) -> None:
    """Whichever way the columns are hashed: a sum over the rows of a sum over the columns would not show it."""
    one, other = pair.split(", ")
    (a, b), (c, d) = VALUES[one], VALUES[other]
    columns = f"a {one}, b {other}"
    assert digest_of(connection, f"({a}, {c}), ({b}, {d})", columns) != digest_of(
        connection, f"({a}, {d}), ({b}, {c})", columns
    )


@pytest.mark.parametrize("kind", ["int", "text", "int8"])
def test_a_cell_of_a_very_wide_table_is_seen(connection: psycopg.Connection[Any], kind: str) -> None:
    """Wherever it stands: among those whose hashes hang on each other, and among those beyond."""
    names = [f"c{number:04}" for number in range(1500)]
    assert len(names) > 10 * LONGEST_CHAIN
    connection.execute(f"CREATE TABLE public.made ({', '.join(f'{name} {kind}' for name in names)})".encode())
    connection.execute("INSERT INTO public.made DEFAULT VALUES")
    seen = {digests(connection)["public.made"]}
    for name in (names[0], names[LONGEST_CHAIN - 1], names[LONGEST_CHAIN], names[-1]):
        connection.execute(f"UPDATE public.made SET {name} = '7'".encode())
        seen.add(digests(connection)["public.made"])
    assert len(seen) == 5


def test_a_row_of_nulls_and_a_row_without_columns_are_counted(connection: psycopg.Connection[Any]) -> None:
    """A strict function of NULL is NULL, which no sum would count: each has a hash all the same."""
    connection.execute("CREATE TABLE public.made (a int); INSERT INTO public.made VALUES (NULL), (NULL)")
    connection.execute("CREATE TABLE public.bare (); INSERT INTO public.bare DEFAULT VALUES")
    connection.execute("CREATE TABLE public.empty (a int, b int8, c text, d timestamptz, e numeric)")
    before = tables_of(connection, stored(connection))
    assert {name: table.rows for name, table in before.items()} == {
        "public.made": 2, "public.bare": 1, "public.empty": 0,
    }  # fmt: skip
    connection.execute("INSERT INTO public.empty DEFAULT VALUES; DELETE FROM public.made WHERE ctid = '(0,1)'")
    connection.execute("INSERT INTO public.bare DEFAULT VALUES")
    after = tables_of(connection, stored(connection))
    assert [name for name in before if after[name].digest == before[name].digest] == []


def test_each_partition_and_heir_is_counted_by_itself(connection: psycopg.Connection[Any]) -> None:
    """A parent has only its own rows, and a partitioned table none."""
    connection.execute("""
        CREATE TABLE public.parent (a int); CREATE TABLE public.heir () INHERITS (public.parent);
        INSERT INTO public.parent VALUES (1); INSERT INTO public.heir VALUES (2), (3);
        CREATE TABLE public.whole (a int) PARTITION BY LIST (a);
        CREATE TABLE public.part PARTITION OF public.whole DEFAULT; INSERT INTO public.whole VALUES (5);
        CREATE TEMP TABLE passing (a int); CREATE UNLOGGED TABLE public.quick AS SELECT 1 AS a;
    """)
    found = {name: table.rows for name, table in tables_of(connection, stored(connection)).items()}
    assert found == {"public.parent": 1, "public.heir": 2, "public.part": 1, "public.quick": 1}


def test_a_session_that_sees_things_differently_gets_the_same(connection: psycopg.Connection[Any]) -> None:
    """Time zone, date style and the rest are set for the digest, whatever the role or the database has."""
    connection.execute("CREATE TABLE public.made (a tstzrange, b float8[], c interval[], d bytea[], e money[], f xml)")
    connection.execute(r"""INSERT INTO public.made VALUES
        ('[2026-01-01,2026-02-01)', '{0.1,1e23}', '{1 mon 2 days}', '{"\\xdead"}', '{12.34}', NULL)""")
    before = digests(connection)
    for name, value in _SIGHTS.items():
        connection.execute(f"SET LOCAL {name} = {value}".encode())
    assert digests(connection) != before
    pin(connection)
    assert digests(connection) == before


_SIGHTS = {
    "timezone": "'Asia/Kolkata'", "datestyle": "'German'", "intervalstyle": "'iso_8601'", "extra_float_digits": "-3",
    "bytea_output": "'escape'",
}  # fmt: skip


def test_large_objects_are_content_too(connection: psycopg.Connection[Any]) -> None:
    """One changed byte of the second megabyte is seen, and so is an empty one that is gone."""
    connection.execute("SELECT lo_from_bytea(4711, convert_to(repeat('abc', 600000), 'UTF8')), lo_create(4712)")
    before = describe(connection).tables[LARGE_OBJECTS]
    assert before.rows == 2
    connection.execute("SELECT lo_put(4711, 1500000, 'x')")
    changed = describe(connection).tables[LARGE_OBJECTS]
    assert (changed.rows, changed.digest != before.digest) == (2, True)
    connection.execute("SELECT lo_unlink(4712)")
    assert describe(connection).tables[LARGE_OBJECTS].rows == 1
    assert describe(connection, digests=False).tables[LARGE_OBJECTS].digest == ""


def test_a_large_table_is_digested_by_several_workers(server: EmbeddedServer) -> None:
    """The sums stand below the place where the workers' results come together."""
    with database(server, "digest_plan") as name, server.connect(name) as connection:
        connection.execute(
            "CREATE TABLE public.made AS SELECT i AS a, i::text AS b FROM generate_series(1, 20000) AS i"
        )
        connection.execute("VACUUM ANALYZE public.made")
        connection.autocommit = False
        pin(connection)
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 2")
        plan = [row[0] for row in connection.execute(f"EXPLAIN {statement(stored(connection))}".encode())]
        assert [line for line in plan if "Partial Aggregate" in line], plan
        connection.rollback()


def test_a_role_that_would_see_a_part_sees_nothing(server: EmbeddedServer) -> None:
    """Under row-level security a digest of what is visible would prove too little: it could not tell."""
    with database(server, "digest_rls") as name:
        with server.connect(name) as connection:
            connection.execute("""
                CREATE ROLE digest_part LOGIN PASSWORD 'only for this test';
                CREATE TABLE public.made (a int); ALTER TABLE public.made ENABLE ROW LEVEL SECURITY;
                CREATE POLICY larger ON public.made USING (a > 1); GRANT SELECT ON public.made TO digest_part
            """)
        try:
            with connect(server.endpoint(name), user="digest_part", password="only for this test") as connection:
                connection.autocommit = False
                with pytest.raises(CouldNotTell) as failed:
                    describe(connection)
                assert failed.value.code == "run.not_permitted"
                assert "made" in failed.value.sentence
        finally:
            with server.connect(name) as connection:
                connection.execute("DROP OWNED BY digest_part; DROP ROLE digest_part")


def test_the_order_of_columns_is_that_of_their_names() -> None:
    """A restored heir may have them in another order."""
    one = Stored("t", (Column("b", "int4"), Column("a", "int4")))
    other = Stored("t", (Column("a", "int4"), Column("b", "int4")))
    assert statement([one]) == statement([other])


def test_columns_that_one_major_quotes_and_another_does_not_stand_in_one_order(server: EmbeddedServer) -> None:
    """A dump of 15 may have a column `json_value`, which 17 made a word of its own."""
    with database(server, "digest_words") as name, server.connect(name) as connection:
        connection.execute('CREATE TABLE public.made (a text, json_value text, "Z""" text)')
        connection.execute("INSERT INTO public.made VALUES ('a', 'v', 'Z')")
        seen = set()
        for word in ("json_value", '"json_value"'):
            columns = tuple(Column(one, "text") for one in ("a", word, '"Z"""'))
            seen |= set(connection.execute(statement([Stored("public.made", columns)]).encode()))
    assert len(seen) == 1


def test_sums_of_any_size_and_sign_are_16_digits() -> None:
    """A sum of billions of hashes is far beyond 64 bits, and may be negative."""
    assert [digest(total) for total in ("0", "-1", str(2**90 + 5), str(-(2**70)))] == [
        "0" * 16, "f" * 16, "0" * 15 + "5", "0" * 16,
    ]  # fmt: skip
