"""A role made from the script of each page runs all its checks, and can do nothing else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import psycopg
import pytest

from checks.result import Result
from checks.targets.identifiers import quoted
from tests.catalog.tools import Elsewhere
from tests.grants.tools import columns_of, connected, made_from_the_script, needs_for, refusals
from tests.systems.tools import SYSTEMS, Copier, ask

REFUSED = {"42501", "55000", "42809"}  # not permitted; or nobody may: a view of several tables, TRUNCATE of a view
ROLE = "pgrunbook_of_tests"
# The role has no part in any of these.
OF_THIS_MACHINE = {"slow_queries.not_preloaded", "http.no_address", "backup.no_location"}
ABOUT_THE_ASKER = {"roles"}  # what it says of the role that logs in is not the same of two


def verdicts(results: dict[str, Result]) -> dict[str, tuple[str, str, list[tuple[str, bool, str]]]]:
    """What each check found, word for word, but for what is timed or counted anew each time."""
    return {
        name: (str(result.status), result.code, [(one.code, one.holds, one.expected) for one in result.findings])
        for name, result in results.items()
        if result.planned.entry.kind not in ABOUT_THE_ASKER
    }


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_check_answers_the_role_as_it_answers_the_owner(system: str, copy_of: Copier) -> None:
    """In each environment of the page the verdicts are the same, and no check lacks a privilege."""
    whole, target = copy_of(system)
    owner = Elsewhere(target.endpoint)
    with made_from_the_script(target, needs_for(whole.page, target), ROLE) as role:
        for environment in ("", *whole.page.front.environments):
            results = ask(whole.page, role, environment=environment)
            assert verdicts(results) == verdicts(ask(whole.page, owner, environment=environment))
            untold = {result.code for result in results.values() if result.status == "errored"}
            assert untold <= OF_THIS_MACHINE


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_role_can_write_nothing_and_reads_only_what_the_queries_name(system: str, copy_of: Copier) -> None:
    """Not even with its read-only default switched off, in any table or schema; and no other column of any table."""
    whole, target = copy_of(system)
    needs = needs_for(whole.page, target)
    wanted = {key: set(one.columns) for key, one in needs.relations.items() if not one.sequence}
    tables = columns_of(target)
    writes = [sql for key, columns in tables.items() for sql in written_to(key, columns[0])]
    reads = {one_read(key, column): (key, column) for key, columns in tables.items() for column in columns}
    with made_from_the_script(target, needs, ROLE) as role:
        refused = refusals(role, [*writes, *reads])
    assert {sql: refused[sql] for sql in writes if refused[sql] not in REFUSED} == {}
    readable: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sql, (key, column) in reads.items():
        if not refused[sql]:
            readable[key].add(column)
    assert readable == wanted
    asked = " ".join(getattr(entry.params, "sql", "") for entry in whole.page.entries())
    assert {name for _, name in wanted if name not in f"{asked} alembic_version _prisma_migrations"} == set()


def written_to(key: tuple[str, str], column: str) -> list[str]:
    """One statement of each kind that writes to a table or its schema."""
    table = f"{quoted(key[0])}.{quoted(key[1])}"
    return [
        f"INSERT INTO {table} DEFAULT VALUES",
        f"UPDATE {table} SET {quoted(column)} = NULL WHERE false",
        f"DELETE FROM {table} WHERE false",
        f"TRUNCATE {table}",
        f"CREATE TABLE {quoted(key[0])}.{quoted('of_' + key[1])} (id int)",
    ]


def one_read(key: tuple[str, str], column: str) -> str:
    """A statement that reads one column."""
    return f"SELECT {quoted(column)} FROM {quoted(key[0])}.{quoted(key[1])} LIMIT 0"


def test_the_role_is_read_only_brief_and_few(copy_of: Copier) -> None:
    """What the script sets for the role's sessions holds, and a fifth session is refused."""
    whole, target = copy_of("relay")
    with made_from_the_script(target, needs_for(whole.page, target), ROLE) as role:
        open_ones = [connected(role) for _ in range(4)]
        try:
            row = (
                open_ones[0]
                .execute(
                    "SELECT current_setting('default_transaction_read_only'), current_setting('statement_timeout')"
                )
                .fetchone()
            )
            assert row == ("on", "10s")
            with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
                connected(role)
        finally:
            for one in open_ones:
                one.close()


def test_without_a_grant_the_check_says_which(copy_of: Copier) -> None:
    """The check that lost its privilege has no verdict, names the statement that brings it back, and the rest go on."""
    whole, target = copy_of("gaia")
    with made_from_the_script(target, needs_for(whole.page, target), ROLE) as role:
        target.server.execute(f"REVOKE SELECT (is_admin) ON auth.users FROM {ROLE}", database=target.database)
        results = ask(whole.page, replace(role), environment="dev")
    errored = {name: result for name, result in results.items() if result.status == "errored"}
    assert list(errored) == ["there is an administrator"]
    assert errored["there is an administrator"].code == "run.not_permitted"
    assert errored["there is an administrator"].hint.startswith(f"GRANT SELECT ON auth.users TO {ROLE};")
