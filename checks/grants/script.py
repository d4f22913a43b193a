"""The SQL script that makes a role which can run a page's checks and nothing else.

Plain SQL, so that whoever must agree to it can read it, and any client can run it. It sets no password: `\\password`
sends the server a verifier, and a script would leave the password in files and logs.
https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from checks.catalog.sql import literal
from checks.grants.needs import Needs, Wanted
from checks.targets.identifiers import quoted

MOST_SESSIONS = 4  # what a run opens at most
LINE = 100


@dataclass(frozen=True, slots=True)
class Grantee:
    """The role to be made: its name, the page it is for, the command that writes this, and its statements' seconds."""

    role: str
    page: str
    command: str
    timeout: float


def script(grantee: Grantee, needs: Needs) -> str:
    """The whole script, in one transaction."""
    return "\n".join([*_head(grantee), "BEGIN;", "", *_role(grantee), *_grants(grantee, needs), *_tail(grantee)]) + "\n"


def _head(grantee: Grantee) -> Iterator[str]:
    role = quoted(grantee.role)
    yield f"-- A role that can run the checks of {_one_line(grantee.page)} which only observe, and nothing else."
    yield f"-- Written by `{_one_line(grantee.command)}`. Run it in the database itself, as a superuser or its owner:"
    yield '--     psql --set ON_ERROR_STOP=1 --file grants.sql "$DATABASE_URL"'
    yield f"-- Then give the role a password, in psql:  \\password {role}"
    yield f"-- To take everything back:  DROP OWNED BY {role}; DROP ROLE {role};"
    yield ""


def _role(grantee: Grantee) -> Iterator[str]:
    role = quoted(grantee.role)
    yield f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {MOST_SESSIONS};"
    yield f"ALTER ROLE {role} SET default_transaction_read_only = on;"
    yield f"ALTER ROLE {role} SET statement_timeout = '{ceil(grantee.timeout)}s';"
    grant = literal(f"GRANT CONNECT ON DATABASE %I TO {role}")
    yield f"DO $$ BEGIN EXECUTE format({grant}, current_database()); END $$;"
    yield ""


def _grants(grantee: Grantee, needs: Needs) -> Iterator[str]:
    role = quoted(grantee.role)
    for predefined, checks in sorted(needs.predefined.items()):
        yield from _comment(checks)
        yield f"GRANT {quoted(predefined)} TO {role};"
        yield ""
    if needs.schemas:
        yield f"GRANT USAGE ON SCHEMA {', '.join(quoted(schema) for schema in sorted(needs.schemas))} TO {role};"
        yield ""
    for key, wanted in sorted(needs.relations.items()):
        yield from _comment(needs.checks[key])
        yield f"{_select(wanted)} TO {role};"
        yield ""
    for function in sorted(needs.functions):
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {role};"
    for note, checks in sorted(needs.notes.items()):
        yield from _comment(checks, before="Look at this: ", after=f": {_one_line(note)}.")
        yield ""


def _select(wanted: Wanted) -> str:
    on = f"{'SEQUENCE ' if wanted.sequence else ''}{quoted(wanted.schema)}.{quoted(wanted.name)}"
    if not wanted.columns:
        return f"GRANT SELECT ON {on}"
    columns = ", ".join(quoted(column) for column in wanted.columns)
    return f"GRANT SELECT ({columns}) ON {on}"


def _tail(grantee: Grantee) -> Iterator[str]:
    yield "-- What PUBLIC may, this role may too. Each warning names something it could do beyond its checks."
    yield _SURPLUS.format(role=literal(grantee.role)).strip()
    yield "-- PUBLIC may also make temporary tables, unless you REVOKE TEMPORARY ON DATABASE … FROM PUBLIC."
    yield ""
    yield "COMMIT;"


_SURPLUS = """
DO $$
DECLARE surplus text;
BEGIN
    FOR surplus IN
        SELECT format('CREATE ON SCHEMA %I', nspname)
        FROM pg_namespace
        WHERE has_schema_privilege({role}, oid, 'CREATE')
        UNION ALL
        SELECT format('%s ON %I.%I', privilege, n.nspname, c.relname)
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
        WHERE c.relkind IN ('r', 'p', 'v', 'f')
          AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
          AND has_table_privilege({role}, c.oid, privilege)
    LOOP
        RAISE WARNING 'PUBLIC has %, and so does this role; REVOKE it FROM PUBLIC if it is not meant', surplus;
    END LOOP;
END $$;
"""


def _comment(checks: Iterable[str], *, before: str = "", after: str = "") -> list[str]:
    """The names of the checks, which are the page's own words, where they cannot become SQL."""
    words = _one_line(before + "; ".join(sorted(checks)) + after)
    return textwrap.wrap(words, LINE, initial_indent="-- ", subsequent_indent="--   ", break_long_words=False)


def _one_line(words: str) -> str:
    return " ".join(words.split())
