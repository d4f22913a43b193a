"""The objects the page lists are there, of the types it says, and with `exact: true` nothing beside them.

A table that is missing is an error on the first request that needs it. An index that is missing, or that a failed
`CREATE INDEX CONCURRENTLY` left invalid, is only slow, and nobody is told. Objects that nobody expects are usually the
remains of work done by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.discrepancies import Found, absent, complete, invalid, of_other_types, unexpected
from checks.catalog.inventory import BySchema, ByTable, Item, Names, Part, of_none, of_schemas, of_tables
from checks.catalog.sql import statements
from checks.check import POSTGRESQL, SQLITE, Answer, Asking, Check, Code, Engine, Query
from checks.runbook.model import REFUSE_UNKNOWN_KEYS

EXAMPLE = """\
schema:
  tables: {auth: [users, sessions], game: [campaigns]}
  views: [active_campaigns]
  columns: {auth.users: {user_id: uuid, email: varchar(320), created_at: timestamptz}}
  indexes: {auth.users: [users_email_key]}
  extensions: [pgcrypto]
  exact: true"""

ANY = Part("", "", ())
_NAMED_CONSTRAINT = re.compile(r"""\bCONSTRAINT\s+(?:"([^"]+)"|\[([^\]]+)\]|`([^`]+)`|(\w+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Names exactly as the catalog spells them: unquoted names of SQL are lower case there."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    schemas: Names = field(default=(), metadata={"description": "Schemas by name."})
    tables: BySchema = field(
        default_factory=dict,
        metadata={"description": "Tables, partitioned and foreign ones too: a list for public, or lists by schema."},
    )
    views: BySchema = field(
        default_factory=dict,
        metadata={"description": "Views and materialised views: a list for public, or lists by schema."},
    )
    columns: dict[str, dict[str, str]] = field(
        default_factory=dict,
        metadata={
            "description": "By table or view (`schema.name` outside public): columns and their types. A type with a "
            "comma is quoted within `{}`."
        },
    )
    indexes: ByTable = field(
        default_factory=dict, metadata={"description": "A list, or lists by table. Each must be valid, too."}
    )
    constraints: dict[str, Names] = field(default_factory=dict, metadata={"description": "Lists by table."})
    extensions: Names = field(default=(), metadata={"description": "Extensions installed in this database."})
    exact: bool = field(
        default=False,
        metadata={
            "description": "Whether objects of the kinds listed may exist only if listed: tables and views in the "
            "schemas named, columns, indexes and constraints of the tables named. Partitions, what extensions brought, "
            "indexes of constraints and NOT NULL constraints are never unexpected; a migration tool's own table is."
        },
    )

    def __post_init__(self) -> None:
        if not list(parts_of(self)):
            raise ValueError("a schema check lists at least one object")


def parts_of(parameters: Parameters) -> Iterator[Part]:
    """The kinds of object the page lists, in the order they are reported."""
    indexes = tuple(of_tables(parameters.indexes))
    every = (
        Part("schemas", "schema", tuple(of_none(parameters.schemas))),
        Part("tables", "table", tuple(of_schemas(parameters.tables))),
        Part("views", "view", tuple(of_schemas(parameters.views))),
        Part("columns", "column", tuple(of_tables(parameters.columns)), by_parent=True),
        Part("indexes", "index", indexes, by_parent="" not in parameters.indexes),
        Part("constraints", "constraint", tuple(of_tables(parameters.constraints)), by_parent=True),
        Part("extensions", "extension", tuple(of_none(parameters.extensions))),
    )
    return (replace(part, exact=parameters.exact) for part in every if part.wanted)


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """One round for everything listed; a second one, for what a missing table may be called, only when one is."""
    engine = circumstances.engine
    sql = statements("schema" if engine == POSTGRESQL else "schema_sqlite")
    parts = list(parts_of(parameters))
    answers = yield [Query(part.query(sql[part.statement])) for part in parts]
    found = {part.noun: _found(part, answer, engine) for part, answer in zip(parts, answers, strict=True)}
    parts = list(_told_once(parts, found))
    missing = {part.noun: part.missing(found[part.noun]) for part in parts}
    others: dict[Item, str] = {}
    if missing.get("table") or missing.get("view"):
        tables, views = yield [Query(sql["tables"]), Query(sql["views"])]
        others = dict.fromkeys(ANY.found(tables), "table") | dict.fromkeys(ANY.found(views), "view")
    findings = [absent(part, missing[part.noun], others) for part in parts if missing[part.noun]]
    findings += of_other_types(_types_of(parameters), found.get("column", {}), engine)
    findings += invalid(of_tables(parameters.indexes), found.get("index", {}))
    findings += unexpected({part.noun: part.unexpected(found[part.noun]) for part in parts})
    return findings or [complete(parts)]


def _told_once(parts: Iterable[Part], found: Mapping[str, Found]) -> Iterator[Part]:
    """The parts without what belongs to a schema, table or view that is told to be missing itself: one cause."""
    gone: set[Item] = set()
    for part in parts:
        kept = replace(part, wanted=tuple(item for item in part.wanted if gone.isdisjoint(item.owners())))
        gone.update(kept.missing(found[part.noun]))
        yield kept


def _found(part: Part, answer: Answer, engine: Engine) -> Found:
    found = part.found(answer)
    if engine != SQLITE or part.noun != "constraint":
        return found
    # SQLite lists no constraints; those with a name have it in the text of their table.
    return {
        Item(schema, table, next(filter(None, names))): {}
        for schema, table, text, _ in answer.rows
        for names in _NAMED_CONSTRAINT.findall(text)
    }


def _types_of(parameters: Parameters) -> dict[Item, str]:
    types = [type_name for columns in parameters.columns.values() for type_name in columns.values()]
    return dict(zip(of_tables(parameters.columns), types, strict=True))


_APPLY = "Apply the migrations that are missing (`migrations` says which), or correct the name in the page."

CODES: Mapping[str, Code] = {
    "schema.complete": Code("Everything the page lists is there, and with `exact: true` nothing beside it."),
    "schema.schema_missing": Code(
        "A schema the page lists does not exist.",
        "Everything that should be in it is missing, too, and is not reported again.",
        _APPLY,
    ),
    "schema.table_missing": Code(
        "A table the page lists does not exist, or not in that schema.",
        "The application's first query to it fails with `relation does not exist`. Its columns, indexes and "
        "constraints are not reported again.",
        _APPLY
        + " Where the finding says `there is …`, the table was created in another schema: look at `search_path`.",
    ),
    "schema.view_missing": Code(
        "A view the page lists does not exist, or not in that schema.",
        "Reports and endpoints that read it fail. Dropping a table with CASCADE takes its views along silently.",
        _APPLY,
    ),
    "schema.column_missing": Code(
        "A column the page lists does not exist.",
        "A release was deployed before its migration, or a migration was taken back.",
        _APPLY,
    ),
    "schema.column_type": Code(
        "A column has another type than the page lists.",
        "Values are cut, rounded or refused; an `integer` key runs out at 2,147,483,647.",
        "Write the migration that changes the type (`ALTER TABLE … ALTER COLUMN … TYPE …` rewrites most tables under a "
        "strong lock), or correct the page.",
    ),
    "schema.index_missing": Code(
        "An index the page lists does not exist, or not on that table.",
        "Queries that need it read whole tables, and each becomes slower with every row.",
        "`CREATE INDEX CONCURRENTLY …` builds it without stopping writes; put it in a migration, too.",
    ),
    "schema.index_invalid": Code(
        "An index exists, but a failed `CREATE INDEX CONCURRENTLY` or `REINDEX` left it invalid.",
        "No query uses it, every write pays for it, and a unique one guarantees nothing.",
        "`REINDEX INDEX CONCURRENTLY …`, or drop it and create it again. If it is unique, look for duplicates first.",
    ),
    "schema.constraint_missing": Code(
        "A constraint the page lists does not exist on that table.",
        "Data that breaks the rule is accepted from now on, and found much later.",
        "Correct the rows that break it, then `ALTER TABLE … ADD CONSTRAINT … NOT VALID` and `VALIDATE CONSTRAINT`.",
    ),
    "schema.extension_missing": Code(
        "An extension the page lists is not installed in this database.",
        "Its functions and types are missing. Extensions belong to one database, not to the server.",
        "`CREATE EXTENSION …` as a role that may; if the server does not have it, install its package or enable it at "
        "the provider.",
    ),
    "schema.unexpected": Code(
        "With `exact: true`, there is an object the page does not list.",
        "It is the remains of work by hand, of a migration that was half taken back, or of another application.",
        "If it is wanted, list it and create it in a migration; if not, drop it, after a look at who uses it.",
    ),
}

CHECK = Check(
    kind="schema",
    claim="The objects the page lists are there, of the types it says.",
    manual="https://www.postgresql.org/docs/current/catalogs-overview.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None: every role may read pg_catalog.",
    engines=frozenset({POSTGRESQL, SQLITE}),
)
