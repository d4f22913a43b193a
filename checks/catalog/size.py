"""The database and its tables are no larger, and no smaller, than the page allows.

Growth fills a disk on a date that can be foreseen, and a table that is suddenly small has lost something. The largest
tables are always shown, because that is the next question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.expectation import Comparison, Limit
from checks.catalog.names import Name, is_are, qualified, some
from checks.catalog.sql import statements
from checks.check import POSTGRESQL, SQLITE, Asking, Check, Code, Finding, Query
from checks.errors import CouldNotTell
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.suggest import did_you_mean
from checks.units import Size, show_bytes

EXAMPLE = """\
size:
  database: {lt: 10GB}
  tables: {audit_log: {lt: 2GB}, auth.sessions: {lt: 500MB}}"""

NAMED = 3  # in the sentence; the evidence has the rest
Sizes = Mapping[Name, int | None]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Limits in PostgreSQL's units, each a comparison; without any, the check reports sizes and holds."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    database: Limit | None = field(default=None, metadata={"description": "The whole database, such as `{lt: 10GB}`."})
    tables: dict[str, Limit] = field(
        default_factory=dict,
        metadata={"description": "Tables by name (`schema.name` outside public), with indexes, TOAST and partitions."},
    )
    largest: int = field(default=5, metadata={"description": "How many of the largest tables are shown.", "ge": 0})


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """Both sizes in one round; every table is measured, since the largest are not known before."""
    sql = statements("size" if circumstances.engine == POSTGRESQL else "size_sqlite")
    database, tables = yield [Query(sql["database"]), Query(sql["tables"])]
    total, sizes = int(database.value), {Name(schema, name): size for schema, name, size in tables.rows}
    broken = [*_database(parameters.database, total), *_tables(parameters.tables, sizes)]
    return [*broken, _measured(parameters, total, sizes)]


def _database(limit: Comparison[Size] | None, total: int) -> list[Finding]:
    if limit is None or limit.holds(total):
        return []
    wanted, found = limit.describe(show_bytes), show_bytes(total)
    return [Finding("size.database", False, f"The database takes {found}, not {wanted}.", wanted, found)]


def _tables(limits: Mapping[str, Comparison[Size]], sizes: Sizes) -> list[Finding]:
    findings = []
    for text, limit in limits.items():
        name, wanted = qualified(text), limit.describe(show_bytes)
        size = sizes.get(name)
        if name not in sizes:
            findings.append(_missing(name, sizes, wanted))
        elif size is None:
            raise _unknown(name)
        elif not limit.holds(size):
            found = show_bytes(size)
            findings.append(Finding("size.table", False, f"Table {name} takes {found}, not {wanted}.", wanted, found))
    return findings


def _unknown(name: Name) -> CouldNotTell:
    return CouldNotTell(
        f"The size of table {name} is not known: it is being dropped, or this is SQLite, which keeps none.",
        hint="over SQLite, limit `database` instead, or name the check's `environments`",
    )


def _missing(name: Name, sizes: Sizes, wanted: str) -> Finding:
    hint = did_you_mean(str(name), map(str, sizes))
    sentence = f"There is no table {name}" + (f"; {hint}" if hint else ".")
    return Finding("size.table_missing", False, sentence, wanted, "no such table")


def _measured(parameters: Parameters, total: int, sizes: Sizes) -> Finding:
    largest = [(name, size) for name, size in sizes.items() if size is not None][: parameters.largest]
    limits = [f"the database {parameters.database.describe(show_bytes)}"] if parameters.database else []
    limits += [f"{name} {limit.describe(show_bytes)}" for name, limit in parameters.tables.items()]
    return Finding(
        "size.measured",
        True,
        f"The database takes {show_bytes(total)}" + _named([name for name, _ in largest[:NAMED]]),
        expected=", ".join(limits),
        observed=show_bytes(total),
        evidence=tuple({"table": str(name), "size": show_bytes(size), "bytes": size} for name, size in largest),
    )


def _named(largest: Sequence[Name]) -> str:
    return f"; the largest {is_are(largest)} {some(largest)}." if largest else "."


CODES: Mapping[str, Code] = {
    "size.measured": Code(
        "What the database and its largest tables take. Limits that are broken have codes of their own."
    ),
    "size.database": Code(
        "The database is not of the size the page allows.",
        "A full disk stops every write, and PostgreSQL itself if it is the disk of the WAL. One that is suddenly small "
        "has lost something.",
        "Too large: see the largest tables in the evidence, delete or archive what has expired, then `VACUUM`; "
        "`VACUUM FULL` or `pg_repack` gives the space back. Or enlarge the disk and the limit. Too small: compare with "
        "an earlier report, and think of the backup.",
    ),
    "size.table": Code(
        "A table, with its indexes, TOAST and partitions, is not of the size the page allows.",
        "Tables that only grow make backups, restores and sequential scans slow long before the disk is full.",
        "Check that the job which removes old rows runs, and look for bloat: many dead rows in "
        "`pg_stat_user_tables.n_dead_tup` mean that vacuum does not keep up.",
    ),
    "size.table_missing": Code(
        "A table with a limit does not exist.",
        "A limit on nothing holds for ever, and hides that a table was renamed or never created.",
        "Apply the migrations, or correct the name. Outside `public` a table is written `schema.name`.",
    ),
}

CHECK = Check(
    kind="size",
    claim="The database and its tables are of the size the page allows.",
    manual="https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-DBSIZE",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="CONNECT on the database.",
    engines=frozenset({POSTGRESQL, SQLITE}),
)
