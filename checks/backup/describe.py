"""What a database holds, asked of the server in the snapshot a connection stands in.

The source of a backup and its restored copy are described by the same questions under the same settings, and so can be
held against each other. Everything of the catalogs is asked in one flight; then tables are digested, small ones many to
a statement and large ones each by a parallel scan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from checks.backup import objects
from checks.backup.contents import Contents, Table
from checks.backup.contents import Sequence as SequenceState
from checks.backup.digest import SETTINGS, Column, Stored, digest, statement
from checks.backup.head import Head, revisions_of
from checks.backup.refused import told
from checks.sqlfile import parted

Connection = psycopg.Connection[Any]
Row = Mapping[str, Any]
States = Mapping[str, SequenceState]

WORKERS = 2  # for one large table
SMALL = 8 * 2**20  # bytes below which a table is not worth a statement, or a worker, of its own
MOST_OF_ONE_STATEMENT = 100
LARGE_OBJECTS = "pg_catalog.pg_largeobject"
# Of the objects' kinds, what does not depend on the database alone.
_ELSEWHERE = frozenset({"extension", "role", "membership"})
_HIDDEN = "This role is not shown every setting. GRANT pg_read_all_settings to it."


def pin(connection: Connection) -> None:
    """Set what digests and definitions depend on, until the end of the connection's transaction."""
    calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in SETTINGS.items())
    connection.execute(f"SELECT {calls}".encode())


def describe(
    connection: Connection,
    *,
    digests: bool = True,
    head: Head | None = None,
    sequences: States | None = None,
    workers: int = WORKERS,
    another: Callable[[], Connection] | None = None,
) -> Contents:
    """Everything that is compared, as the connection's current transaction sees it; it is left open.

    Without `digests` rows are counted only. `head` is where the applied migrations are recorded. `sequences` are their
    states where they were read before: no snapshot holds them still. Where nobody writes, `another` connection may read
    the tables while this one asks of all else.
    Raises CouldNotTell for what the server refuses, ConnectionFailed when it goes away.
    """
    with told("describe the database"):
        pin(connection)
        found = _in_one_flight(connection, {"stored": _statements()["stored"]})
        read = partial(
            tables_of, all_of_them=[_stored(row) for row in found["stored"]], digests=digests, workers=workers
        )
        with _beside(another, read) if another else nullcontext(partial(read, connection)) as tables_read:
            found |= _in_one_flight(connection, {**_statements(), **objects.statements()}, without={"stored"})
            tables = tables_read()
        about = found["about"][0]
        if about["large_objects"]:
            tables |= _large_objects(connection, digests=digests)
        revisions = revisions_of(connection, head) if head else ()
        states = read_sequences(connection, found["sequences"]) if sequences is None else sequences
    return _contents(found, tables, states, revisions)


def read_sequences(connection: Connection, rows: Sequence[Row] | None = None) -> dict[str, SequenceState]:
    """Where every sequence stands now. What a dump reads later may be further on, never behind."""
    rows = (
        rows if rows is not None else _in_one_flight(connection, {"sequences": _statements()["sequences"]})["sequences"]
    )
    found = {}
    for some in _portions(rows, MOST_OF_ONE_STATEMENT):
        asked = [
            f"SELECT {n} AS n, last_value, is_called FROM {row['name']}"  # noqa: S608 - quoted by the server
            for n, row in enumerate(some)
        ]
        for n, last, called in connection.execute(" UNION ALL ".join(asked).encode()):
            row = some[n]
            # Set without having been called, as `setval(…, false)` does, the next value is the last one and a step.
            given = last if called else (last - row["step"] if last != row["start"] else None)
            found[row["name"]] = SequenceState(given, row["owner"] or "")
    return found


@contextmanager
def _beside(
    another: Callable[[], Connection], read: Callable[[Connection], dict[str, Table]]
) -> Iterator[Callable[[], dict[str, Table]]]:
    """While this lasts, the tables are read over another connection; what is given waits for them."""
    with another() as connection, ThreadPoolExecutor(1, thread_name_prefix="tables") as pool:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        pin(connection)
        yield pool.submit(read, connection).result


def _in_one_flight(
    connection: Connection, statements: Mapping[str, str], *, without: Collection[str] = ()
) -> dict[str, list[Row]]:
    optional = {"large_objects", *without}
    with connection.pipeline():
        cursors = {
            name: connection.cursor(row_factory=dict_row).execute(sql.encode())
            for name, sql in statements.items()
            if name not in optional
        }
    return {name: list(cursor) for name, cursor in cursors.items()}


def _stored(row: Row) -> Stored:
    columns = tuple(Column(name, kind) for name, kind in zip(row["names"], row["types"], strict=True))
    return Stored(row["name"], columns, row["bytes"])


def stored(connection: Connection) -> list[Stored]:
    """The tables that hold rows themselves."""
    name = "stored"
    return [_stored(row) for row in _in_one_flight(connection, {name: _statements()[name]})[name]]


def tables_of(
    connection: Connection, all_of_them: Sequence[Stored], *, digests: bool = True, workers: int = WORKERS
) -> dict[str, Table]:
    """Each table's rows, and its digest unless they are only counted; under the settings that `pin` made."""
    small = [table for table in all_of_them if table.bytes < SMALL]
    large = [table for table in all_of_them if table.bytes >= SMALL]
    found: dict[str, Table] = {}
    for limit, portions in ((0, _portions(small, MOST_OF_ONE_STATEMENT)), (workers, _portions(large, 1))):
        connection.execute(f"SET LOCAL max_parallel_workers_per_gather = {int(limit)}".encode())
        for portion in portions:
            sql = statement(portion, counts_only=not digests)
            for position, rows, total in connection.execute(sql.encode()):
                found[portion[position].name] = Table(rows, digest(total) if digests else "")
    return {table.name: found[table.name] for table in all_of_them}


def _large_objects(connection: Connection, *, digests: bool) -> dict[str, Table]:
    """They are data as well, though no table's. Told under the name of the catalog that holds them."""
    counted = "SELECT 0 AS position, count(*) AS rows, '' AS total FROM pg_largeobject_metadata"
    asked = connection.execute((_statements()["large_objects"] if digests else counted).encode())
    [[_, rows, total]] = asked.fetchall()
    return {LARGE_OBJECTS: Table(rows, digest(total) if digests else "")}


def _contents(
    found: Mapping[str, list[Row]], tables: Mapping[str, Table], states: States, head: tuple[str, ...]
) -> Contents:
    about = found["about"][0]
    every = {kind: [objects.of_row(row) for row in found[kind]] for kind in objects.statements()}
    kinds = {kind: every[kind] for kind in every if kind not in _ELSEWHERE}
    return Contents(
        server=about["server"],
        encoding=about["encoding"],
        collation=about["collation"],
        tables=tables,
        sequences=states,
        objects={kind: _by_name(each, lacking=kind == "index") for kind, each in kinds.items() if each},
        extensions=_by_name(every["extension"]),
        grants=_grants(found),
        roles=_by_name([*every["role"], *every["membership"]]),
        settings={row["name"]: row["value"] or "" for row in found["settings"]},
        collations={row["name"]: row["version"] for row in found["collations"]},
        tablespaces={row["name"]: row["holds"] for row in found["tablespaces"]},
        preload=tuple(name.strip() for row in found["preload"] for name in row["libraries"].split(",") if name.strip()),
        head=head,
        unready=tuple(sorted(f"{kind} {one.name}" for kind, each in kinds.items() for one in each if one.unready)),
        sizes={"database": about["bytes"], **{row["name"]: row["bytes"] for row in found["stored"]}},
        unknown={} if about["sees_settings"] else {"settings": _HIDDEN},
    )


def _by_name(each: Iterable[objects.Object], *, lacking: bool = False) -> dict[str, str]:
    """Definitions by name; where `lacking`, without those that are not ready, as a dump leaves out invalid indexes."""
    return {one.name: one.meaning for one in sorted(each, key=lambda one: one.name) if not (lacking and one.unready)}


def _grants(found: Mapping[str, list[Row]]) -> dict[str, str]:
    grants = {row["name"]: f"owner {row['owner']}; {' '.join(row['acl'])}".strip("; ") for row in found["grants"]}
    return grants | {row["name"]: " ".join(row["roles"]) for row in found["policies"]}


def _portions(items: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + most] for start in range(0, len(items), most))


@cache
def _statements() -> Mapping[str, str]:
    return parted(Path(__file__).with_name("describe.sql").read_text(encoding="utf-8"))
