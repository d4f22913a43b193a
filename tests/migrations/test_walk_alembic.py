"""Alembic environments walked up, down and up on real databases, and everything that can go wrong on the way."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import create_engine

from checks.check import SQLITE
from checks.errors import UsageError
from checks.migrations.alembic_config import settings
from checks.migrations.alone import alone
from checks.migrations.apply import rehearse
from checks.migrations.walk_alembic import configuration
from checks.runbook.model import Migrations
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.session import Endpoint
from checks.targets.url import sqlalchemy_url
from tests.catalog.tools import Elsewhere, run_sql
from tests.migrations.trees import ENV, alembic_tree, revision

WALKED = ("up", "down", "up again")
URL_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, pool
url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
LINE = {"a": None, "b": "a", "c": "b"}


class DisposableFile(Elsewhere):
    """A SQLite file that may be written to."""

    disposable = True


@pytest.fixture
def sqlite_target(tmp_path: Path) -> DisposableFile:
    """An empty SQLite file."""
    sqlite3.connect(tmp_path / "test.db").close()
    return DisposableFile(Endpoint(SQLITE, path=str(tmp_path / "test.db")))


def tables(target: EmbeddedTarget) -> list[str]:
    """The tables of the database, other than the version table's."""
    engine = create_engine(sqlalchemy_url(target.socket_endpoint))
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        names = [str(name) for (name,) in found if name != "alembic_version"]
    engine.dispose()
    return names


@pytest.mark.parametrize(
    "graph",
    [
        LINE,
        {"a": None, "b": "a", "c": "a"},
        {"a": None, "b": "a", "c": "a", "d": ("b", "c"), "e": "d"},
        {"a": None, "b": None, "c": ("a", "b")},
    ],
    ids=["a line", "two heads", "a merge", "two bases merged"],
)
def test_a_history_of_any_shape_is_walked(tmp_path: Path, target: EmbeddedTarget, graph: dict[str, str | None]) -> None:
    """Up to every head, down to nothing and up again; the database ends with all tables."""
    found = rehearse(alembic_tree(tmp_path, graph), tmp_path, target)
    assert (found.walk, found.failure, found.left_behind, found.ready) == (WALKED, "", (), True)
    assert found.drift is None
    assert tables(target) == [f"t_{name}" for name in graph]


def test_a_dependency_between_branches_is_walked(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A revision that depends on another branch goes up after it and down before it."""
    migrations = alembic_tree(tmp_path, {"a": None, "b": "a"})
    revision(tmp_path / "m" / "versions", "x", depends="b")
    revision(tmp_path / "m" / "versions", "y", "x")
    found = rehearse(migrations, tmp_path, target)
    assert (found.walk, found.failure) == (WALKED, "")


def test_alembic_itself_finds_the_database_at_head(tmp_path: Path, target: EmbeddedTarget) -> None:
    """What the walk leaves is what `alembic upgrade head` leaves: `alembic current --check-heads` is content."""
    migrations = alembic_tree(tmp_path, LINE)
    assert rehearse(migrations, tmp_path, target).ready
    config = configuration(settings(tmp_path / "m"), sqlalchemy_url(target.socket_endpoint))
    engine = create_engine(sqlalchemy_url(target.socket_endpoint))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.current(config, check_heads=True)
        command.downgrade(config, "-1")
        with pytest.raises(CommandError):
            command.current(config, check_heads=True)
    engine.dispose()


@pytest.mark.parametrize("env", [ENV.replace("{options}", ""), URL_ENV], ids=["cookbook", "URL"])
def test_every_usual_way_to_connect_is_served(tmp_path: Path, target: EmbeddedTarget, env: str) -> None:
    """env.py may take our connection, or make its own from DATABASE_URL."""
    found = rehearse(alembic_tree(tmp_path, LINE, env=env), tmp_path, target)
    assert (found.walk, found.failure) == (WALKED, "")


def test_an_env_that_leads_elsewhere_is_stopped_before_it_does_anything(
    tmp_path: Path, target: EmbeddedTarget, other: EmbeddedTarget
) -> None:
    """An env.py with an address of its own never touches that database, neither upwards nor down."""
    url = sqlalchemy_url(other.socket_endpoint)
    env = URL_ENV.replace('os.environ["DATABASE_URL"]', repr(url))
    found = rehearse(alembic_tree(tmp_path, LINE, env=env), tmp_path, target)
    assert found.failed_step == "up"
    assert "another database" in found.failure
    assert not found.ready
    assert tables(other) == tables(target) == []


@pytest.fixture
def other(target: EmbeddedTarget) -> Iterator[EmbeddedTarget]:
    """A second database on the same server."""
    other = target.server.create_target(f"{target.database}_other")
    yield other
    other.close()


def test_a_live_database_is_refused(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Nothing is rehearsed on a target that does not call itself disposable."""
    migrations = alembic_tree(tmp_path, LINE)
    with pytest.raises(UsageError, match="disposable databases only"):
        rehearse(migrations, tmp_path, Elsewhere(target.endpoint))
    assert tables(target) == []


def test_the_revision_that_fails_is_named_with_the_servers_words(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A failing upgrade is a finding of its revision, and its transaction leaves nothing."""
    migrations = alembic_tree(tmp_path, {"a": None})
    revision(tmp_path / "m" / "versions", "b", "a", up='op.execute("SELECT no_such_function()")')
    found = rehearse(migrations, tmp_path, target)
    assert (found.walk, found.failed_step, found.ready) == ((), "up", False)
    assert found.failure.startswith("b: function no_such_function() does not exist")
    assert tables(target) == []


def test_a_way_down_that_fails_is_named_and_the_database_brought_back_to_head(
    tmp_path: Path, target: EmbeddedTarget
) -> None:
    """Each revision goes down on its own: those before the failing one did, and go up again."""
    migrations = alembic_tree(tmp_path, {"a": None})
    revision(tmp_path / "m" / "versions", "b", "a", back='raise NotImplementedError("no way back")')
    revision(tmp_path / "m" / "versions", "c", "b")
    found = rehearse(migrations, tmp_path, target)
    assert (found.walk, found.failed_step, found.ready) == (("up",), "down", True)
    assert found.failure == "b: NotImplementedError: no way back"
    assert tables(target) == ["t_a", "t_b", "t_c"]


ENUM_UP = 'op.create_table("t_a", sa.Column("m", sa.Enum("x", "y", name="mood")))'


def test_an_enum_type_left_behind_is_named_and_found_in_the_way(tmp_path: Path, target: EmbeddedTarget) -> None:
    """The commonest fault of a downgrade: the type of a dropped column stays, and the next upgrade meets it."""
    migrations = alembic_tree(tmp_path, {})
    revision(tmp_path / "m" / "versions", "a", up=ENUM_UP, back='op.drop_table("t_a")')
    found = rehearse(migrations, tmp_path, target)
    assert found.left_behind == ("type public.mood",)
    assert (found.walk, found.failed_step, found.ready) == (("up", "down"), "up again", False)
    assert found.failure.startswith('a: type "mood" already exists')


EVERYTHING_UP = """
op.execute("CREATE SCHEMA IF NOT EXISTS audit")
op.execute("CREATE TABLE IF NOT EXISTS audit.log (n int)")
op.execute("CREATE SEQUENCE IF NOT EXISTS numbers")
op.execute("CREATE OR REPLACE VIEW v AS SELECT 1 AS n")
op.execute("CREATE OR REPLACE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'")
op.execute(
    "DO $$ BEGIN CREATE EXTENSION pgcrypto; "
    "EXCEPTION WHEN duplicate_object OR feature_not_supported THEN END $$"
)
op.execute("DO $$ BEGIN CREATE TYPE span AS RANGE (SUBTYPE = float8); EXCEPTION WHEN duplicate_object THEN END $$")
"""


def test_everything_left_behind_is_listed(tmp_path: Path, target_of_every_major: EmbeddedTarget) -> None:
    """Schemas, tables, sequences, views, types and functions are; an extension, which may serve others, is not."""
    migrations = alembic_tree(tmp_path, {})
    revision(tmp_path / "m" / "versions", "a", up=EVERYTHING_UP.strip(), back="pass")
    found = rehearse(migrations, tmp_path, target_of_every_major)
    assert found.failure == ""
    assert list(found.left_behind) == [
        "function public.f(a integer)",
        "schema audit",
        "sequence public.numbers",
        "table audit.log",
        "type public.span",
        "view public.v",
    ]


def test_a_version_table_in_a_schema_of_its_own_is_not_left_behind(tmp_path: Path, target: EmbeddedTarget) -> None:
    """What Alembic itself keeps, and the schema env.py makes for it, are no fault of the downgrade."""
    env = ENV.replace("    context.configure", '    connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS ops")\n'
        "    connection.commit()\n    context.configure")  # fmt: skip
    options = "version_table='revisions', version_table_schema='ops'"
    found = rehearse(alembic_tree(tmp_path, LINE, env=env, options=options), tmp_path, target)
    assert (found.walk, found.left_behind, found.failure) == (WALKED, (), "")


MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase
class Base(DeclarativeBase):
    pass
class A(Base):
    __tablename__ = "t_a"
    n = sa.Column(sa.Integer, primary_key=True)
"""


def with_models(root: Path, models: str, attribute: str = "Base.metadata") -> Migrations:
    """A tree of one revision, that creates a table t_a(n), and models beside it."""
    alembic_tree(root, {})
    revision(root / "m" / "versions", "a", up='op.create_table("t_a", sa.Column("n", sa.Integer, primary_key=True))')
    (root / "m" / "models.py").write_text(models)
    return Migrations("alembic", "m", metadata=f"models:{attribute}")


@pytest.mark.parametrize("attribute", ["Base.metadata", "Base"])
def test_models_that_match_are_no_drift(tmp_path: Path, target: EmbeddedTarget, attribute: str) -> None:
    """A database built by the migrations that is what the models declare has an empty list of differences."""
    assert rehearse(with_models(tmp_path, MODELS, attribute), tmp_path, target).drift == ()


DRIFTED = """
    n = sa.Column(sa.String(20), primary_key=True)
    new = sa.Column(sa.Text, nullable=False, unique=True)
class B(Base):
    __tablename__ = "t_b"
    n = sa.Column(sa.Integer, sa.ForeignKey("t_a.n"), primary_key=True, index=True)
"""


def test_every_difference_is_one_sentence(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Tables, columns, types and constraints that differ are told one by one."""
    models = MODELS.replace("    n = sa.Column(sa.Integer, primary_key=True)\n", DRIFTED)
    found = rehearse(with_models(tmp_path, models), tmp_path, target)
    assert found.failure == ""
    assert set(found.drift or ()) >= {
        "Table t_b is declared and not there.",
        "Column t_a.new is declared and not there.",
        "Column t_a.n: its type is INTEGER, declared is VARCHAR(20).",
    }


def test_a_table_nobody_declares_is_drift(tmp_path: Path, target: EmbeddedTarget) -> None:
    """What the migrations make and the models do not know is a difference too; the version table is none."""
    migrations = with_models(tmp_path, MODELS)
    revision(tmp_path / "m" / "versions", "b", "a")
    assert rehearse(migrations, tmp_path, target).drift == ("Table t_b is there and not declared.",)


def test_schemas_of_the_models_are_compared_and_no_others(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A table declared in a schema is looked for there; schemas the models never name are somebody else's."""
    run_sql(target, "CREATE SCHEMA theirs; CREATE TABLE theirs.t (n int); CREATE SCHEMA app")
    models = MODELS.replace('__tablename__ = "t_a"', '__tablename__ = "t_a"\n    __table_args__ = {"schema": "app"}')
    migrations = with_models(tmp_path, models)
    up = 'op.create_table("t_a", sa.Column("n", sa.Integer, primary_key=True), schema="app")'
    revision(tmp_path / "m" / "versions", "a", up=up, back='op.drop_table("t_a", schema="app")')
    assert rehearse(migrations, tmp_path, target).drift == ()


def test_what_env_leaves_out_of_the_comparison_stays_out(tmp_path: Path, target: EmbeddedTarget) -> None:
    """An `include_object` of env.py, as projects with PostGIS have, holds for the comparison too."""
    migrations = with_models(tmp_path, MODELS)
    options = "include_object=lambda thing, name, kind, reflected, other: name != 't_b'"
    (tmp_path / "m" / "env.py").write_text(ENV.replace("{options}", options))
    revision(tmp_path / "m" / "versions", "b", "a")
    assert rehearse(migrations, tmp_path, target).drift == ()


@pytest.mark.parametrize(
    ("models", "attribute", "words"),
    [
        ("import no_such_package", "Base", "No module named 'no_such_package'"),
        (MODELS, "Missing", "has no attribute 'Missing'"),
        ("Base = 3", "Base", "it is a int, and no SQLAlchemy MetaData"),
        ("raise SystemExit('set SECRET_KEY')", "Base", "SystemExit: set SECRET_KEY"),
    ],
)
def test_models_that_cannot_be_loaded_are_told_and_leave_a_database_at_head(
    tmp_path: Path, target: EmbeddedTarget, models: str, attribute: str, words: str
) -> None:
    """Whether they match is not known, and everything else still is."""
    found = rehearse(with_models(tmp_path, models, attribute), tmp_path, target)
    assert (found.walk, found.failed_step, found.ready) == (WALKED, "drift", True)
    assert words in found.failure


LOUD = """
import logging, logging.config, sys
print("env.py speaks")
print("and complains", file=sys.stderr)
logging.config.fileConfig("nowhere.ini")
logging.basicConfig(level=logging.DEBUG, force=True)
sys.path.insert(0, "/nowhere")
import helper
"""


def test_nothing_the_project_does_to_the_process_lasts(
    tmp_path: Path, target: EmbeddedTarget, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Output, logging, path, environment and modules are as they were: stdout is for the verdict."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://production.example/app")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "helper.py").write_text("NAME = 'of the project'\n")
    migrations = alembic_tree(tmp_path, LINE, env=LOUD + ENV)
    before = sys.path[:], set(sys.modules), logging.getLogger().handlers[:], logging.getLogger().level
    assert rehearse(migrations, tmp_path, target).failure == ""
    assert capsys.readouterr() == ("", "")
    assert sys.path == before[0]
    assert not {"helper", "models"} & set(sys.modules)
    assert (logging.getLogger().handlers[:], logging.getLogger().level) == before[2:]
    assert os.environ["DATABASE_URL"] == "postgresql://production.example/app"


def test_systems_whose_modules_share_a_name_do_not_meet(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Two projects that both have `models`, one after the other, are each compared with their own."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first = with_models(tmp_path / "one", MODELS)
    second = with_models(tmp_path / "two", MODELS.replace('"t_a"', '"t_z"'))
    assert rehearse(first, tmp_path / "one", target).drift == ()
    run_sql(target, "DROP TABLE t_a, alembic_version")
    drift = rehearse(second, tmp_path / "two", target).drift
    assert set(drift or ()) == {"Table t_z is declared and not there.", "Table t_a is there and not declared."}


def test_several_rehearsals_at_once_do_not_disturb_each_other(tmp_path: Path, server: EmbeddedServer) -> None:
    """Alembic has one context a process: systems verified side by side wait for their turn, and all succeed."""
    targets = [server.create_target(f"side_by_side_{os.getpid()}_{number}") for number in range(3)]
    roots = [tmp_path / target.database for target in targets]
    for root in roots:
        root.mkdir()
    trees = [with_models(root, MODELS) for root in roots]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(rehearse, trees, roots, targets))
    assert [(one.walk, one.failure, one.drift) for one in found] == [(WALKED, "", ())] * 3
    for target in targets:
        target.close()


def test_an_env_that_runs_nothing_is_told(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A file that ends without running migrations has not migrated anything, however well it ends."""
    found = rehearse(alembic_tree(tmp_path, LINE, env=""), tmp_path, target)
    assert found.failed_step == "up"
    assert found.failure.endswith("ran to its end without calling context.run_migrations().")


def test_an_env_that_leaves_is_no_end_of_ours(tmp_path: Path, target: EmbeddedTarget) -> None:
    """`sys.exit` in env.py is a failed step."""
    found = rehearse(alembic_tree(tmp_path, LINE, env="import sys; sys.exit('no settings')"), tmp_path, target)
    assert found.failure == "SystemExit: no settings"


def test_a_password_in_a_failure_is_masked(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A project that quotes its URL does not get the password into a report."""
    env = "import os\nraise RuntimeError(f'cannot reach {os.environ[\"DATABASE_URL\"]}')"
    found = rehearse(alembic_tree(tmp_path, LINE, env=env), tmp_path, target)
    assert "cannot reach postgresql://" in found.failure
    assert target.endpoint.password
    assert target.endpoint.password not in found.failure


def test_files_that_are_not_there_fail_the_rehearsal_and_raise_nothing(tmp_path: Path, target: EmbeddedTarget) -> None:
    """The check that follows says what is wrong with the page."""
    found = rehearse(Migrations("alembic", "nowhere"), tmp_path, target)
    assert (found.failed_step, found.ready) == ("up", False)
    assert "holds no Alembic environment" in found.failure


def test_sqlite_is_walked_too(tmp_path: Path, sqlite_target: DisposableFile) -> None:
    """A system whose development database is a file has its migrations tried on one."""
    migrations = with_models(tmp_path, MODELS)
    found = rehearse(migrations, tmp_path, sqlite_target)
    assert (found.walk, found.failure, found.left_behind, found.drift) == (WALKED, "", (), ())


def test_a_sqlite_env_that_leads_elsewhere_is_stopped(tmp_path: Path, sqlite_target: DisposableFile) -> None:
    """Another file is another database."""
    env = URL_ENV.replace('os.environ["DATABASE_URL"]', repr(f"sqlite:///{tmp_path}/other.db"))
    assert "another database" in rehearse(alembic_tree(tmp_path, LINE, env=env), tmp_path, sqlite_target).failure


def test_other_threads_still_reach_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """Only what the project's own thread prints is held back: progress is still shown meanwhile."""
    with alone([], {}) as said:
        print("mine")  # noqa: T201 - what this is about
        thread = threading.Thread(target=print, args=("theirs",))
        thread.start()
        thread.join()
    assert said.getvalue() == "mine\n"
    assert capsys.readouterr().out == "theirs\n"
