"""Vacuum keeps up: no database nears the end of transaction numbers, and no large table fills with dead rows.

PostgreSQL counts transactions in 32 bits, and refuses every write before it would use a number twice. Autovacuum
prevents that, as long as it runs, is quick enough, and nobody holds old rows back: a transaction left open, a
forgotten slot, a prepared transaction. The same neglect makes tables grow and plans go wrong, long before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.inventory import Names
from checks.catalog.names import is_are, plural, qualified, some
from checks.catalog.sql import statements
from checks.catalog.vacuum_codes import CODES
from checks.catalog.vacuum_seen import COUNTERS, Seen, Table, ago, seen_in
from checks.check import Asking, Cell, Check, Finding, Query
from checks.errors import CouldNotTell
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import Positive
from checks.units import Duration, Percent

EXAMPLE = """\
vacuum:
  wraparound: 40%
  dead: 30%
  rows: 50000
  analyzed_within: 7d
  ignore: [audit.archive]"""

# From this age on PostgreSQL gives out no further number, of transactions and of multixacts alike, in 15 to 18:
# https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
REFUSED_AT = 2**31 - 1 - 3_000_000
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Parameters:
    """Limits of neglect. On a disposable server, where autovacuum is off, only ages and tables' options are judged."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    wraparound: Percent = field(
        default=Percent(50),
        metadata={
            "description": "The age of any database of the server, in transactions or multixacts, as part of the "
            f"{REFUSED_AT:,} at which PostgreSQL refuses to write. Raise it where `autovacuum_freeze_max_age` is over "
            "a billion."
        },
    )
    overdue: Percent = field(
        default=Percent(150),
        metadata={
            "description": "The same age as part of `autovacuum_freeze_max_age` (`autovacuum_multixact_freeze_max_age`)"
            ", at which PostgreSQL begins to vacuum in any case: well over 100%, that does not succeed."
        },
    )
    held_back: Positive = field(
        default=10_000_000,
        metadata={"description": "For how many transactions anybody may keep dead rows from being removed."},
    )
    dead: Percent = field(
        default=Percent(40), metadata={"description": "How many of a large table's rows may be dead."}
    )
    changed: Percent = field(
        default=Percent(50),
        metadata={"description": "How many of a large table's rows may have changed since it was analyzed."},
    )
    grace: Duration = field(
        default=Duration(600),
        metadata={"description": "How recently a table must have been analyzed for changes since not to matter yet."},
    )
    rows: Positive = field(
        default=100_000, metadata={"description": "With how many rows, dead ones too, a table is large."}
    )
    vacuumed_within: Duration | None = field(
        default=None, metadata={"description": "How long ago a large table may have been vacuumed, by hand or not."}
    )
    analyzed_within: Duration | None = field(
        default=None, metadata={"description": "How long ago a large table may have been analyzed, by hand or not."}
    )
    autovacuum: bool = field(
        default=True, metadata={"description": "Whether autovacuum must be on, for the server and for each table."}
    )
    ignore: Names = field(default=(), metadata={"description": "Tables that are not judged; their age always is."})


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """All in one round. Raises CouldNotTell where this role may not see whether a session holds rows back."""
    sql = statements("vacuum")
    answers = yield [Query(statement) for statement in sql.values()]
    seen = seen_in(dict(zip(sql, answers, strict=True)))
    findings = [*_ages(parameters, seen), *_held_back(parameters, seen)]
    findings += _switched_off(parameters, seen, disposable=circumstances.disposable)
    if not circumstances.disposable:
        findings += _neglected(parameters, seen)
    return findings or [*_in_order(parameters, seen, disposable=circumstances.disposable)]


def _ages(parameters: Parameters, seen: Seen) -> Iterator[Finding]:
    """Each counter's oldest database, told by the graver of the two limits it is over."""
    for counter in COUNTERS:
        eldest = max(seen.databases, key=lambda row: int(row[counter]))
        age, limit, forced = eldest[counter], parameters.wraparound.of(REFUSED_AT), seen.limits[counter]
        how_old = f"Database {eldest['name']} is {age:,} {counter} old"
        if age > limit:
            part = f"{100 * age / REFUSED_AT:.1f}%"
            sentence = f"{how_old}, {part} of the way to where PostgreSQL refuses every write."
            wanted = f"at most {parameters.wraparound} of {REFUSED_AT:,}"
            yield Finding("vacuum.wraparound", False, sentence, wanted, part, seen.ages)
        elif age > parameters.overdue.of(forced):
            sentence = f"{how_old}, and has not been frozen though PostgreSQL began to try at {forced:,}."
            wanted = f"at most {parameters.overdue} of {forced:,}"
            yield Finding("vacuum.freeze_overdue", False, sentence, wanted, f"{age:,}", seen.ages)


def _held_back(parameters: Parameters, seen: Seen) -> Iterator[Finding]:
    holders = [row for row in seen.holders if row["age"] > parameters.held_back]
    if holders:
        worst = holders[0]
        sentence = f"The {worst['holder']} {worst['name']} keeps rows that died in the last {worst['age']:,} "
        sentence += "transactions from being removed, in every table."
        wanted = f"at most {parameters.held_back:,} transactions"
        evidence: tuple[Mapping[str, Cell], ...]
        evidence = tuple({"holder": row["holder"], "name": row["name"], "transactions": row["age"]} for row in holders)
        yield Finding("vacuum.held_back", False, sentence, wanted, f"{worst['age']:,}", evidence)


def _switched_off(parameters: Parameters, seen: Seen, *, disposable: bool) -> Iterator[Finding]:
    if not parameters.autovacuum:
        return
    if not disposable and not seen.limits["running"]:
        sentence = "Autovacuum is off for the whole server (`autovacuum` or `track_counts`)."
        yield Finding("vacuum.autovacuum_off", False, sentence, "on", "off")
    ignored = {qualified(name) for name in parameters.ignore}
    tables = [table for table in seen.tables if table.switched_off and table.name not in ignored]
    if tables:
        names = some(table.name for table in tables)
        sentence = f"Autovacuum is switched off for {plural(len(tables), 'table')}: {names}."
        yield Finding("vacuum.autovacuum_off", False, sentence, "on", f"off for {names}", _evidence(tables))


def _neglected(parameters: Parameters, seen: Seen) -> Iterator[Finding]:
    large = _large(parameters, seen)
    dead = sorted((t for t in large if t.dead_percent > parameters.dead), key=lambda t: -t.dead)
    if dead:
        sentence = f"{dead[0].dead_percent:.0f}% of the rows of {dead[0].name} are dead{_others(dead)}."
        observed = f"{dead[0].dead_percent:.0f}%"
        yield Finding("vacuum.dead_rows", False, sentence, f"at most {parameters.dead}", observed, _evidence(dead))
    stale = [t for t in large if t.unknown or _has_changed(t, parameters)]
    if stale:
        why = "was never analyzed" if stale[0].unknown else f"changed in {stale[0].changed_percent:.0f}% of its rows"
        since = "" if stale[0].unknown else " since it was analyzed"
        sentence = f"Table {stale[0].name} {why}{since}, so that its plans are guesses{_others(stale)}."
        wanted = f"analyzed after {parameters.changed} of the rows changed"
        yield Finding("vacuum.not_analyzed", False, sentence, wanted, why, _evidence(stale))
    yield from _not_since("vacuumed", parameters.vacuumed_within, [(table, table.vacuumed) for table in large])
    yield from _not_since("analyzed", parameters.analyzed_within, [(table, table.analyzed) for table in large])


def _has_changed(table: Table, parameters: Parameters) -> bool:
    """Autovacuum comes by in turns, so a table that grows fast may change much in between without anybody's fault."""
    recently = table.analyzed is not None and table.analyzed < parameters.grace
    return table.changed_percent > parameters.changed and not recently


def _not_since(verb: str, limit: Duration | None, tables: Sequence[tuple[Table, float | None]]) -> Iterator[Finding]:
    late = [(table, since) for table, since in tables if limit is not None and (since is None or since > limit)]
    if late:
        found, when = [table for table, _ in late], ago(late[0][1])
        how_long = f"never {verb}" if late[0][1] is None else f"last {verb} {when}"
        sentence = f"Table {found[0].name} was {how_long}, going by the statistics{_others(found)}."
        code = {"vacuumed": "vacuum.not_vacuumed", "analyzed": "vacuum.not_analyzed"}[verb]
        yield Finding(code, False, sentence, f"within {limit}", when, _evidence(found))


def _large(parameters: Parameters, seen: Seen) -> list[Table]:
    ignored = {qualified(name) for name in parameters.ignore}
    return [table for table in seen.tables if table.rows >= parameters.rows and table.name not in ignored]


def _others(tables: Sequence[Table]) -> str:
    more = tables[1:]
    return f"; so {is_are(more)} {plural(len(more), 'other table')}" if more else ""


def _evidence(tables: Sequence[Table]) -> tuple[Mapping[str, Cell], ...]:
    return tuple(table.evidence for table in tables[:SHOWN])


def _in_order(parameters: Parameters, seen: Seen, *, disposable: bool) -> Iterator[Finding]:
    """That all is well, which needs every session to be seen."""
    if seen.hidden:
        raise CouldNotTell(
            f"This role may not see whether {plural(seen.hidden, 'session')} of others "
            f"{is_are(range(seen.hidden))} holding dead rows back.",
            code="run.not_permitted",
            hint="`GRANT pg_read_all_stats TO role` (or `pg_monitor`)",
        )
    eldest = max(seen.databases, key=lambda row: int(row["transactions"]))
    age, aside = f"{eldest['transactions']:,} transactions", ""
    if disposable:
        aside = "; what autovacuum would do is not judged on a disposable server"
    sentence = f"The oldest database, {eldest['name']}, is {age} old{aside}."
    wanted = f"at most {parameters.wraparound} of {REFUSED_AT:,}"
    yield Finding("vacuum.keeps_up", True, sentence, wanted, age, seen.ages)
    large = _large(parameters, seen)
    if large and not disposable:
        sentence = f"{plural(len(large), 'large table')} {is_are(large)} looked after: {some(t.name for t in large)}."
        yield Finding("vacuum.tended", True, sentence, evidence=_evidence(large))


CHECK = Check(
    kind="vacuum",
    claim="Vacuum keeps up with what is written, and no database nears the end of transaction numbers.",
    manual="https://www.postgresql.org/docs/current/routine-vacuuming.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="pg_read_all_stats (or pg_monitor), to see whether other sessions hold rows back.",
)
