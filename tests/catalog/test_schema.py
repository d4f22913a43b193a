"""Schema: what the page lists is there, and with `exact: true` nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import check_fails, check_holds, findings_of, params_of, run_sql, sqlite_file

GAME = """
    CREATE SCHEMA auth;
    CREATE SCHEMA game;
    CREATE TYPE game.role AS ENUM ('player', 'keeper');
    CREATE TABLE auth.users (
        user_id uuid CONSTRAINT users_pkey PRIMARY KEY,
        email varchar(320) NOT NULL,
        created_at timestamptz,
        CONSTRAINT users_email_key UNIQUE (email));
    CREATE TABLE game.campaigns (
        campaign_id integer CONSTRAINT campaigns_pkey PRIMARY KEY,
        owner_id uuid CONSTRAINT campaigns_owner_fkey REFERENCES auth.users,
        share numeric(12, 2) CONSTRAINT share_is_positive CHECK (share > 0),
        seats smallint[],
        role game.role);
    CREATE INDEX campaigns_owner_idx ON game.campaigns (owner_id);
    CREATE VIEW game.open_campaigns AS SELECT campaign_id FROM game.campaigns;
    CREATE MATERIALIZED VIEW game.totals AS SELECT count(*) AS campaigns FROM game.campaigns;
"""

WHOLE_PAGE = """
    schemas: [auth, game]
    tables: {auth: [users], game: [campaigns]}
    views: {game: [open_campaigns, totals]}
    columns:
      auth.users: {user_id: uuid, email: varchar(320), created_at: timestamptz}
      game.campaigns: {campaign_id: int, owner_id: UUID, share: "decimal(12,2)", seats: "int2[]", role: role}
    indexes: {game.campaigns: [campaigns_owner_idx]}
    constraints:
      auth.users: [users_pkey, users_email_key]
      game.campaigns: [campaigns_pkey, campaigns_owner_fkey, share_is_positive]
    exact: true
"""


@pytest.fixture
def game(target: EmbeddedTarget) -> EmbeddedTarget:
    """A database with two schemas, as WHOLE_PAGE lists it."""
    run_sql(target, GAME)
    return target


def test_what_is_listed_is_there(game: EmbeddedTarget) -> None:
    """A page that lists everything holds, exactly, and says what it counted."""
    [finding] = check_holds("schema", WHOLE_PAGE, game)
    assert finding.code == "schema.complete"
    assert finding.sentence.startswith("2 schemas, 2 tables, 2 views, 8 columns, 1 index and 5 constraints are there")


def test_exactness_holds_on_every_major(target_of_every_major: EmbeddedTarget) -> None:
    """What a major adds to its catalogs, such as named NOT NULL constraints in 18, is not unexpected."""
    run_sql(target_of_every_major, GAME)
    check_holds("schema", WHOLE_PAGE, target_of_every_major)


@pytest.mark.parametrize(
    ("sabotage", "code", "named"),
    [
        ("DROP MATERIALIZED VIEW game.totals", "schema.view_missing", "game.totals"),
        ("ALTER TABLE auth.users DROP created_at", "schema.column_missing", "auth.users.created_at"),
        ("ALTER TABLE auth.users ALTER email TYPE text", "schema.column_type", "is text, not varchar(320)"),
        ("ALTER TABLE game.campaigns ALTER share TYPE numeric(12,3)", "schema.column_type", "numeric(12,3)"),
        ("DROP INDEX game.campaigns_owner_idx", "schema.index_missing", "game.campaigns.campaigns_owner_idx"),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'game.campaigns_owner_idx'::regclass",
            "schema.index_invalid",
            "game.campaigns.campaigns_owner_idx",
        ),
        (
            "ALTER TABLE game.campaigns DROP CONSTRAINT share_is_positive",
            "schema.constraint_missing",
            "game.campaigns.share_is_positive",
        ),
        ("CREATE SCHEMA by_hand", "schema.unexpected", "schema by_hand"),
        ("CREATE TABLE auth.users_backup (n integer)", "schema.unexpected", "table auth.users_backup"),
        ("CREATE VIEW game.mine AS SELECT 1 AS n", "schema.unexpected", "view game.mine"),
        ("ALTER TABLE auth.users ADD note text", "schema.unexpected", "column auth.users.note"),
        ("CREATE INDEX by_hand ON game.campaigns (share)", "schema.unexpected", "index game.campaigns.by_hand"),
        ("ALTER TABLE auth.users ADD CONSTRAINT c CHECK (true)", "schema.unexpected", "constraint auth.users.c"),
    ],
)
def test_each_difference_is_named(game: EmbeddedTarget, sabotage: str, code: str, named: str) -> None:
    """One thing missing, other than listed or beside what is listed does not hold, with its own code."""
    run_sql(game, sabotage)
    finding = check_fails("schema", WHOLE_PAGE, game, code=code)
    assert named in finding.sentence


def test_a_missing_table_is_named_with_where_it_is(game: EmbeddedTarget) -> None:
    """A table that was created in another schema, or is a view, is told from one that is nowhere."""
    finding = check_fails(
        "schema", "{tables: [users, user, open_campaigns, campaign]}", game, code="schema.table_missing"
    )
    assert finding.sentence == (
        "4 tables are missing: users (there is table auth.users), user, open_campaigns (there is view "
        "game.open_campaigns), campaign (did you mean `game.campaigns`?)."
    )
    assert (finding.expected, finding.observed) == ("4 tables", "0 of them")


def test_a_missing_schema_is_named(game: EmbeddedTarget) -> None:
    """A schema that does not exist has a code of its own."""
    check_fails("schema", "{schemas: [auth, audit]}", game, code="schema.schema_missing")


def test_an_extension_is_looked_for_in_this_database(game: EmbeddedTarget) -> None:
    """An extension that is not installed here does not hold; `plpgsql` is in every database, and never unexpected."""
    check_holds("schema", "{extensions: [plpgsql], exact: true}", game)
    check_fails("schema", "{extensions: [pgcrypto]}", game, code="schema.extension_missing")


def test_partitions_are_not_unexpected(game: EmbeddedTarget) -> None:
    """Partitions and their indexes come with their table, and are not listed on a page."""
    run_sql(
        game,
        """
        CREATE SCHEMA audit;
        CREATE TABLE audit.events (n integer) PARTITION BY RANGE (n);
        CREATE INDEX events_n ON audit.events (n);
        CREATE TABLE audit.events_1 PARTITION OF audit.events FOR VALUES FROM (0) TO (10);
        """,
    )
    check_holds("schema", "{tables: {audit: [events]}, indexes: {audit.events: [events_n]}, exact: true}", game)


def test_without_exact_other_objects_are_nobodys_business(game: EmbeddedTarget) -> None:
    """A page that lists one table of many holds; a bare list is about public, with dots about other schemas."""
    check_holds("schema", "{tables: [auth.users], indexes: [game.campaigns_owner_idx]}", game)


def test_an_index_on_another_table_is_missing(game: EmbeddedTarget) -> None:
    """An index counts only on the table the page says it is on."""
    check_fails("schema", "{indexes: {auth.users: [campaigns_owner_idx]}}", game, code="schema.index_missing")


def test_names_that_need_quoting_are_found(target: EmbeddedTarget) -> None:
    """Names are compared as the catalog spells them, quotes and backslashes included."""
    run_sql(target, """CREATE TABLE "Odd'\\\\Name" (n integer)""")
    check_holds("schema", {"tables": ["Odd'\\\\Name"]}, target)


def test_several_differences_are_several_findings(game: EmbeddedTarget) -> None:
    """Everything that differs is told in one go."""
    findings = findings_of("schema", "{schemas: [audit], tables: {auth: [events]}, views: [nowhere]}", game)
    codes = ["schema.schema_missing", "schema.table_missing", "schema.view_missing"]
    assert [finding.code for finding in findings] == codes


WITHOUT_CAMPAIGNS = "DROP TABLE game.campaigns CASCADE"
WITHOUT_GAME = "DROP SCHEMA game CASCADE"


@pytest.mark.parametrize(
    ("sabotage", "codes"),
    [
        ("DROP TABLE auth.users CASCADE", ["schema.table_missing", "schema.constraint_missing"]),
        (WITHOUT_CAMPAIGNS, ["schema.table_missing", "schema.view_missing"]),
        (WITHOUT_GAME, ["schema.schema_missing"]),
    ],
)
def test_what_goes_with_a_missing_table_or_schema_is_told_once(
    game: EmbeddedTarget, sabotage: str, codes: list[str]
) -> None:
    """A missing table is one finding, not four; what its loss takes from another table is that table's own."""
    run_sql(game, sabotage)
    assert [finding.code for finding in findings_of("schema", WHOLE_PAGE, game)] == codes


def test_what_is_missing_elsewhere_is_still_told(game: EmbeddedTarget) -> None:
    """Beside a missing table, another table's column is named, and counted among those that could be there."""
    run_sql(game, f"{WITHOUT_CAMPAIGNS}; ALTER TABLE auth.users DROP created_at")
    column = next(one for one in findings_of("schema", WHOLE_PAGE, game) if one.code == "schema.column_missing")
    assert column.sentence == "1 column is missing: auth.users.created_at."
    assert (column.expected, column.observed) == ("3 columns", "2 of them")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("{columns: {game.campaigns: {share: numeric}}}", "schema.column_missing"),
        ("{indexes: {game.campaigns: [campaigns_owner_idx]}}", "schema.index_missing"),
        ("{constraints: {game.campaigns: [campaigns_pkey]}}", "schema.constraint_missing"),
        ("{tables: {game: [campaigns]}}", "schema.table_missing"),
    ],
)
def test_what_only_a_part_is_listed_of_is_told_by_that_part(game: EmbeddedTarget, written: str, code: str) -> None:
    """Where the page does not list the table or schema itself, nothing else says that it is gone."""
    run_sql(game, WITHOUT_GAME)
    check_fails("schema", written, game, code=code)


@pytest.mark.parametrize("written", ["{}", "{exact: true}", "{tables: []}", "{tables: 5}", "{columns: {users: [id]}}"])
def test_a_page_that_lists_nothing_is_a_mistake(written: str) -> None:
    """A schema check without an object would hold of every database."""
    with pytest.raises(ValidationError):
        params_of("schema", written)


SQLITE_TABLES = """
    CREATE TABLE accounts (id VARCHAR(64) NOT NULL, type VARCHAR(32), CONSTRAINT accounts_pkey PRIMARY KEY (id));
    CREATE TABLE balances (
        id INTEGER PRIMARY KEY,
        account_id VARCHAR(64),
        ledger NUMERIC(12, 2),
        as_of DATETIME,
        CONSTRAINT "balances_account_fkey" FOREIGN KEY (account_id) REFERENCES accounts (id));
    CREATE INDEX ix_balances_account ON balances (account_id);
    CREATE VIEW latest AS SELECT max(as_of) AS as_of FROM balances;
"""


def test_a_sqlite_file_holds_the_same_page(tmp_path: Path) -> None:
    """The page of a service that runs on both engines is asked of a SQLite file as it stands."""
    written = """
        tables: [accounts, balances]
        views: [latest]
        columns: {balances: {id: int, account_id: varchar(64), ledger: "numeric(12,2)", as_of: timestamptz}}
        indexes: {balances: [ix_balances_account]}
        constraints: {accounts: [accounts_pkey], balances: [balances_account_fkey]}
        exact: false
    """
    target = sqlite_file(tmp_path / "teller.db", SQLITE_TABLES)
    check_holds("schema", written, target)
    check_holds("schema", "{tables: [accounts, balances], exact: true}", target)


def test_a_sqlite_file_without_its_table_does_not_hold(tmp_path: Path) -> None:
    """What is missing from a SQLite file is named by the same codes."""
    target = sqlite_file(tmp_path / "teller.db", SQLITE_TABLES)
    check_fails("schema", "{tables: [account]}", target, code="schema.table_missing")
    both = "{tables: [account], columns: {account: {id: int}}, indexes: {account: [account_idx]}}"
    check_fails("schema", both, target, code="schema.table_missing")
    check_fails("schema", "{columns: {accounts: {type: text}}}", target, code="schema.column_type")
    check_fails("schema", "{constraints: {accounts: [accounts_type_check]}}", target, code="schema.constraint_missing")
    check_fails("schema", "{tables: [accounts], exact: true}", target, code="schema.unexpected")
