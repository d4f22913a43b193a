"""Roles made from the script, and what they can really do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
from psycopg.conninfo import make_conninfo

from checks.catalog import CATALOG
from checks.grants.asked import observing
from checks.grants.command import needs_on
from checks.grants.needs import Needs
from checks.grants.script import Grantee, script
from checks.runbook.model import Runbook
from checks.targets.embedded import EmbeddedTarget
from checks.targets.identifiers import quoted
from checks.targets.url_forms import conninfo
from tests.catalog.tools import Elsewhere, run_sql

PASSWORD = "made for this test only"


def needs_for(page: Runbook, target: EmbeddedTarget) -> Needs:
    """What the page's checks need on this database."""
    return needs_on(page, observing(page, CATALOG), target)


@contextmanager
def made_from_the_script(target: EmbeddedTarget, needs: Needs, role: str) -> Iterator[Elsewhere]:
    """The database as the role sees it that the script makes, over TCP and with a password."""
    run_sql(target, script(Grantee(role, "a page", "invoke grants", 10.0), needs))
    run_sql(target, f"ALTER ROLE {quoted(role)} PASSWORD '{PASSWORD}'")
    try:
        yield Elsewhere(replace(target.endpoint, user=role, password=PASSWORD))
    finally:
        run_sql(target, f"DROP OWNED BY {quoted(role)}; DROP ROLE {quoted(role)}")


def connected(target: Elsewhere) -> psycopg.Connection:
    """A connection without any of our guards, as any client of the role would have it."""
    return psycopg.connect(make_conninfo("", **conninfo(target.endpoint)), autocommit=True)


def refusals(target: Elsewhere, statements: Iterable[str]) -> dict[str, str]:
    """The SQLSTATE with which each statement of a session that may write is refused; empty where it is not."""
    found = {}
    with connected(target) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for sql in statements:
            found[sql] = ""
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(sql.encode())
            except psycopg.Error as error:
                found[sql] = error.sqlstate or "no SQLSTATE"
    return found


def refusal(target: Elsewhere, sql: str) -> str:
    """The same, of one statement."""
    return refusals(target, [sql])[sql]


def columns_of(target: EmbeddedTarget) -> dict[tuple[str, str], list[str]]:
    """Every table and view of the database's own, with its columns."""
    sql = """
        SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attnum)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema)' GROUP BY 1, 2
    """
    with target.server.connect(target.database) as connection:
        return {(schema, name): columns for schema, name, columns in connection.execute(sql)}
