"""From what queries name to what a role must be granted for it, and for which checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checks.grants.asked import Question
from checks.grants.named import Named, named_by, statement

if TYPE_CHECKING:
    from psycopg import Connection

STATISTICS, SETTINGS = "pg_read_all_stats", "pg_read_all_settings"
# The narrowest first: pg_monitor is a member of both.
PREDEFINED = (STATISTICS, SETTINGS, "pg_monitor")

# These refuse nobody, and leave out what the asker may not see: no error would ever say that a privilege is missing.
# https://www.postgresql.org/docs/current/monitoring-stats.html
HIDES_IN_SILENCE = {
    "pg_stat_get_activity": STATISTICS,
    "pg_stat_get_wal_senders": STATISTICS,
    "pg_stat_get_wal_receiver": STATISTICS,
    "pg_stat_get_progress_info": STATISTICS,
    "pg_stat_statements": STATISTICS,
    "pg_show_all_settings": SETTINGS,
}
LAST_VALUE = "pg_sequence_last_value"


@dataclass(frozen=True, slots=True)
class Wanted:
    """SELECT on one relation: on the columns named, or on all of it where there are none."""

    schema: str
    name: str
    columns: tuple[str, ...] = ()
    sequence: bool = False


@dataclass(slots=True)
class Needs:
    """What to grant, each with the names of the checks that need it, and what a person should know besides."""

    predefined: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    schemas: set[str] = field(default_factory=set)
    relations: dict[tuple[str, str], Wanted] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    checks: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    notes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def want(self, wanted: Wanted, check: str) -> None:
        """Add what one check needs of a relation to what others do."""
        key = (wanted.schema, wanted.name)
        known = self.relations.get(key, wanted)
        if known.columns and wanted.columns:
            known = Wanted(*key, tuple(dict.fromkeys([*known.columns, *wanted.columns])), known.sequence)
        elif known.columns:
            known = wanted
        self.relations[key] = known
        self.checks[key].add(check)
        self.schemas.add(wanted.schema)


def needs_of(questions: Iterable[Question], declared: Mapping[str, Sequence[str]], connection: Connection) -> Needs:
    """What these questions need in this database. `declared` is the predefined roles that checks, by name, ask for."""
    import psycopg

    needs = Needs()
    for check, roles in declared.items():
        for role in roles:
            needs.predefined[role].add(check)
    for question in questions:
        try:
            named = named_by(question.sql, connection)
        except psycopg.Error as error:
            said = str(error).partition("\n")[0]
            needs.notes[f"the disposable database could not tell what it names: {said}"].add(question.check)
            continue
        if named is None:
            needs.notes["it is no SELECT; look yourself at what it names"].add(question.check)
            continue
        _relations(needs, question, named, connection)
        _functions(needs, question, named, connection)
        needs.schemas.update(row[0] for row in connection.execute(statement("schemas"), [list(named.types)]))
    needs.schemas -= {"pg_catalog", "information_schema"}
    return needs


def _relations(needs: Needs, question: Question, named: Named, connection: Connection) -> None:
    for oid, numbers in named.relations.items():
        # The whole row, and system columns such as ctid, are there for those who may read the whole table.
        whole = any(number <= 0 for number in numbers)
        [row] = _rows(
            connection, "relations", oid=oid, columns=sorted(numbers), whole=whole, predefined=list(PREDEFINED)
        )
        if row["schema"].startswith("pg_toast"):
            continue
        if row["of_system"]:
            _of_system(needs, question, row, whole=whole)
            continue
        if row["row_security"]:
            note = f"row security is on for {row['schema']}.{row['name']}: the role sees only what a policy lets it see"
            needs.notes[note].add(question.check)
        needs.want(_wanted(row, whole=whole), question.check)


def _of_system(needs: Needs, question: Question, row: Mapping[str, Any], *, whole: bool) -> None:
    if row["schema"] == "information_schema" and question.own:
        note = "information_schema shows a role only what it has a privilege on, and hides the rest in silence"
        needs.notes[note].add(question.check)
    if row["of_public"]:
        return
    if row["predefined"]:
        needs.predefined[row["predefined"]].add(question.check)
    else:
        needs.want(_wanted(row, whole=whole), question.check)


def _wanted(row: Mapping[str, Any], *, whole: bool) -> Wanted:
    """Of a table that is only counted, any column will do: the first of its key is the one that says least."""
    if row["kind"] == "S":
        return Wanted(row["schema"], row["name"], sequence=True)
    return Wanted(row["schema"], row["name"], () if whole else tuple(row["columns"] or row["key"][:1]))


def _functions(needs: Needs, question: Question, named: Named, connection: Connection) -> None:
    known = {"functions": list(named.functions), "operators": list(named.operators), "predefined": list(PREDEFINED)}
    for row in _rows(connection, "functions", **known):
        if row["of_system"]:
            _hidden(needs, question, row["name"], connection)
        else:
            needs.schemas.add(row["schema"])
        if row["name"] == "pg_stat_statements":
            needs.predefined[STATISTICS].add(question.check)
        if row["reads_as_caller"] and not row["of_system"]:
            needs.notes[f"{row['shown']} runs as whoever calls it; what it reads was not looked into"].add(
                question.check
            )
        if row["of_public"]:
            continue
        if row["predefined"]:
            needs.predefined[row["predefined"]].add(question.check)
        else:
            needs.functions.add(row["shown"])


def _hidden(needs: Needs, question: Question, function: str, connection: Connection) -> None:
    role = HIDES_IN_SILENCE.get(function)
    # A kind of the catalog says itself whether it needs the settings that are shown to few.
    if role is not None and (role != SETTINGS or question.own):
        needs.predefined[role].add(question.check)
    if function == LAST_VALUE:
        for row in _rows(connection, "sequences"):
            needs.want(Wanted(row["schema"], row["name"], sequence=True), question.check)


def _rows(connection: Connection, name: str, **known: Any) -> list[dict[str, Any]]:
    cursor = connection.execute(statement(name), known or None)
    columns = [column.name for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor]
