"""Claims about privileges: read as GRANT writes them, and refused where GRANT would refuse them."""

from __future__ import annotations

import pickle

import pytest

from checks.catalog.claims import NOUNS, SINCE, Claim


@pytest.mark.parametrize(
    ("text", "kind", "privileges", "schema", "name"),
    [
        ("SELECT on users", "table", ("SELECT",), "public", "users"),
        ("select , insert ON auth.users", "table", ("SELECT", "INSERT"), "auth", "users"),
        ("TRUNCATE on table audit.security_events", "table", ("TRUNCATE",), "audit", "security_events"),
        ("SELECT on materialized  view game.totals", "table", ("SELECT",), "game", "totals"),
        ("CREATE on schema public", "schema", ("CREATE",), "", "public"),
        ("CONNECT, TEMP on database gaia", "database", ("CONNECT", "TEMPORARY"), "", "gaia"),
        ("CONNECT on database", "database", ("CONNECT",), "", ""),
        ("USAGE on sequence game.turn_seq", "sequence", ("USAGE",), "game", "turn_seq"),
        ("SELECT on all tables in schema auth", "table", ("SELECT",), "auth", None),
        ("USAGE on foreign data wrapper files", "foreign_data_wrapper", ("USAGE",), "", "files"),
        ("SET, ALTER SYSTEM on parameter Log_Statement", "parameter", ("SET", "ALTER SYSTEM"), "", "log_statement"),
        ("all privileges on sequence s", "sequence", ("USAGE", "SELECT", "UPDATE"), "public", "s"),
    ],
)
def test_a_claim_is_read_as_grant_writes_it(
    text: str, kind: str, privileges: tuple[str, ...], schema: str, name: str | None
) -> None:
    """Case and spaces do not matter, what stands without a noun is a table, and no schema means public."""
    claim = Claim.parse(text)
    assert (claim.kind.name, claim.privileges, claim.schema, claim.name) == (kind, privileges, schema, name)


def test_columns_make_a_claim_about_them() -> None:
    """A list in brackets names columns of the table."""
    claim = Claim.parse("SELECT (email, name), UPDATE (email, name) on auth.users")
    assert (claim.kind.name, claim.privileges, claim.columns) == ("column", ("SELECT", "UPDATE"), ("email", "name"))


@pytest.mark.parametrize("text", ["SELECT (email) on auth.users", "SELECT on users", "EXECUTE on function f(int)"])
def test_a_claim_from_the_cache_asks_the_same(text: str) -> None:
    """Pages that were read before come pickled, and mean what they meant."""
    claim = Claim.parse(text)
    kept = pickle.loads(pickle.dumps(claim))
    for can in (True, False):
        assert kept.query(["somebody"], 17, can=can) == claim.query(["somebody"], 17, can=can)


def test_a_functions_arguments_are_spelt_as_the_server_does() -> None:
    """Types go by any of their names, and no list of types means a function of any."""
    claim = Claim.parse("EXECUTE on function game.roll(int, varchar(20), timestamptz[])")
    assert claim.arguments == "integer, character varying, timestamp with time zone[]"
    assert Claim.parse("EXECUTE on function game.roll").arguments is None
    assert Claim.parse("EXECUTE on procedure game.roll()").arguments == ""


def test_the_right_to_pass_it_on_is_a_claim_too() -> None:
    """`with grant option` is kept, and asked for."""
    claim = Claim.parse("SELECT on users with grant option")
    assert claim.grantable
    assert "'SELECT WITH GRANT OPTION'" in claim.query(["somebody"], 17, can=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT", "is no claim about a privilege"),
        ("SELCT on users", "a table has no privilege SELCT, only SELECT, INSERT"),
        ("TRUNCATE on schema public", "only CREATE, USAGE"),
        ("DELETE (email) on users", "only SELECT, INSERT, UPDATE, REFERENCES"),
        ("USAGE (email) on schema public", "has no privilege USAGE"),
        ("SELECT (a), UPDATE (b) on users", "one claim for each list"),
        ("SELECT (email), INSERT on users", "one claim for each list"),
        ("CREATE on schema", "names no schema"),
        (12, "is no claim about a privilege"),
    ],
)
def test_what_grant_would_refuse_is_a_mistake(text: object, said: str) -> None:
    """A claim that can never be true, or cannot be understood, is told when the page is read."""
    with pytest.raises(ValueError, match=said):
        Claim.parse(text)


def test_what_newer_majors_brought_is_known() -> None:
    """MAINTAIN is a privilege since 17."""
    assert Claim.parse("MAINTAIN on users").unknown(16) == ["MAINTAIN"]
    assert Claim.parse("MAINTAIN on users").unknown(17) == []
    assert set(SINCE) <= {privilege for kind in NOUNS.values() for privilege in kind.privileges}
