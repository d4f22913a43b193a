"""Roles: what they are, what they may do and may not, and whom the URL logs in as."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from pydantic import ValidationError

from checks.errors import NotApplicable, QueryFailed
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of, params_of, run_sql

ROLES = ("gaia_app", "gaia_readers", "gaia_owner", "gaia_job")
MADE = """
    CREATE ROLE gaia_readers NOLOGIN;
    CREATE ROLE gaia_owner NOLOGIN;
    CREATE ROLE gaia_job NOLOGIN NOINHERIT;
    CREATE ROLE gaia_app LOGIN PASSWORD 'a password of this test alone';
    GRANT gaia_readers TO gaia_app;
"""
TABLES = """
    CREATE SCHEMA auth;
    CREATE SCHEMA game;
    CREATE SCHEMA audit;
    CREATE TABLE auth.users (email text, name text);
    CREATE TABLE game.campaigns (id serial, title text);
    CREATE TABLE audit.security_events (event text);
    CREATE FUNCTION game.roll(sides integer) RETURNS integer LANGUAGE sql AS 'SELECT 4';
    CREATE DOMAIN game.score AS integer;
    GRANT USAGE ON SCHEMA auth, game TO gaia_app;
    GRANT SELECT (email) ON auth.users TO gaia_app;
    GRANT SELECT ON game.campaigns TO gaia_readers;
    GRANT INSERT, UPDATE ON game.campaigns TO gaia_app;
    GRANT USAGE ON SEQUENCE game.campaigns_id_seq TO gaia_app;
    REVOKE EXECUTE ON FUNCTION game.roll FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION game.roll TO gaia_app WITH GRANT OPTION;
    GRANT SET ON PARAMETER log_statement TO gaia_app;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
"""
PASSWORD = "a password of this test alone"


@contextmanager
def peopled(target: EmbeddedTarget) -> Iterator[EmbeddedTarget]:
    """The database with the roles and privileges of a small application, which are gone afterwards."""
    run_sql(target, MADE + TABLES)
    yield target
    for role in ROLES:
        target.server.execute(f"DROP OWNED BY {role} CASCADE", database=target.database)
        target.server.execute(f"DROP ROLE {role}")


@pytest.fixture
def gaia(target: EmbeddedTarget) -> Iterator[EmbeddedTarget]:
    """Such a database on the worker's server."""
    with peopled(target) as there:
        yield there


@pytest.fixture
def gaia_of_every_major(target_of_every_major: EmbeddedTarget) -> Iterator[EmbeddedTarget]:
    """Such a database on a server of each major in turn."""
    with peopled(target_of_every_major) as there:
        yield there


def by_app(target: EmbeddedTarget) -> Elsewhere:
    """The database as the application's role sees it."""
    return Elsewhere(replace(target.endpoint, user="gaia_app", password=PASSWORD))


def declared(of: str, role: str = "gaia_app") -> str:
    """Parameters that declare one role."""
    return f"{{declared: {{{role}: {{{of}}}}}}}"


def test_roles_as_declared_hold(gaia_of_every_major: EmbeddedTarget) -> None:
    """What is granted is told, directly, through a role, by column, as part of a schema, and what is not, is not."""
    written = """
        can: [SELECT on game.campaigns, "SELECT (email) on auth.users", USAGE on schema game, CONNECT on database]
        cannot: [CREATE on schema public, TRUNCATE on audit.security_events, "SELECT (name) on auth.users"]
        declared:
          gaia_app:
            attributes: [LOGIN, NOSUPERUSER, NOCREATEDB, NOCREATEROLE, NOBYPASSRLS, NOREPLICATION, INHERIT]
            member_of: [gaia_readers]
            not_member_of: [gaia_owner, pg_monitor]
            can:
              - SELECT, INSERT, UPDATE on all tables in schema game
              - USAGE on sequence game.campaigns_id_seq
              - EXECUTE on function game.roll(int)
              - EXECUTE on function game.roll with grant option
              - USAGE on domain game.score
              - USAGE on language sql
              - SET on parameter log_statement
            cannot:
              - ALL on all tables in schema audit
              - ALL on tablespace pg_default
              - USAGE on schema game with grant option
              - ALTER SYSTEM on parameter log_statement
              - CREATE on database
          public:
            cannot: [CREATE on schema public, EXECUTE on function game.roll]
          gaia_readers: {attributes: [NOLOGIN]}
    """
    [finding] = check_holds("roles", written, by_app(gaia_of_every_major), disposable=False)
    assert finding.code == "roles.as_declared"
    assert finding.sentence == (
        "3 roles as declared and 21 claims held; gaia_app asks; it is no superuser, "
        "and the URL's password is long enough and no known default."
    )


def test_a_role_that_is_missing_does_not_hold(gaia: EmbeddedTarget) -> None:
    """A declared role that does not exist is named, with the one that was meant; its claims are not told besides."""
    written = "{declared: {gaia_ap: {can: [SELECT on nowhere]}, gaia_readers: {}}}"
    finding = check_fails("roles", written, gaia, code="roles.role_missing")
    assert finding.sentence == "There is no role gaia_ap; did you mean `gaia_app`?"


@pytest.mark.parametrize(
    ("sabotage", "attribute"),
    [("SUPERUSER", "NOSUPERUSER"), ("CREATEDB", "NOCREATEDB"), ("BYPASSRLS", "NOBYPASSRLS"), ("NOLOGIN", "LOGIN")],
)
def test_an_attribute_that_differs_does_not_hold(gaia: EmbeddedTarget, sabotage: str, attribute: str) -> None:
    """A role with more, or less, than its attributes is told with what it is."""
    check_holds("roles", declared(f"attributes: [{attribute}]"), gaia)
    run_sql(gaia, f"ALTER ROLE gaia_app {sabotage}")
    finding = check_fails("roles", declared(f"attributes: [{attribute}]"), gaia, code="roles.attribute")
    assert finding.sentence == f"Role gaia_app is {sabotage}."


def test_memberships_are_followed_through_others(gaia_of_every_major: EmbeddedTarget) -> None:
    """A role is a member of what its groups are members of, wanted or not."""
    check_fails("roles", declared("member_of: [gaia_owner]"), gaia_of_every_major, code="roles.not_a_member")
    run_sql(gaia_of_every_major, "GRANT gaia_owner TO gaia_readers")
    check_holds("roles", declared("member_of: [gaia_owner]"), gaia_of_every_major)
    finding = check_fails("roles", declared("not_member_of: [gaia_owner]"), gaia_of_every_major, code="roles.member")
    assert finding.sentence == "Role gaia_app is a member of gaia_owner."
    finding = check_fails("roles", declared("member_of: [nobodies]"), gaia_of_every_major, code="roles.not_a_member")
    assert finding.sentence.endswith("nobodies, which does not exist.")


@pytest.mark.parametrize(
    ("claim", "lacks"),
    [
        ("DELETE on game.campaigns", "DELETE on game.campaigns"),
        ("SELECT on auth.users", "SELECT on auth.users"),
        ("SELECT (name) on auth.users", "SELECT on auth.users.name"),
        ("INSERT, DELETE on all tables in schema game", "DELETE on game.campaigns"),
        ("UPDATE on sequence game.campaigns_id_seq", "UPDATE on sequence game.campaigns_id_seq"),
        ("CREATE on schema game", "CREATE on schema game"),
        ("CREATE on database", "CREATE on database"),
        ("SELECT on game.campaigns with grant option", "SELECT WITH GRANT OPTION on game.campaigns"),
    ],
)
def test_a_privilege_that_is_missing_does_not_hold(gaia: EmbeddedTarget, claim: str, lacks: str) -> None:
    """What the role cannot do although the page says so is named, object by object."""
    finding = check_fails("roles", declared(f"can: ['{claim}']"), gaia, code="roles.privilege_missing")
    assert finding.sentence.replace("sequence ", "").replace("schema ", "") == (
        f"Role gaia_app cannot {lacks}.".replace("sequence ", "").replace("schema ", "")
    )


def test_what_is_in_a_closed_schema_cannot_be_used(gaia: EmbeddedTarget) -> None:
    """SELECT on a table is of no use without USAGE of its schema, and that is said."""
    run_sql(gaia, "GRANT SELECT ON audit.security_events TO gaia_app")
    written = declared("can: [SELECT on audit.security_events]")
    finding = check_fails("roles", written, gaia, code="roles.privilege_missing")
    assert finding.sentence.endswith("SELECT on audit.security_events, for want of USAGE on the schema.")


@pytest.mark.parametrize(
    ("sabotage", "claim"),
    [
        ("GRANT TRUNCATE ON audit.security_events TO gaia_app", "TRUNCATE on audit.security_events"),
        ("GRANT TRUNCATE ON audit.security_events TO PUBLIC", "ALL on all tables in schema audit"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "CREATE on schema public"),
        ("GRANT UPDATE (event) ON audit.security_events TO gaia_app", "UPDATE on audit.security_events"),
        ("GRANT UPDATE (event) ON audit.security_events TO gaia_app", "UPDATE (event) on audit.security_events"),
        ("ALTER TABLE audit.security_events OWNER TO gaia_app", "DELETE on audit.security_events"),
        ("GRANT pg_read_all_data TO gaia_app", "SELECT on audit.security_events"),
        ("GRANT EXECUTE ON FUNCTION game.roll TO gaia_readers", "EXECUTE on function game.roll(integer)"),
    ],
    ids=["direct", "public", "schema", "column-of-table", "column", "owner", "predefined", "function"],
)
def test_a_privilege_that_is_held_does_not_hold(gaia: EmbeddedTarget, sabotage: str, claim: str) -> None:
    """What the role can do although the page denies it is found, whichever way it came by it."""
    run_sql(gaia, "REVOKE EXECUTE ON FUNCTION game.roll FROM gaia_app")
    check_holds("roles", declared(f"cannot: ['{claim}']"), gaia)
    run_sql(gaia, sabotage)
    finding = check_fails("roles", declared(f"cannot: ['{claim}']"), gaia, code="roles.privilege_held")
    assert finding.evidence[0]["role"] == "gaia_app"


def test_what_a_role_can_become_counts(gaia_of_every_major: EmbeddedTarget) -> None:
    """A role without inheritance has its group's privileges after SET ROLE, and so the page's denial is untrue."""
    claim = "{declared: {gaia_job: {cannot: [SELECT on game.campaigns]}}}"
    check_holds("roles", claim, gaia_of_every_major)
    run_sql(gaia_of_every_major, "GRANT gaia_readers TO gaia_job")
    finding = check_fails("roles", claim, gaia_of_every_major, code="roles.privilege_held")
    assert finding.sentence == "Role gaia_job can SELECT on game.campaigns, as gaia_readers."
    written = "{declared: {gaia_job: {can: [SELECT on game.campaigns]}}}"
    check_fails("roles", written, gaia_of_every_major, code="roles.privilege_missing")


def test_a_membership_without_set_role_does_not_count(
    gaia_of_every_major: EmbeddedTarget, every_major: Binaries
) -> None:
    """Since 16 a membership can be granted without the right to SET ROLE, and then leads to nothing."""
    without_set = "GRANT gaia_readers TO gaia_job WITH SET FALSE, INHERIT FALSE"
    if every_major.major < 16:
        with pytest.raises(QueryFailed, match="syntax error"):
            run_sql(gaia_of_every_major, without_set)
        return
    run_sql(gaia_of_every_major, without_set)
    check_holds("roles", "{declared: {gaia_job: {cannot: [SELECT on game.campaigns]}}}", gaia_of_every_major)


def test_a_superuser_can_do_everything(gaia: EmbeddedTarget) -> None:
    """No denial holds of a superuser, and the finding says why."""
    run_sql(gaia, "ALTER ROLE gaia_app SUPERUSER")
    written = declared("cannot: [TRUNCATE on audit.security_events]")
    finding = check_fails("roles", written, gaia, code="roles.privilege_held")
    assert finding.sentence.endswith("can TRUNCATE on audit.security_events, as the superuser it is.")


@pytest.mark.parametrize(
    "claim",
    [
        "TRUNCATE on audit.events",
        "SELECT (mail) on auth.users",
        "SELECT (email, mail) on auth.users",
        "SELECT on all tables in schema auht",
        "EXECUTE on function game.roll(text)",
        "CONNECT on database nowhere",
    ],
)
def test_a_claim_about_nothing_does_not_hold(gaia: EmbeddedTarget, claim: str) -> None:
    """That nobody may touch what does not exist proves nothing, and neither does the opposite."""
    for way in ("can", "cannot"):
        finding = check_fails("roles", declared(f"{way}: ['{claim}']"), gaia, code="roles.object_missing")
        assert finding.sentence.endswith(f"does not exist: {claim}.")


def test_maintain_is_told_where_it_exists(gaia_of_every_major: EmbeddedTarget, every_major: Binaries) -> None:
    """MAINTAIN came with 17: there it is held or not, before it nothing can be said; ALL is what the server knows."""
    check_holds("roles", declared("cannot: [ALL on audit.security_events]"), gaia_of_every_major)
    if every_major.major < 17:
        for way in ("can", "cannot"):
            written = declared(f"{way}: [MAINTAIN on game.campaigns]")
            check_fails("roles", written, gaia_of_every_major, code="roles.privilege_unknown")
        return
    check_holds("roles", declared("cannot: [MAINTAIN on game.campaigns]"), gaia_of_every_major)
    run_sql(gaia_of_every_major, "GRANT pg_maintain TO gaia_app")
    check_holds("roles", declared("can: [MAINTAIN on game.campaigns]"), gaia_of_every_major)
    check_fails(
        "roles", declared("cannot: [MAINTAIN on game.campaigns]"), gaia_of_every_major, code="roles.privilege_held"
    )


def test_a_superuser_in_the_url_does_not_hold(gaia: EmbeddedTarget) -> None:
    """The role that logs in is no superuser, unless the page says that it may be."""
    there = Elsewhere(gaia.endpoint)
    finding = check_fails("roles", "{}", there, code="roles.superuser", disposable=False)
    assert finding.sentence == "The URL's role, postgres, is a superuser."
    [finding] = check_holds("roles", "{superuser: true}", there, disposable=False)
    assert "it is a superuser" in finding.sentence


def test_md5_passwords_do_not_hold(gaia: EmbeddedTarget) -> None:
    """A server that would keep new passwords as MD5 is told, unless the page allows it."""
    run_sql(gaia, f"ALTER DATABASE {gaia.database} SET password_encryption = 'md5'")
    finding = check_fails("roles", "{}", by_app(gaia), code="roles.password_encryption", disposable=False)
    assert (finding.expected, finding.observed) == ("scram-sha-256", "md5")
    check_holds("roles", "{scram: false}", by_app(gaia), disposable=False)


def set_password(gaia: EmbeddedTarget, password: str) -> Elsewhere:
    """The application's role with another password, in the server and in the URL."""
    run_sql(gaia, f"ALTER ROLE gaia_app PASSWORD '{password}'")
    return Elsewhere(replace(gaia.endpoint, user="gaia_app", password=password))


@pytest.mark.parametrize("password", ["postgres", "gaia_app", "Gaia_Secure_Password"])
def test_a_default_password_does_not_hold(gaia: EmbeddedTarget, password: str) -> None:
    """A password of images and pages, or the user's name, is told for what it is, and no word of it is shown."""
    there = set_password(gaia, password)
    finding = check_fails("roles", "{}", there, code="roles.password_default", disposable=False)
    assert password.lower() not in repr(finding).lower()
    check_holds("roles", "{password: false}", there, disposable=False)


def test_a_short_password_does_not_hold(gaia: EmbeddedTarget) -> None:
    """A password under the page's length is told by the limit alone, never by its own length."""
    there = set_password(gaia, "vX8#kq2LmZ7")
    finding = check_fails("roles", "{}", there, code="roles.password_short", disposable=False)
    assert finding.sentence == "The URL's password has not at least 16 characters."
    assert "11" not in repr(finding)
    assert "vX8" not in repr(finding)
    check_holds("roles", "{password_length: 11}", there, disposable=False)


def test_a_url_without_a_password_has_none_to_judge(gaia: EmbeddedTarget) -> None:
    """Where the password comes from elsewhere, or the kernel vouches, the finding says that the URL had none."""
    without = Elsewhere(replace(gaia.socket_endpoint, password=None))
    [finding] = check_holds("roles", "{superuser: true}", without, disposable=False)
    assert finding.sentence.endswith("and its URL holds no password to judge.")


def test_a_disposable_servers_own_role_is_not_judged(gaia: EmbeddedTarget) -> None:
    """On a server started for the run only declared roles that exist there are judged, else the check is skipped."""
    with pytest.raises(NotApplicable):
        findings_of("roles", "{cannot: [CREATE on schema public], declared: {nobodies: {}}}", gaia)
    written = "{declared: {nobodies: {}, public: {cannot: [CREATE on schema public]}}}"
    [finding] = check_holds("roles", written, gaia)
    assert finding.sentence.endswith("the login role of a disposable server is not judged, and it has no nobodies.")
    [finding] = check_holds("roles", declared("attributes: [LOGIN]"), gaia)
    assert finding.sentence == "1 role as declared; the login role of a disposable server is not judged."


@pytest.mark.parametrize(
    "written",
    [
        "{declared: {a: {attributes: [ROOT]}}}",
        "{declared: {a: {attributes: [LOGIN, NOLOGIN]}}}",
        "{declared: {a: {can: [SELCT on users]}}}",
        "{cannot: [CREATE]}",
        "{password_length: 0}",
    ],
)
def test_what_no_role_can_be_is_a_mistake(written: str) -> None:
    """Unknown attributes and privileges are told when the page is read, not at night."""
    with pytest.raises(ValidationError):
        params_of("roles", written)
