"""What a dump's SQL mentions that must be there before it."""

from __future__ import annotations

from checks.backup.mentions import Mentions, mentions


def test_roles_are_found_wherever_a_dump_names_them() -> None:
    """Owners, grantees, policies, default privileges and mappings."""
    sql = b"""
ALTER TABLE public.a OWNER TO app;
ALTER FUNCTION public."f;1"() OWNER TO "Odd "" Name";
GRANT SELECT,INSERT ON TABLE public.a TO reader WITH GRANT OPTION;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA public GRANT SELECT ON TABLES TO getter;
CREATE SCHEMA mine AUTHORIZATION chief;
CREATE POLICY p ON public.a TO first, second USING (true);
SET SESSION AUTHORIZATION 'clerk';
CREATE USER MAPPING FOR mapped SERVER s;
GRANT pg_read_all_data TO app;
"""
    roles = {"app", 'Odd " Name', "reader", "maker", "chief", "first", "second", "clerk", "mapped"}
    assert mentions(sql).roles >= roles
    assert not {"public", "PUBLIC", "pg_read_all_data"} & mentions(sql).roles


def test_extensions_are_found_with_their_schema() -> None:
    """One that goes into a schema of its own needs that first."""
    found = mentions(b'CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA ext;\nCREATE EXTENSION hstore;\n')
    assert dict(found.extensions) == {"uuid-ossp": "ext", "hstore": ""}


def test_only_what_is_new_is_made() -> None:
    """A dump names each role a thousand times."""
    known = mentions(b"ALTER TABLE a OWNER TO app;\n")
    assert (known | mentions(b"ALTER TABLE b OWNER TO boss;\n")).beyond(known) == Mentions(frozenset({"boss"}))
