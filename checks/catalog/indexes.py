"""Every index the page declares is there and valid, and none is a burden without a use.

A missing or invalid index shows only as slowness, and a unique one that is invalid lets duplicates in. One that nobody
uses, or that another one repeats, makes every write slower. What is used is told from the server's own counters, so
their age is kept in mind: what nobody used since yesterday's crash may be the index of the monthly report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.inventory import ByTable, Item, Part, of_tables
from checks.catalog.names import Name, is_are, plural, some
from checks.catalog.sql import statements
from checks.check import Answer, Asking, Cell, Check, Code, Finding, Query, Severity
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import Positive
from checks.units import Duration, Percent, Size, show_bytes, show_seconds

EXAMPLE = """\
indexes:
  declared: {audit_log: [idx_audit_created]}
  large_table: 500MB
  unused_for: 90d"""

MB = 2**20
DAY = 86400
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must be there, and from which size on it matters how tables are read and whether indexes are used."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    declared: ByTable = field(
        default_factory=dict, metadata={"description": "Indexes that must be there and valid: a list, or by table."}
    )
    large_table: Size = field(
        default=Size(100 * MB), metadata={"description": "From this size on, how a table is read is judged."}
    )
    sequential: Percent = field(
        default=Percent(50),
        metadata={"description": "A large table warns when more than this of its scans read it from end to end."},
    )
    scans: Positive = field(
        default=100,
        metadata={"description": "Fewer sequential scans than this are not judged: a dump makes one every night."},
    )
    large_index: Size = field(
        default=Size(100 * MB), metadata={"description": "From this size on, an index nobody uses warns."}
    )
    unused_for: Duration = field(
        default=Duration(30 * DAY),
        metadata={
            "description": "How long nobody must have used it. With statistics younger than this nothing is judged "
            "unused, and the finding says so."
        },
    )


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:  # noqa: ARG001 - every check is given both
    """All in one round."""
    sql = statements("indexes")
    part = Part("declared", "index", tuple(of_tables(parameters.declared)), by_parent="" not in parameters.declared)
    asked = ("invalid", "duplicates", "tables", "unused", "statistics")
    declared, *others = yield [Query(part.query(sql["declared"])), *(Query(sql[name]) for name in asked)]
    invalid, duplicates, tables, indexes, statistics = others
    age = statistics.value
    broken = [
        *_missing(part, declared),
        *_invalid(part, declared, invalid.dicts()),
        *_repeated(duplicates.dicts()),
        *_read_whole(parameters, tables.dicts()),
        *_unused(parameters, indexes.dicts(), age),
    ]
    return [*broken, *([] if broken else [_as_expected(parameters, len(part.wanted), age)])]


def _missing(part: Part, declared: Answer) -> Iterator[Finding]:
    missing = part.missing(part.found(declared))
    if missing:
        yield Finding(
            "indexes.missing",
            False,
            f"{plural(len(missing), 'index')} {is_are(missing)} missing: {some(missing)}.",
            plural(len(part.wanted), "index"),
            f"{len(part.wanted) - len(missing)} of them",
            tuple({"index": str(item)} for item in missing),
        )


def _invalid(part: Part, declared: Answer, rows: Sequence[Row]) -> Iterator[Finding]:
    """Those declared, even while they are being built: the page says that queries can rely on them."""
    found = part.found(declared)
    names = [_written(item) for item in part.wanted if item in found and not found[item]["valid"]]
    names += [name for row in rows if (name := _name(row)) not in names]
    if names:
        sentence = f"{plural(len(names), 'index')} {is_are(names)} invalid: {some(names)}."
        evidence = tuple({"index": name} for name in names)
        yield Finding("indexes.invalid", False, sentence, "valid indexes", some(names), evidence)


def _name(row: Row) -> str:
    return str(Name(row["schema"], row["name"]))


def _written(item: Item) -> str:
    return str(Name(item.schema, item.name))


def _table(row: Row) -> str:
    return str(Name(row["schema"], row["parent"]))


def _repeated(rows: Sequence[Row]) -> Iterator[Finding]:
    if rows:
        repeated = [f"{_name(row)} (as {row['kept']})" for row in rows]
        evidence = tuple({"table": _table(row), "index": _name(row), "repeats": row["kept"]} for row in rows)
        sentence = f"{plural(len(rows), 'index')} repeat{'s' if len(rows) == 1 else ''} another: {some(repeated)}."
        yield Finding("indexes.duplicate", False, sentence, "none", str(len(rows)), evidence, severity=Severity.WARN)


def _read_whole(parameters: Parameters, rows: Sequence[Row]) -> Iterator[Finding]:
    whole = [
        row
        for row in rows
        if row["bytes"] >= parameters.large_table
        and row["sequential"] >= parameters.scans
        and row["sequential"] > parameters.sequential.of(row["sequential"] + row["by_index"])
    ]
    if whole:
        names = [str(Name(row["schema"], row["name"])) for row in whole]
        yield Finding(
            "indexes.sequential",
            False,
            f"{plural(len(whole), 'large table')} {is_are(whole)} mostly read from end to end: {some(names)}.",
            f"at most {parameters.sequential} of the scans",
            str(len(whole)),
            tuple(_scanned(row) for row in whole),
            severity=Severity.WARN,
        )


def _scanned(row: Row) -> Mapping[str, Cell]:
    return {
        "table": _name(row),
        "size": show_bytes(row["bytes"]),
        "sequential scans": row["sequential"],
        "index scans": row["by_index"],
        "rows a sequential scan": row["rows_read"] // max(1, row["sequential"]),
    }


def _unused(parameters: Parameters, rows: Sequence[Row], age: float | None) -> Iterator[Finding]:
    large = [row for row in rows if row["bytes"] >= parameters.large_index]
    unused = [row for row in large if _is_unused(row, parameters.unused_for, age)]
    if unused:
        total = show_bytes(sum(row["bytes"] for row in unused))
        yield Finding(
            "indexes.unused",
            False,
            f"{plural(len(unused), 'large index')} of {total} served no query for {parameters.unused_for} or longer: "
            f"{some(map(_name, unused))}.",
            f"used within {parameters.unused_for}",
            str(len(unused)),
            tuple(_idle(row) for row in unused),
            severity=Severity.WARN,
        )


def _is_unused(row: Row, limit: float, age: float | None) -> bool:
    """Told from the last use where the server keeps it, else from none since the statistics began."""
    if row["unused_for"] is not None:
        return bool(row["unused_for"] >= limit)
    return row["scans"] == 0 and age is not None and age >= limit


def _idle(row: Row) -> Mapping[str, Cell]:
    last = "never" if row["unused_for"] is None else f"{show_seconds(row['unused_for'])} ago"
    return {"table": _table(row), "index": _name(row), "size": show_bytes(row["bytes"]), "last used": last}


def _as_expected(parameters: Parameters, declared: int, age: float | None) -> Finding:
    there = f"All of the {plural(declared, 'index')} declared are valid; " if declared else ""
    counted = "an unknown time" if age is None else show_seconds(max(0.0, age))
    young = age is None or age < parameters.unused_for
    use = (
        f"the statistics are only {counted} old, so unused ones are not told yet"
        if young
        else f"no large one was unused in the {counted} of the statistics"
    )
    sentence = f"{there}none is invalid or repeats another, and {use}."
    return Finding("indexes.as_expected", True, sentence[0].upper() + sentence[1:])


CODES: Mapping[str, Code] = {
    "indexes.as_expected": Code(
        "Every index the page declares is there and valid, none repeats another, and the large tables are read by "
        "index. Whether any is unused is told once the statistics are old enough."
    ),
    "indexes.missing": Code(
        "An index the page declares does not exist, or not on that table.",
        "Queries that need it read whole tables, and each becomes slower with every row.",
        "`CREATE INDEX CONCURRENTLY …` builds it without stopping writes; put it in a migration, too.",
    ),
    "indexes.invalid": Code(
        "An index exists, but a failed `CREATE INDEX CONCURRENTLY` or `REINDEX` left it invalid.",
        "No query uses it, every write pays for it, and a unique one guarantees nothing.",
        "`REINDEX INDEX CONCURRENTLY …`, or `DROP INDEX CONCURRENTLY` for one whose name ends in `_ccnew` or `_ccold`. "
        "If it is unique, look for duplicate rows first.",
    ),
    "indexes.duplicate": Code(
        "An index has the same columns, operators and condition as another of its table.",
        "Every write maintains both, both take storage and cache, and queries need only one.",
        "`DROP INDEX CONCURRENTLY …` the one the evidence lists, not the one it repeats, and take it out of the "
        "migrations, or the models, that create it.",
    ),
    "indexes.sequential": Code(
        "A large table is read from end to end more often than by an index.",
        "Such reads take longer with every row, and push what others need out of the cache.",
        "Find the query (`slow_queries` shows the slowest), `EXPLAIN` it, and create the index its WHERE asks for. "
        "Statistics that are out of date cause it, too: `ANALYZE`.",
    ),
    "indexes.unused": Code(
        "A large index that upholds no rule served no query for long.",
        "Every write maintains it, and it takes storage, cache and time at each vacuum, for nothing.",
        "Look whether a standby's queries use it, or a report that runs once a quarter, and whether it was created "
        "only now; then `DROP INDEX CONCURRENTLY …`.",
    ),
}

CHECK = Check(
    kind="indexes",
    claim="Every index the page declares is there and valid, and none is a burden without a use.",
    manual="https://www.postgresql.org/docs/current/indexes-examine.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None: every role may read pg_catalog and the counters.",
)
