"""A role made from the script of each page runs all its checks, and can do nothing else."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from checks.result import Result
from checks.targets.identifiers import quoted
from tests.catalog.tools import Elsewhere
from tests.grants.tools import columns_of, connected, made_from_the_script, needs_for, refusal
from tests.systems.tools import SYSTEMS, Copier, ask

REFUSED = {"42501", "55000", "42809"}  # not permitted; or nobody may: a view of several tables, TRUNCATE of a view
ROLE = "pgrunbook_of_tests"


def verdicts(results: dict[str, Result]) -> dict[str, tuple[str, str, list[tuple[str, bool, str]]]]:
    """What each check found, word for word, but for what is timed or counted anew each time."""
    return {
        name: (str(result.status), result.code, [(one.code, one.holds, one.expected) for one in result.findings])
        for name, result in results.items()
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
            assert {name for name, result in results.items() if result.status == "errored"} == set()


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_role_can_write_nothing(system: str, copy_of: Copier) -> None:
    """Not even with its read-only default switched off, in any table or schema."""
    whole, target = copy_of(system)
    tables = columns_of(target)
    with made_from_the_script(target, needs_for(whole.page, target), ROLE) as role:
        refused = {}
        for (schema, name), columns in tables.items():
            table = f"{quoted(schema)}.{quoted(name)}"
            for sql in (
                f"INSERT INTO {table} DEFAULT VALUES",
                f"UPDATE {table} SET {quoted(columns[0])} = NULL WHERE false",
                f"DELETE FROM {table} WHERE false",
                f"TRUNCATE {table}",
                f"CREATE TABLE {quoted(schema)}.of_mine (id int)",
            ):
                refused[sql] = refusal(role, sql)
    assert {sql for sql, state in refused.items() if state not in REFUSED} == set()
    assert len(refused) > 3 * len(tables)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_role_reads_only_what_the_queries_name(system: str, copy_of: Copier) -> None:
    """Every other column of every table is refused, and each table it may read is named on the page."""
    whole, target = copy_of(system)
    needs = needs_for(whole.page, target)
    wanted = {key: set(one.columns) for key, one in needs.relations.items()}
    with made_from_the_script(target, needs, ROLE) as role:
        readable = {
            key: {
                one
                for one in columns
                if not refusal(role, f"SELECT {quoted(one)} FROM {quoted(key[0])}.{quoted(key[1])}")
            }
            for key, columns in columns_of(target).items()
        }
    assert {key: columns for key, columns in readable.items() if columns} == wanted
    asked = (
        " ".join(getattr(entry.params, "sql", "") for entry in whole.page.entries())
        + " alembic_version _prisma_migrations"
    )
    assert {name for _, name in wanted if name not in asked} == set()


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
