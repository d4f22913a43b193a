"""The fillings are plain SQL that anybody can run, and the same each time but for the hour."""

from __future__ import annotations

import os
import subprocess

import pytest

from checks.errors import QueryFailed
from checks.targets.embedded import EmbeddedTarget
from tests.systems.tools import FOLDER, SYSTEMS, Copier, execute, fill, page_of, value_of

CONTENTS = """
SELECT md5(string_agg(digest, ',' ORDER BY name))
FROM (
    SELECT table_schema || '.' || table_name AS name,
           query_to_xml(
               format('SELECT md5(string_agg(r, '','' ORDER BY r)) FROM (SELECT row(%s)::text AS r FROM %I.%I) AS q',
                      columns, table_schema, table_name),
               false, true, '')::text AS digest
    FROM (
        SELECT table_schema, table_name, string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) AS columns
        FROM information_schema.columns
        JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
          AND table_name <> '_prisma_migrations' AND data_type NOT LIKE 'timestamp%' AND data_type <> 'date'
        GROUP BY 1, 2
    ) AS tables
) AS digests
"""


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_same_setting_gives_the_same_data(system: str, copy_of: Copier) -> None:
    """Two fillings differ in times alone, so that what a check finds once it finds again."""
    whole, one = copy_of(system)
    other = whole.server.create_target("another")
    try:
        fill(whole.page, other, 10)
        assert value_of(one, CONTENTS) == value_of(other, CONTENTS)
    finally:
        other.close()


@pytest.mark.parametrize("system", SYSTEMS)
def test_without_the_setting_the_file_says_which_one_is_missing(system: str, target: EmbeddedTarget) -> None:
    """Whoever runs a file without reading its first line is told what it wants."""
    with pytest.raises(QueryFailed, match=r"pgrunbook\.rows|does not exist"):
        execute(target, (FOLDER / f"fixtures/{system}.sql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_first_comment_says_how_to_run_the_file(system: str) -> None:
    """The command stands in the file, with the setting it needs."""
    first, second = (FOLDER / f"fixtures/{system}.sql").read_text(encoding="utf-8").splitlines()[:2]
    assert "`pgrunbook.rows`" in first
    assert second == f"--   PGOPTIONS='-c pgrunbook.rows=10000' psql -f fixtures/{system}.sql"


def test_psql_can_run_a_file(copy_of: Copier) -> None:
    """As its first comment says, on a database that is migrated and empty."""
    whole, target = copy_of("relay")
    psql = whole.server.binaries.program("psql")
    if not psql.exists():
        pytest.skip(f"{psql} is not there: a server can be installed without its client")
    execute(target, "TRUNCATE roles, oauth_tokens, api_keys, audit_log")
    endpoint = target.socket_endpoint
    given = {
        "PGOPTIONS": "-c pgrunbook.rows=100",
        "PGHOST": str(endpoint.host),
        "PGPORT": str(endpoint.port),
        "PGUSER": str(endpoint.user),
        "PGPASSWORD": str(endpoint.password),
        "PGDATABASE": target.database,
    }
    command = [str(psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(FOLDER / "fixtures/relay.sql")]
    done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert value_of(target, "SELECT count(*) FROM audit_log") == 80


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_page_names_the_file(system: str) -> None:
    """`verify` loads what the page names."""
    assert page_of(system).front.fixtures == f"fixtures/{system}.sql"
