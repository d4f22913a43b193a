"""The catalog's SQL files: each statement runs as it stands, and can be narrowed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import checks.catalog
from checks.catalog.sql import literal, narrowed, statements, text
from checks.check import Query
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedTarget

FILES = sorted(path.stem for path in Path(checks.catalog.__file__).parent.glob("*.sql"))
# What these ask is there only after something else was done: a migration, or an extension that must be loaded.
ASKED_ELSEWHERE = {"migrations": "test_migrations.py", "slow_queries": "test_slow_queries.py"}
ASKED_HERE = [name for name in FILES if not name.endswith("_sqlite") and name not in ASKED_ELSEWHERE]


def test_every_file_has_its_check() -> None:
    """Every SQL file lies beside a check of its name, for PostgreSQL or for SQLite."""
    modules = {path.stem for path in Path(checks.catalog.__file__).parent.glob("*.py")}
    assert [name for name in FILES if name.removesuffix("_sqlite") not in modules] == []


@pytest.mark.parametrize("name", FILES)
def test_every_statement_has_its_own_name_and_ends(name: str) -> None:
    """A file is statements under `-- name: …` lines, each ended by a semicolon as psql wants it."""
    assert text(name).startswith("-- ")
    assert text(name).rstrip().endswith(";")
    assert text(name).count(";\n") == len(statements(name))


@pytest.mark.parametrize("name", ASKED_HERE)
def test_every_file_runs_under_psql(target: EmbeddedTarget, binaries: Binaries, name: str) -> None:
    """An operator can run each file as it is: `psql -f`."""
    psql = binaries.program("psql")
    if not psql.exists():
        pytest.skip("this PostgreSQL came without psql")
    endpoint = target.endpoint
    where = {"PGHOST": endpoint.host, "PGPORT": endpoint.port, "PGUSER": endpoint.user, "PGDATABASE": endpoint.database}
    ran = subprocess.run(
        [psql, "-X", "-v", "ON_ERROR_STOP=1", "-f", Path(checks.catalog.__file__).with_name(f"{name}.sql")],
        env={**os.environ, "PGPASSWORD": str(endpoint.password), **{key: str(value) for key, value in where.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_statement_runs_on_every_major(target_of_every_major: EmbeddedTarget) -> None:
    """No statement leans on a column that only some major has."""
    named = [(name, title, sql) for name in ASKED_HERE for title, sql in statements(name).items()]
    session = target_of_every_major.open()
    answers = session.ask([Query(sql) for _, _, sql in named], patience=10)
    session.close()
    refused = {f"{name}: {title}": str(answer.error) for (name, title, _), answer in zip(named, answers, strict=True)}
    assert set(refused.values()) == {"None"}, refused


def test_a_statement_is_narrowed_from_outside(target: EmbeddedTarget) -> None:
    """Only the rows asked for come back, and none where nothing is asked for."""
    session = target.open()
    statement = "SELECT 'public' AS schema, name FROM (VALUES ('users'), ('o''brien'), ('b\\c')) AS t (name)"
    some, none = session.ask(
        [
            Query(narrowed(statement, "schema, name", [("public", "o'brien"), ("public", "b\\c"), ("auth", "users")])),
            Query(narrowed(statement, "schema, name", [])),
        ],
        patience=10,
    )
    session.close()
    assert [row[1] for row in some.rows] == ["o'brien", "b\\c"]
    assert none.rows == ()


@pytest.mark.parametrize("setting", ["on", "off"])
def test_a_literal_is_the_text_it_stands_for(target: EmbeddedTarget, setting: str) -> None:
    """Quotes and backslashes survive, whatever `standard_conforming_strings` says."""
    odd = "it's \\ 'quoted' \\' "
    session = target.open(writable=True)
    sql = [Query(f"SET standard_conforming_strings = {setting}"), Query(f"SELECT {literal(odd)}")]
    *_, answer = session.ask(sql, patience=10)
    session.close()
    assert answer.value == odd
