"""What only the copy itself can say: whether its sequences are ahead, its indexes whole and its views readable.

All of it is asked as the role that restored, which is no superuser: a view of an untrusted dump may call what it likes.
https://www.postgresql.org/docs/current/amcheck.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from checks.backup.contents import Contents
from checks.backup.copy import Copy
from checks.backup.groundwork import RESTORER
from checks.backup.unwell import ailment, unwell
from checks.catalog.names import plural, some
from checks.check import Cell, Finding, Severity
from checks.drill.doubt import doubt
from checks.migrations.history import quote_identifier

Row = Mapping[str, Cell]
NOT_PERMITTED, TOO_LONG, LOCKED, NOT_POPULATED = "42501", "57014", "55P03", "55000"
# Of a view that was not read, by SQLSTATE, what the report says of it. None of them says that the view is broken.
_UNREAD = {
    NOT_PERMITTED: "{} could not be read by a role that is no superuser, as the owner of each may have been: {}.",
    TOO_LONG: "{} did not answer in time: {}.",
    LOCKED: "{} could not be read for a lock: {}.",
    NOT_POPULATED: "{} cannot be read until a materialized view is refreshed: {}.",
}
_NOT_LOOKED_INTO = frozenset({NOT_PERMITTED, TOO_LONG, LOCKED})
NO_AMCHECK = "Indexes were not looked into: this PostgreSQL comes without amcheck, so that they are valid by name only."
AMCHECK = "pgrunbook_amcheck"
WHOLE_BELOW = 64 * 2**20  # bytes of a table up to which every row is looked for in its index, where that is in doubt
PATIENCE = "60s"  # for one view or one index
_INDEXES = """
SELECT i.oid::int8, i.oid::regclass::text,
       (%s OR x.indexprs IS NOT NULL OR x.indpred IS NOT NULL) AND pg_table_size(x.indrelid) < %s
FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_am AS a ON a.oid = i.relam
JOIN pg_namespace AS n ON n.oid = i.relnamespace
WHERE a.amname = 'btree' AND i.relkind = 'i' AND x.indisvalid AND x.indisready AND i.relpersistence <> 't'
  AND n.nspname !~ '^(pg_|information_schema$)'
ORDER BY i.relpages
"""
_VIEWS = """
SELECT n.nspname, c.relname, c.relkind = 'm' AND NOT c.relispopulated
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e
                  WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 1, 2
"""
_FED = """
SELECT s.oid::regclass::text, format('%I.%I', m.nspname, t.relname), format('%I', a.attname),
       format('%I.%I', n.nspname, s.relname), sign(q.seqincrement)::int
FROM pg_class AS s JOIN pg_namespace AS n ON n.oid = s.relnamespace JOIN pg_sequence AS q ON q.seqrelid = s.oid
JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.objsubid = 0
     AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class AS t ON t.oid = d.refobjid JOIN pg_namespace AS m ON m.oid = t.relnamespace
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
JOIN pg_type AS y ON y.oid = a.atttypid
WHERE s.relkind = 'S' AND NOT q.seqcycle AND y.typname IN ('int2', 'int4', 'int8', 'numeric')
  AND n.nspname !~ '^(pg_|information_schema$)'
"""


def connected(copy: Copy) -> psycopg.Connection[Any]:
    """A connection that only reads, and waits for nothing for long."""
    connection = copy.connect()
    connection.execute(f"SET statement_timeout = '{PATIENCE}'; SET default_transaction_read_only = on")
    return connection


def sequences_ahead(connection: psycopg.Connection[Any], source: Contents | None, copy: Contents) -> Finding:
    """Sequences that would hand out a number their column has already.

    Where a sequence and its column are just as the source has them, that is the source's own affair, and a warning.
    """
    fed = connection.execute(_FED.encode()).fetchall()
    asked = [
        f"SELECT {n}, (SELECT {'max' if up > 0 else 'min'}({column}) FROM {table})::numeric"  # noqa: S608 - quoted by the server
        for n, (_, table, column, _, up) in enumerate(fed)
    ]
    behind: list[Row] = []
    for start in range(0, len(asked), 100):
        for n, furthest in connection.execute(" UNION ALL ".join(asked[start : start + 100]).encode()):
            _, table, column, name, up = fed[n]
            there = copy.sequences.get(name)
            if furthest is None or there is None:
                continue
            if there.last is None or (furthest - there.last) * up > 0:
                behind.append(
                    {"sequence": name, "column": f"{table}.{column}", "last": there.last, "furthest": int(furthest)}
                )
    if not behind:
        sentence = (
            f"{plural(len(fed), 'sequence')} that feed columns are ahead of them."
            if fed
            else "No sequence feeds a column."
        )
        return Finding("drill.sequences_ahead", True, sentence)
    same = source is not None and all(
        source.sequences.get(str(row["sequence"])) == copy.sequences.get(str(row["sequence"])) for row in behind
    )
    names = some(row["sequence"] for row in behind)
    sentence = f"{plural(len(behind), 'sequence')} would hand out numbers that are taken: {names}."
    if same:
        sentence += " The source's stand there too."
    severity, seen = Severity.WARN if same else Severity.FAIL, plural(len(behind), "sequence")
    code = "drill.sequence_behind_column"
    return Finding(code, False, sentence, "ahead of the column", seen, tuple(behind[:50]), severity)


def views(connection: psycopg.Connection[Any], copy: Copy) -> list[Finding]:
    """Every view is asked for no row, which is enough for the server to look up all it stands on.

    Raises CouldNotTell where the server fails meanwhile.
    """
    found = connection.execute(_VIEWS.encode()).fetchall()
    broken: list[Row] = []
    unread: dict[str, list[str]] = {}
    for schema, name, unpopulated in found:
        called = f"{schema}.{name}"
        why = NOT_POPULATED if unpopulated else _refusal(connection, schema, name, copy)
        if why in _UNREAD:
            unread.setdefault(why, []).append(called)
        elif why is not None:
            broken.append({"view": called, "sqlstate": why})
    unproven = [
        doubt("drill.views_unproven", _UNREAD[why].format(plural(len(names), "view"), some(names)), "readable", why)
        for why, names in unread.items()
    ]
    if broken:
        sentence = f"{plural(len(broken), 'view')} cannot be read: {some(row['view'] for row in broken)}."
        observed = plural(len(broken), "error")
        finding = Finding("drill.view_unreadable", False, sentence, "readable", observed, tuple(broken[:50]))
        return [finding, *unproven]
    seen = len(found) - sum(map(len, unread.values()))
    if not seen and unproven:
        return unproven
    held = f"{plural(seen, 'view')} can be read." if seen else "There is no view to read."
    return [*unproven, Finding("drill.views_readable", True, held)]


def _refusal(connection: psycopg.Connection[Any], schema: str, name: str, copy: Copy) -> str | None:
    """The SQLSTATE with which the server refuses to read a view, None where it does not."""
    try:
        connection.execute(f"SELECT * FROM {quote_identifier(schema)}.{quote_identifier(name)} LIMIT 0".encode())  # noqa: S608 - quoted
    except psycopg.Error as refusal:
        if reason := unwell(refusal, copy.server.folder.path):
            raise reason from refusal
        return refusal.sqlstate or ""
    return None


def amcheck(copy: Copy) -> list[Finding]:
    """Whether B-tree indexes are in order and, for tables that are not large, hold every row of theirs.

    A restore has just made each index from the rows that are there. So rows are looked for only in those that hold what
    a function or an expression made of them, and in every one where the files came as they are. Raises CouldNotTell
    where the server fails meanwhile.
    """
    try:
        with copy.as_superuser() as superuser:
            if not superuser.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'").fetchone():
                return [doubt("drill.indexes_unproven", NO_AMCHECK, "amcheck", "not installed")]
            _install(superuser)
            try:
                with connected(copy) as connection:
                    return _checked(connection, superuser, as_files=copy.came_as_files)
            finally:
                superuser.execute(f"DROP SCHEMA IF EXISTS {AMCHECK} CASCADE")
    except psycopg.Error as refusal:
        if reason := unwell(refusal, copy.server.folder.path):
            raise reason from refusal
        why = f"SQLSTATE {refusal.sqlstate}" if refusal.sqlstate else type(refusal).__name__
        return [doubt("drill.indexes_unproven", f"Indexes could not be looked into: {why}.", "amcheck", why)]


def _install(superuser: psycopg.Connection[Any]) -> None:
    superuser.execute(f"CREATE SCHEMA {AMCHECK}")
    if not superuser.execute("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'").fetchone():
        superuser.execute(f"CREATE EXTENSION amcheck SCHEMA {AMCHECK}")


def _checked(
    connection: psycopg.Connection[Any], superuser: psycopg.Connection[Any], *, as_files: bool
) -> list[Finding]:
    where = superuser.execute(
        "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace"
        " WHERE extname = 'amcheck'"
    ).fetchone()
    function = f"{where[0] if where else AMCHECK}.bt_index_check"
    superuser.execute(f"GRANT USAGE ON SCHEMA {where[0] if where else AMCHECK} TO {RESTORER}".encode())
    superuser.execute(f"GRANT EXECUTE ON FUNCTION {function}(regclass, boolean) TO {RESTORER}".encode())
    found = connection.execute(_INDEXES.encode(), (as_files, WHOLE_BELOW)).fetchall()
    refused = list(_refused(connection, function, found))
    broken = [row for row in refused if row["sqlstate"] not in _NOT_LOOKED_INTO]
    unseen = [row for row in refused if row["sqlstate"] in _NOT_LOOKED_INTO]
    unproven = [_unseen(unseen)] if unseen else []
    if broken:
        sentence = f"amcheck found {plural(len(broken), 'index')} broken: {some(row['index'] for row in broken)}."
        observed = plural(len(broken), "index")
        corrupt = Finding("drill.index_corrupt", False, sentence, "in order", observed, tuple(broken[:50]))
        return [corrupt, *unproven]
    if unseen and len(unseen) == len(found):
        return unproven
    missed = {row["index"] for row in unseen}
    whole = sum(1 for _, name, rows_too in found if rows_too and name not in missed)
    count = len(found) - len(unseen)
    sentence = f"amcheck finds nothing wrong with {plural(count, 'B-tree index')}"
    sentence += f", and with every row in {'all' if whole == count else whole} of them." if whole else "."
    return [*unproven, Finding("drill.indexes_whole", True, sentence)]


def _unseen(rows: Sequence[Row]) -> Finding:
    named = some(row["index"] for row in rows)
    sentence = f"amcheck could not look into {plural(len(rows), 'index')}, for want of time or permission: {named}."
    observed = f"{len(rows)} not looked into"
    return doubt("drill.indexes_unproven", sentence, "every B-tree index in order", observed, rows[:50])


def _refused(
    connection: psycopg.Connection[Any], function: str, found: Sequence[tuple[int, str, bool]]
) -> Iterator[Row]:
    """The indexes that amcheck does not pass, each with the SQLSTATE. Raises when the server goes away."""
    for start in range(0, len(found), 100):
        some_of_them = found[start : start + 100]
        calls = ", ".join(f"{function}({oid}, {'true' if small else 'false'})" for oid, _, small in some_of_them)
        try:
            connection.execute(f"SELECT {calls}".encode())
        except psycopg.Error as refusal:
            if ailment(refusal):
                raise
            yield from _one_by_one(connection, function, some_of_them)


def _one_by_one(
    connection: psycopg.Connection[Any], function: str, found: Sequence[tuple[int, str, bool]]
) -> Iterator[Row]:
    for oid, name, small in found:
        try:
            connection.execute(f"SELECT {function}({oid}, {'true' if small else 'false'})".encode())
        except psycopg.Error as refusal:
            if ailment(refusal):
                raise
            yield {"index": name, "sqlstate": refusal.sqlstate or ""}
