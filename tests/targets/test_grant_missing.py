"""A refused query is told the one GRANT that lets it through, on every major."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from checks.check import Query
from checks.errors import QueryFailed
from checks.targets.embedded import EmbeddedTarget
from checks.targets.grant_missing import grant_missing
from tests.catalog.tools import Elsewhere, run_sql

ROLE = "Nobody's own"
MADE = """
    CREATE SCHEMA auth;
    CREATE TABLE auth.users (id int PRIMARY KEY, "E-mail" text);
    CREATE TABLE "Odd one" (id int);
    CREATE VIEW auth.seen AS SELECT id FROM auth.users;
    CREATE VIEW auth.asked WITH (security_invoker) AS SELECT id FROM auth.users;
    CREATE MATERIALIZED VIEW auth.counted AS SELECT count(*) FROM auth.users;
    CREATE SEQUENCE auth.numbers;
    CREATE FUNCTION auth.answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
    REVOKE EXECUTE ON FUNCTION auth.answer() FROM PUBLIC;
"""


@pytest.fixture
def refused(target_of_every_major: EmbeddedTarget) -> Iterator[tuple[EmbeddedTarget, Elsewhere]]:
    """A database, and the same as a role without any privilege sees it."""
    target = target_of_every_major
    run_sql(target, f"""CREATE ROLE "{ROLE}" LOGIN PASSWORD 'only for this test'; {MADE}""")
    yield target, Elsewhere(replace(target.endpoint, user=ROLE, password="only for this test"))
    run_sql(target, f'DROP OWNED BY "{ROLE}"; DROP ROLE "{ROLE}"')


def refusal_of(target: Elsewhere, sql: str) -> QueryFailed | None:
    with closing(target.open()) as session:
        [answer] = session.ask([Query(sql)], patience=20)
    return answer.error


IN_AUTH = "USAGE ON SCHEMA auth"
CASES = {
    "SELECT id FROM auth.users": "SELECT ON auth.users",
    'TABLE "Odd one"': 'SELECT ON "Odd one"',
    "SELECT id FROM auth.seen": "SELECT ON auth.seen",
    "SELECT * FROM Auth.Counted": "SELECT ON auth.counted",
    "SELECT last_value FROM auth.numbers": "SELECT ON SEQUENCE auth.numbers",
    "SELECT auth.answer()": "EXECUTE ON FUNCTION auth.answer",
    "SELECT current_setting('data_directory')": "pg_read_all_settings",
    "SELECT count(*) FROM pg_ls_waldir()": "EXECUTE ON FUNCTION pg_ls_waldir",
    "SELECT rolpassword FROM pg_authid": "SELECT ON pg_authid",
}


def test_each_refusal_names_the_grant_that_ends_it(refused: tuple[EmbeddedTarget, Elsewhere]) -> None:
    """Run the statement of the hint, and the query is answered; a schema comes before what is in it."""
    owner, target = refused
    wanted = [("SELECT id FROM auth.users", IN_AUTH), *CASES.items()]
    for sql, right in wanted:
        error = refusal_of(target, sql)
        assert error is not None, sql
        assert error.code == "run.not_permitted", sql
        statement = error.hint.partition(";")[0]
        assert statement == f'GRANT {right} TO "{ROLE}"', sql
        run_sql(owner, statement)
    assert {sql for sql in CASES if refusal_of(target, sql) is not None} == set()


def test_the_schema_is_the_querys_own() -> None:
    """However it is written; and where two schemas have such a table, there is no guess."""
    quoted = grant_missing("permission denied for table users", "", 'SELECT 1 FROM "My own" . "users" AS u', "me")
    assert quoted == 'GRANT SELECT ON "My own".users TO me;'
    two = grant_missing("permission denied for table users", "", "SELECT 1 FROM a.users, b.users", "me")
    assert two == "GRANT SELECT ON users TO me;"


def test_a_table_inside_a_view_is_named_without_a_schema_the_query_does_not_say(
    refused: tuple[EmbeddedTarget, Elsewhere],
) -> None:
    """A view with its reader's rights refuses for a table the query never names: the statement does not guess."""
    owner, target = refused
    run_sql(owner, f'GRANT USAGE ON SCHEMA auth TO "{ROLE}"; GRANT SELECT ON auth.asked TO "{ROLE}"')
    error = refusal_of(target, "SELECT id FROM auth.asked")
    assert error is not None
    assert error.hint.startswith(f'GRANT SELECT ON users TO "{ROLE}";')


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("Keine Berechtigung für Tabelle users", ""),
        ("must be owner of table users", ""),
        ('new row violates row-level security policy for table "users"', ""),
    ],
)
def test_where_the_server_does_not_say_there_is_no_statement(message: str, detail: str) -> None:
    """Another language, or a refusal that no grant ends, gets no made-up statement."""
    assert grant_missing(message, detail, "SELECT 1", "me") == ""
