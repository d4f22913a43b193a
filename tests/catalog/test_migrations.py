"""Migrations: where a database stands, told from real databases brought there by the tools themselves."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from checks.catalog.migrations import CHECK, Parameters
from checks.catalog.migrations_codes import CODES
from checks.check import SQLITE, Finding, Severity
from checks.errors import CouldNotTell, QueryFailed
from checks.migrations.alembic_config import settings
from checks.migrations.apply import rehearse
from checks.migrations.outcome import Rehearsal
from checks.migrations.walk_alembic import configuration
from checks.runbook.model import Migrations
from checks.targets.embedded import EmbeddedTarget
from checks.targets.session import Endpoint, Target
from checks.targets.url import sqlalchemy_url
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of, run_sql
from tests.migrations.trees import alembic_tree, prisma_tree, revision, sql_tree

LINE = {"a": None, "b": "a", "c": "b"}
FORK = {"a": None, "b": "a", "c": "a"}
SCRIPTS = {"20240101_a": "CREATE TABLE a (n int)", "20240202_b": "CREATE TABLE b (n int)"}


def alembic(target: EmbeddedTarget, root: Path, action: str, *revisions: str) -> None:
    """Alembic's own command, on the tree in `root / "m"`: how databases get where the tests find them."""
    url = sqlalchemy_url(target.socket_endpoint)
    config = configuration(settings(root / "m"), url)
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        getattr(command, action)(config, *revisions)
        connection.commit()


def holds(target: Target, root: Path, migrations: Migrations, params: Any = None, **known: Any) -> list[Finding]:
    """The check holds on what is, as far as it knows, a live database."""
    known = {"disposable": False, **known}
    return check_holds("migrations", params, target, folder=root, migrations=migrations, **known)


def fails(target: Target, root: Path, migrations: Migrations, code: str, params: Any = None, **known: Any) -> Finding:
    """The check fails for this reason alone on what is, as far as it knows, a live database."""
    known = {"disposable": False, **known}
    return check_fails("migrations", params, target, code=code, folder=root, migrations=migrations, **known)


def test_a_database_alembic_upgraded_is_at_head(tmp_path: Path, target: EmbeddedTarget) -> None:
    """After `alembic upgrade head` the check holds, and says how many and which."""
    migrations = alembic_tree(tmp_path, LINE)
    alembic(target, tmp_path, "upgrade", "head")
    [finding] = holds(target, tmp_path, migrations)
    assert finding.sentence == "All 3 migrations are applied; the head is c (Revision c)."


def test_a_database_left_behind_is_behind_by_what_it_lacks(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Each revision that `alembic upgrade head` would apply is named, in its order."""
    migrations = alembic_tree(tmp_path, LINE)
    alembic(target, tmp_path, "upgrade", "a")
    finding = fails(target, tmp_path, migrations, "migrations.behind")
    assert finding.sentence == "The database is behind by 2 migrations: b (Revision b), c (Revision c)."


def test_both_sides_of_a_branch_without_its_merge_are_behind(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Two rows are one step from one head, and no fault of their own."""
    migrations = alembic_tree(tmp_path, {**FORK, "d": ("b", "c")})
    alembic(target, tmp_path, "upgrade", "b")
    alembic(target, tmp_path, "upgrade", "c")
    assert fails(target, tmp_path, migrations, "migrations.behind").observed == "1 not applied"
    alembic(target, tmp_path, "upgrade", "head")
    holds(target, tmp_path, migrations)


def test_a_dependency_on_another_branch_counts_as_applied(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Alembic keeps no row for a revision another one depends on, and it is applied all the same."""
    migrations = alembic_tree(tmp_path, {"a": None, "b": "a"})
    revision(tmp_path / "m" / "versions", "x", depends="b")
    alembic(target, tmp_path, "upgrade", "heads")
    [finding] = holds(target, tmp_path, migrations, {"heads": "several"})
    assert finding.code == "migrations.at_head"


def test_several_heads_fail_unless_they_are_meant(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A database with both heads applied is at head; that nothing merges them is the files' fault."""
    migrations = alembic_tree(tmp_path, FORK)
    alembic(target, tmp_path, "upgrade", "heads")
    finding = fails(target, tmp_path, migrations, "migrations.several_heads")
    assert [row["revision"] for row in finding.evidence] == ["b", "c"]
    holds(target, tmp_path, migrations, "{heads: several}")


def test_a_revision_from_elsewhere_is_unknown(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A database that a newer checkout upgraded is not called behind by an older one."""
    migrations = alembic_tree(tmp_path, LINE)
    alembic(target, tmp_path, "upgrade", "head")
    (tmp_path / "m" / "versions" / "c_of_a_test.py").unlink()
    finding = fails(target, tmp_path, migrations, "migrations.unknown_revision")
    assert (finding.expected, finding.observed) == ("b", "c")


def test_a_row_beside_its_descendant_is_overlapping(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A row too many, as two deployments at once can leave it, is seen, and Alembic indeed refuses it."""
    migrations = alembic_tree(tmp_path, LINE)
    alembic(target, tmp_path, "upgrade", "head")
    run_sql(target, "INSERT INTO alembic_version VALUES ('a')")
    assert fails(target, tmp_path, migrations, "migrations.overlapping_rows").evidence[0]["revision"] == "a"
    with pytest.raises(CommandError, match="overlaps"):
        alembic(target, tmp_path, "upgrade", "head")


def test_a_database_without_the_table_is_unmanaged(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A schema made by hand has no version table, and that is not the same as being behind."""
    run_sql(target, "CREATE TABLE t_a (n int)")
    finding = fails(target, tmp_path, alembic_tree(tmp_path, LINE), "migrations.unmanaged")
    assert finding.sentence.startswith("There is no table alembic_version, so this database was never migrated")


def test_a_version_table_elsewhere_is_pointed_out(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Whoever forgot `table_schema`, or named the wrong tool, is shown the tables there are."""
    run_sql(
        target,
        "CREATE SCHEMA ops; CREATE TABLE ops.django_migrations (); CREATE TABLE _prisma_migrations ()",
    )
    finding = fails(target, tmp_path, alembic_tree(tmp_path, LINE), "migrations.unmanaged")
    assert finding.sentence.endswith("This database does have ops.django_migrations, public._prisma_migrations.")


@pytest.mark.parametrize("name", ["alembic_version", "Revisions"])
def test_a_version_table_off_the_search_path_is_out_of_sight(tmp_path: Path, target: EmbeddedTarget, name: str) -> None:
    """It is not called a database that was never migrated, which somebody would migrate again."""
    migrations = alembic_tree(tmp_path, LINE, options=f"version_table='{name}'")
    alembic(target, tmp_path, "upgrade", "head")
    run_sql(target, f"CREATE SCHEMA ops; ALTER DATABASE {target.database} SET search_path = \"$user\", 'Ops', ops")
    finding = fails(target, tmp_path, migrations, "migrations.out_of_sight")
    assert finding.observed == f"{name} in public"
    assert '("$user", "Ops", ops)' in finding.sentence
    run_sql(target, f"ALTER DATABASE {target.database} SET search_path = ops, public")
    holds(target, tmp_path, migrations)


def test_a_table_without_rows_is_empty(tmp_path: Path, target: EmbeddedTarget) -> None:
    """After `alembic downgrade base` nothing is applied, and the table says so."""
    migrations = alembic_tree(tmp_path, LINE)
    alembic(target, tmp_path, "upgrade", "head")
    alembic(target, tmp_path, "downgrade", "base")
    assert fails(target, tmp_path, migrations, "migrations.empty_version_table").observed == "0 applied"


def test_stamped_is_at_head(tmp_path: Path, target: EmbeddedTarget) -> None:
    """`alembic stamp head` is how a schema made by hand is taken over."""
    migrations = alembic_tree(tmp_path, LINE)
    alembic(target, tmp_path, "stamp", "head")
    holds(target, tmp_path, migrations)


def test_a_version_table_of_another_name_and_schema_is_found(tmp_path: Path, target: EmbeddedTarget) -> None:
    """As literals of env.py, or as the page says where env.py computes them."""
    run_sql(target, 'CREATE SCHEMA "Ops"')
    literal = "version_table='Revisions', version_table_schema='Ops'"
    migrations = alembic_tree(tmp_path, LINE, options=literal)
    alembic(target, tmp_path, "upgrade", "head")
    holds(target, tmp_path, migrations)
    alembic_tree(tmp_path, LINE, options="version_table='Revisions'.strip(), version_table_schema='Ops'.strip()")
    fails(target, tmp_path, migrations, "migrations.unmanaged")
    holds(target, tmp_path, Migrations("alembic", "m", table="Revisions", table_schema="Ops"))


def test_broken_files_fail_whatever_the_database_says(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A revision that two files define is a fault before any database is asked."""
    migrations = alembic_tree(tmp_path, LINE)
    alembic(target, tmp_path, "upgrade", "head")
    revision(tmp_path / "m" / "versions", "c", "b").rename(tmp_path / "m" / "versions" / "again.py")
    revision(tmp_path / "m" / "versions", "c", "b")
    assert "defined twice" in fails(target, tmp_path, migrations, "migrations.broken_files").sentence


def test_a_prisma_deployment_is_at_head(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Folders and finished rows that match hold, with line ends changed by git since."""
    migrations = prisma_tree(tmp_path, {name: f"{script};\n" for name, script in SCRIPTS.items()})
    assert rehearse(migrations, tmp_path, target).ready
    holds(target, tmp_path, migrations)
    path = tmp_path / "prisma" / "migrations" / "20240101_a" / "migration.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    holds(target, tmp_path, migrations)


@pytest.mark.parametrize(
    ("sabotage", "code"),
    [
        ("DELETE FROM _prisma_migrations WHERE migration_name = '20240202_b'", "migrations.behind"),
        (
            "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '20240202_b'",
            "migrations.behind",
        ),
        ("UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '20240202_b'", "migrations.failed"),
        (
            "UPDATE _prisma_migrations SET checksum = repeat('0', 64) WHERE migration_name = '20240202_b'",
            "migrations.edited",
        ),
        ("INSERT INTO _prisma_migrations VALUES ('i', 'c', now(), '20240303_c')", "migrations.ahead"),
        ("INSERT INTO _prisma_migrations VALUES ('i', 'c', now(), '20240102_lost')", "migrations.missing"),
        ("DELETE FROM _prisma_migrations", "migrations.empty_version_table"),
        ("DROP TABLE _prisma_migrations", "migrations.unmanaged"),
    ],
)
def test_each_way_prismas_ledger_can_be_wrong_has_its_code(
    tmp_path: Path, target: EmbeddedTarget, sabotage: str, code: str
) -> None:
    """What `prisma migrate status` lumps together is told apart."""
    migrations = prisma_tree(tmp_path, SCRIPTS)
    assert rehearse(migrations, tmp_path, target).ready
    run_sql(target, sabotage)
    fails(target, tmp_path, migrations, code)


def test_a_retry_and_a_resolution_are_well(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A failed attempt that was rolled back, and one marked as applied without running, are part of a sound ledger."""
    migrations = prisma_tree(tmp_path, SCRIPTS)
    assert rehearse(migrations, tmp_path, target).ready
    run_sql(
        target,
        "INSERT INTO _prisma_migrations VALUES ('i', 'c', NULL, '20240101_a', 'ERROR', now());"
        "UPDATE _prisma_migrations SET applied_steps_count = 0 WHERE migration_name = '20240202_b'",
    )
    holds(target, tmp_path, migrations)


def test_an_edited_sql_script_is_told_by_its_own_table(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Our table keeps checksums; a table with nothing but versions is good enough for everything else."""
    migrations = sql_tree(tmp_path, {"001_a.sql": "SELECT 1", "002_b.sql": "SELECT 2"})
    assert rehearse(migrations, tmp_path, target).ready
    holds(target, tmp_path, migrations)
    (tmp_path / "sql" / "001_a.sql").write_text("SELECT 3")
    fails(target, tmp_path, migrations, "migrations.edited")
    run_sql(target, "ALTER TABLE schema_migrations DROP COLUMN checksum, DROP COLUMN applied_at")
    holds(target, tmp_path, migrations)


def test_sqlite_is_asked_the_same(tmp_path: Path) -> None:
    """A file migrated by Alembic is at head, behind or unmanaged like any database."""
    path = tmp_path / "app.db"
    sqlite3.connect(path).close()
    file = Elsewhere(Endpoint(SQLITE, path=str(path)))
    migrations = alembic_tree(tmp_path, LINE)
    fails(file, tmp_path, migrations, "migrations.unmanaged")
    url = f"sqlite:///{path}"
    config = configuration(settings(tmp_path / "m"), url)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "b")
        connection.commit()
    fails(file, tmp_path, migrations, "migrations.behind")
    with sqlite3.connect(path) as file_connection:
        file_connection.execute("UPDATE alembic_version SET version_num = 'c'")
    file_connection.close()
    holds(file, tmp_path, migrations)


@pytest.mark.parametrize(
    ("denied", "schema", "grants"),
    [
        ("SELECT", None, "GRANT SELECT ON public.alembic_version TO {role};"),
        ("USAGE", None, "GRANT USAGE ON SCHEMA public TO {role};"),
        ("USAGE", "public", "GRANT USAGE ON SCHEMA public TO {role};"),
        ("both", None, "GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT ON public.alembic_version TO {role};"),
    ],
)
def test_a_role_that_may_not_look_gets_no_verdict(
    tmp_path: Path, target: EmbeddedTarget, denied: str, schema: str | None, grants: str
) -> None:
    """A table one may not read, or in a schema one may not use, is not one that is not there: the grant is named."""
    alembic_tree(tmp_path, LINE)
    migrations = Migrations("alembic", "m", table_schema=schema)
    alembic(target, tmp_path, "upgrade", "head")
    role = f"looker_{target.database}"
    run_sql(target, f"CREATE ROLE {role} LOGIN; REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    if denied == "SELECT":
        run_sql(target, f"GRANT USAGE ON SCHEMA public TO {role}")
    if denied == "USAGE":
        run_sql(target, f"GRANT SELECT ON alembic_version TO {role}")
    known: dict[str, Any] = {"folder": tmp_path, "migrations": migrations, "disposable": False}
    try:
        with pytest.raises(QueryFailed) as raised:
            findings_of("migrations", None, Denied(target, role), **known)
        assert raised.value.code == "run.not_permitted"
        assert raised.value.hint == f"as the owner: {grants.format(role=role)}"
        run_sql(target, grants.format(role=role))
        check_holds("migrations", None, Denied(target, role), **known)
    finally:
        run_sql(target, f"DROP OWNED BY {role}; DROP ROLE {role}")


class Denied(Elsewhere):
    """The database, seen by a role without privileges."""

    def __init__(self, target: EmbeddedTarget, role: str) -> None:
        super().__init__(target.endpoint)
        self._target, self._role = target, role

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> Any:
        session = self._target.open(writable=True, timeout=timeout)
        session.script(f"SET ROLE {self._role}")
        return session


@pytest.mark.parametrize(
    ("migrations", "code"),
    [(None, "migrations.undeclared"), (Migrations("alembic", "nowhere"), "migrations.unreadable")],
)
def test_a_page_that_leads_nowhere_gets_no_verdict(
    tmp_path: Path, target: EmbeddedTarget, migrations: Migrations | None, code: str
) -> None:
    """Without files nothing can be compared, and that is not called a failure of the database."""
    with pytest.raises(CouldNotTell) as raised:
        findings_of("migrations", None, target, folder=tmp_path, migrations=migrations)
    assert raised.value.code == code
    assert code in CODES


def rehearsed(target: EmbeddedTarget, root: Path, migrations: Migrations) -> dict[str, Any]:
    """What is known of a disposable target after its rehearsal."""
    return {"disposable": True, "rehearsal": rehearse(migrations, root, target)}


def test_a_rehearsal_without_fault_holds(tmp_path: Path, target: EmbeddedTarget) -> None:
    """On a disposable server the walk is part of the answer."""
    migrations = alembic_tree(tmp_path, LINE)
    found = holds(target, tmp_path, migrations, "{destructive: ignore}", **rehearsed(target, tmp_path, migrations))
    assert [one.code for one in found] == ["migrations.at_head", "migrations.rehearsed"]
    assert found[1].sentence == "On an empty database the migrations went up, down, up again."


def test_a_migration_that_cannot_be_applied_fails(tmp_path: Path, target: EmbeddedTarget) -> None:
    """The failure comes first, and what it left behind in the version table follows."""
    migrations = alembic_tree(tmp_path, {"a": None})
    revision(tmp_path / "m" / "versions", "b", "a", up='op.execute("SELECT oops")')
    known = rehearsed(target, tmp_path, migrations)
    found = findings_of("migrations", None, target, folder=tmp_path, migrations=migrations, **known)
    assert [one.code for one in found if not one.holds] == ["migrations.apply_failed", "migrations.unmanaged"]
    assert 'column "oops" does not exist' in found[0].sentence


def test_a_way_down_that_fails_or_forgets_is_judged_as_the_page_says(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Where no way down is wanted, its faults can be warnings, or nothing."""
    migrations = alembic_tree(tmp_path, {"a": None})
    revision(tmp_path / "m" / "versions", "b", "a", back='raise NotImplementedError("no way back")')
    known = rehearsed(target, tmp_path, migrations)
    finding = fails(target, tmp_path, migrations, "migrations.downgrade_failed", **known)
    assert finding.severity is Severity.FAIL
    assert (
        fails(target, tmp_path, migrations, "migrations.downgrade_failed", "{down: warn}", **known).severity
        is Severity.WARN
    )
    holds(target, tmp_path, migrations, "{down: ignore}", **known)


def test_what_is_left_behind_fails(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A sequence nobody drops is named."""
    migrations = alembic_tree(tmp_path, {})
    up = 'op.execute("CREATE SEQUENCE IF NOT EXISTS numbers")'
    revision(tmp_path / "m" / "versions", "a", up=up, back="pass")
    finding = fails(target, tmp_path, migrations, "migrations.left_behind", **rehearsed(target, tmp_path, migrations))
    assert finding.evidence == ({"left behind": "sequence public.numbers"},)


@pytest.mark.parametrize(
    ("rehearsal", "code"),
    [
        (Rehearsal(("up",), drift=("Column a.n is declared and not there.",), ready=True), "migrations.drift"),
        (
            Rehearsal(("up",), failed_step="drift", failure="No module named 'app'", ready=True),
            "migrations.models_unreadable",
        ),
        (Rehearsal(("up", "down"), failed_step="up again", failure="a: type exists"), "migrations.reapply_failed"),
    ],
)
def test_each_outcome_of_a_rehearsal_has_its_code(
    tmp_path: Path, target: EmbeddedTarget, rehearsal: Rehearsal, code: str
) -> None:
    """What the walk and the comparison found is told apart; tests/migrations shows when they find it."""
    migrations = alembic_tree(tmp_path, LINE)
    alembic(target, tmp_path, "upgrade", "head")
    finding = fails(target, tmp_path, migrations, code, disposable=True, rehearsal=rehearsal)
    assert finding.sentence.endswith((rehearsal.failure or "declared and not there.",))


def test_drift_can_be_a_warning(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A page may be content to know of it; without a difference the finding holds either way."""
    migrations = alembic_tree(tmp_path, LINE)
    alembic(target, tmp_path, "upgrade", "head")
    known = {"disposable": True, "rehearsal": Rehearsal(("up",), drift=("Table a is there and not declared.",))}
    assert fails(target, tmp_path, migrations, "migrations.drift", "{drift: warn}", **known).severity is Severity.WARN
    holds(target, tmp_path, migrations, "{drift: ignore}", **known)
    known["rehearsal"] = Rehearsal(("up",), drift=())
    assert "migrations.no_drift" in [one.code for one in holds(target, tmp_path, migrations, **known)]


DESTROYING = {**SCRIPTS, "20240303_c": "-- goodbye\nDROP TABLE a", "20240404_d": "TRUNCATE b"}


def test_pending_statements_that_destroy_data_are_a_warning(tmp_path: Path, target: EmbeddedTarget) -> None:
    """On a live database what is still to come is listed with its place; what was applied is past warning."""
    migrations = prisma_tree(tmp_path, SCRIPTS)
    assert rehearse(migrations, tmp_path, target).ready
    prisma_tree(tmp_path / "more", DESTROYING)
    migrations = Migrations("prisma", "more/prisma/migrations")
    known: dict[str, Any] = {"folder": tmp_path, "migrations": migrations, "disposable": False}
    found = findings_of("migrations", None, target, **known)
    assert [one.code for one in found] == ["migrations.behind", "migrations.destroys_data"]
    assert found[1].severity is Severity.WARN
    assert found[1].evidence == (
        {"place": "more/prisma/migrations/20240303_c/migration.sql:2", "statement": "DROP TABLE a"},
        {"place": "more/prisma/migrations/20240404_d/migration.sql:1", "statement": "TRUNCATE b"},
    )
    assert [one.code for one in findings_of("migrations", "{destructive: ignore}", target, **known)] == [found[0].code]
    names = "unnest(ARRAY['20240303_c', '20240404_d']) AS name"
    run_sql(target, f"INSERT INTO _prisma_migrations SELECT name, '', now(), name FROM {names}")
    assert [one.code for one in findings_of("migrations", None, target, **known)] == ["migrations.at_head"]


def test_on_a_disposable_database_all_are_listed_until_reviewed(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Before a deployment every such statement is shown; `reviewed` puts those up to a revision behind."""
    migrations = prisma_tree(tmp_path, DESTROYING)
    known = rehearsed(target, tmp_path, migrations)
    assert len(fails(target, tmp_path, migrations, "migrations.destroys_data", **known).evidence) == 2
    later = fails(target, tmp_path, migrations, "migrations.destroys_data", "{reviewed: 20240303_c}", **known)
    assert [row["statement"] for row in later.evidence] == ["TRUNCATE b"]
    holds(target, tmp_path, migrations, "{reviewed: 20240404_d}", **known)


def test_a_review_of_a_revision_that_is_not_there_is_told(tmp_path: Path, target: EmbeddedTarget) -> None:
    """A misspelt `reviewed` does not quietly stand for nothing."""
    migrations = prisma_tree(tmp_path, SCRIPTS)
    assert rehearse(migrations, tmp_path, target).ready
    finding = fails(target, tmp_path, migrations, "migrations.reviewed_unknown", "{reviewed: 20240202_c}")
    assert finding.sentence.endswith("is no migration of these files; did you mean `20240202_b`?")


def test_every_code_is_explained() -> None:
    """A code of a finding that does not hold says why it matters and how to fix it."""
    well = {"migrations.at_head", "migrations.rehearsed", "migrations.no_drift"}
    for name, code in CODES.items():
        assert code.meaning.endswith("."), name
        assert (not code.fix) == (not code.why) == (name in well), name


def test_asking_imports_no_library() -> None:
    """A live check of Alembic's state loads neither Alembic nor SQLAlchemy, and the catalog not even our own reader."""
    script = (
        "import sys; import checks.catalog.migrations; "
        "loaded = [name for name in sys.modules if name.startswith('checks.migrations')]; "
        "assert loaded == ['checks.migrations', 'checks.migrations.outcome'], loaded; "
        "import checks.migrations.compare, checks.migrations.alembic, checks.migrations.prisma, checks.migrations.sql; "
        "assert not {'alembic', 'sqlalchemy', 'psycopg', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_parameters_have_defaults_that_need_no_writing() -> None:
    """`migrations: {}` is the whole check."""
    assert CHECK.params is Parameters
    assert Parameters() == Parameters(heads="one", destructive="warn", reviewed=None, down="fail", drift="fail")
