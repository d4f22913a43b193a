"""What a query names is read from the server's own lists, on every major, however the query is written."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from checks.grants.asked import Question
from checks.grants.needs import Needs, needs_of
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import Elsewhere, run_sql
from tests.grants.tools import made_from_the_script, refusal

MADE = """
    CREATE SCHEMA auth;
    CREATE SCHEMA kinds;
    CREATE TYPE kinds.mood AS ENUM ('well', 'ill');
    CREATE TABLE auth.users (hidden text, id int PRIMARY KEY, "E-mail" text, mood kinds.mood, boss int);
    CREATE TABLE public."order" (id int, made date) PARTITION BY RANGE (made);
    CREATE TABLE public.order_2026 PARTITION OF public."order" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE FUNCTION auth.guarded(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
    CREATE FUNCTION auth.open() RETURNS bigint LANGUAGE plpgsql
        AS 'BEGIN RETURN (SELECT count(*) FROM auth.users); END';
    REVOKE EXECUTE ON FUNCTION auth.guarded(int) FROM PUBLIC;
    CREATE VIEW owners AS SELECT id, "E-mail" FROM auth.users WHERE hidden IS NULL;
    CREATE VIEW askers WITH (security_invoker = true) AS SELECT id, auth.guarded(boss) AS boss FROM auth.users;
    CREATE VIEW askers_of_owners WITH (security_invoker) AS SELECT o.id FROM owners AS o JOIN askers AS a USING (id);
    CREATE VIEW owners_of_askers AS SELECT boss FROM askers;
    CREATE TABLE walled (id int);
    ALTER TABLE walled ENABLE ROW LEVEL SECURITY;
    CREATE SEQUENCE numbers;
"""


def needs_for(target: EmbeddedTarget, *queries: str, own: bool = True) -> Needs:
    with target.server.connect(target.database) as connection:
        return needs_of([Question("a check", sql, own) for sql in queries], {}, connection)


@pytest.fixture
def database(target_of_every_major: EmbeddedTarget) -> EmbeddedTarget:
    """A database with one of each thing that privileges differ for."""
    run_sql(target_of_every_major, MADE)
    return target_of_every_major


Wanted = dict[tuple[str, str], Sequence[str]]
USERS = ("auth", "users")
CASES: dict[str, tuple[str, Wanted]] = {
    "columns alone": ('SELECT "E-mail" FROM auth.users WHERE id > 1', {USERS: ["id", "E-mail"]}),
    "two columns of one name": ("SELECT a.id, b.id FROM auth.users a, auth.users b", {USERS: ["id"]}),
    "a count takes the key": ("SELECT count(*) FROM auth.users", {USERS: ["id"]}),
    "a whole row takes all": ("SELECT u FROM auth.users AS u", {USERS: []}),
    "a system column takes all": ("SELECT ctid FROM auth.users", {USERS: []}),
    "what the planner drops": (
        "SELECT a.id FROM auth.users a LEFT JOIN auth.users b ON b.id = a.boss WHERE false", {USERS: ["id", "boss"]}
    ),
    "in a subquery, a CTE and a set": (
        "WITH q AS (SELECT id FROM auth.users) SELECT 1 FROM q WHERE EXISTS (SELECT FROM auth.users WHERE boss = 1) "
        'UNION ALL SELECT id FROM "order" -- the end',
        {USERS: ["id", "boss"], ("public", "order"): ["id"]},
    ),
    "a partitioned table alone": ("TABLE \"order\";", {("public", "order"): ["id", "made"]}),
    "a view, and not what is under it": ("SELECT id FROM owners", {("public", "owners"): ["id"]}),
    "a view with its reader's rights": (
        "SELECT id FROM askers", {("public", "askers"): ["id"], USERS: ["id", "boss"]}
    ),
    "one inside the other": (
        "SELECT id FROM askers_of_owners",
        {
            ("public", "askers_of_owners"): ["id"], ("public", "owners"): ["id"], ("public", "askers"): ["id"],
            USERS: ["id", "boss"],
        },
    ),
    "a reader's view inside an owner's": (
        "SELECT * FROM owners_of_askers", {("public", "owners_of_askers"): ["boss"], USERS: ["id", "boss"]}
    ),
    "a sequence": ("SELECT last_value FROM numbers", {("public", "numbers"): []}),
    "a type's schema": ("SELECT 'ill'::kinds.mood", {}),
    "the passwords": ("SELECT rolpassword FROM pg_authid", {("pg_catalog", "pg_authid"): ["rolpassword"]}),
    "nothing": ("VALUES (1), (2)", {}),
}  # fmt: skip


def test_what_is_named_is_enough_and_no_more(database: EmbeddedTarget) -> None:
    """The lists are as expected, and a role that is given them can run the query."""
    for name, (sql, wanted) in CASES.items():
        needs = needs_for(database, sql)
        found = {key: sorted(one.columns) for key, one in needs.relations.items()}
        assert found == {key: sorted(columns) for key, columns in wanted.items()}, name
        with made_from_the_script(database, needs, "by_the_script") as role:
            assert refusal(role, sql) == "", name


PREDEFINED = {
    "SELECT count(*) FROM pg_stat_activity": "pg_read_all_stats",
    "SELECT count(*) FROM pg_stat_replication": "pg_read_all_stats",
    "SELECT count(*) FROM pg_settings": "pg_read_all_settings",
    "SELECT count(*) FROM pg_shmem_allocations": "pg_read_all_stats",
    "SELECT count(*) FROM pg_ls_waldir()": "pg_monitor",
}


def test_a_predefined_role_is_granted_where_only_it_shows_everything(database: EmbeddedTarget) -> None:
    """The narrowest one that does, whether the server would refuse or only leave something out."""
    for sql, role in PREDEFINED.items():
        needs = needs_for(database, sql)
        assert (set(needs.predefined), needs.relations) == ({role}, {}), sql
        with made_from_the_script(database, needs, "by_the_script") as asking:
            assert refusal(asking, sql) == "", sql


def test_a_catalogs_own_query_says_itself_whether_it_needs_hidden_settings(target: EmbeddedTarget) -> None:
    """A kind that looks up one public setting needs no role that shows them all."""
    assert not needs_for(target, "SELECT 1 FROM pg_settings", own=False).predefined


def test_functions_closed_to_the_public_are_granted_even_inside_views(database: EmbeddedTarget) -> None:
    """A view lends its owner's rights for tables, and not for functions."""
    for sql in ("SELECT auth.guarded(1)", "SELECT * FROM owners_of_askers"):
        needs = needs_for(database, sql)
        assert needs.functions == {"auth.guarded(integer)"}
        assert "auth" in needs.schemas
        with made_from_the_script(database, needs, "by_the_script") as role:
            assert refusal(role, sql) == ""


def test_the_last_values_of_sequences_are_shown_to_who_may_read_each(database: EmbeddedTarget) -> None:
    """`pg_sequences` shows NULL for the others, and refuses nothing."""
    needs = needs_for(database, "SELECT last_value FROM pg_sequences", own=False)
    assert [(one.name, one.sequence) for one in needs.relations.values()] == [("numbers", True)]


@pytest.mark.parametrize(
    ("sql", "note"),
    [
        ("SELECT id FROM walled", "row security is on for public.walled"),
        ("SELECT auth.open()", "auth.open() runs as whoever calls it"),
        ("SELECT count(*) FROM information_schema.tables", "information_schema shows a role only"),
        ("SHOW work_mem", "it is no SELECT"),
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
    ],
)
def test_what_cannot_be_known_is_said(target: EmbeddedTarget, sql: str, note: str) -> None:
    """The script tells its reader what to look at, rather than promise too much."""
    run_sql(target, MADE)
    [said] = needs_for(target, sql).notes
    assert note in said


def test_needs_of_several_checks_add_up(target: EmbeddedTarget) -> None:
    """Columns of two checks are one grant; the whole table swallows its columns; each names who needs it."""
    run_sql(target, MADE)
    both = ["SELECT id FROM auth.users", "SELECT boss FROM auth.users"]
    assert needs_for(target, *both).relations[USERS].columns == ("id", "boss")
    for queries in ([*both, "SELECT u FROM auth.users u"], ["SELECT u FROM auth.users u", *both]):
        assert needs_for(target, *queries).relations[USERS].columns == ()


def test_a_role_of_any_name_reads_odd_names(database: EmbeddedTarget) -> None:
    """Names with capitals, quotes and spaces are quoted, and a comment can hold no SQL."""
    with database.server.connect(database.database) as connection:
        question = Question("a check\nDROP TABLE walled; --", 'SELECT "E-mail" FROM auth.users', own=True)
        needs = needs_of([question], {}, connection)
    with made_from_the_script(database, needs, "Bobby'; \"Tables") as role:
        assert isinstance(role, Elsewhere)
        assert refusal(role, question.sql) == ""
        assert refusal(role, "SELECT hidden FROM auth.users") == "42501"
    assert needs_for(database, "SELECT id FROM walled").relations
