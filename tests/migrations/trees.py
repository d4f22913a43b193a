"""Small migration folders, made as people make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent

from checks.runbook.model import Migrations

Reference = str | Sequence[str] | None

ENV = """
import os
from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool


def run(connection):
    context.configure(connection=connection, {options})
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    with create_engine(url, poolclass=NullPool).connect() as connection:
        run(connection)
"""

REVISION = '''"""{title}."""
from alembic import op
import sqlalchemy as sa

revision = {revision!r}
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = {depends!r}


def upgrade():
{up}


def downgrade():
{back}
'''


def revision(
    folder: Path,
    name: str,
    down: Reference = None,
    *,
    depends: Reference = None,
    labels: Reference = None,
    up: str = "",
    back: str = "",
) -> Path:
    """One revision file. Without `up` and `back` it creates and drops a table named after it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_of_a_test.py"
    path.write_text(
        REVISION.format(
            title=f"Revision {name}",
            revision=name,
            down=down,
            labels=labels,
            depends=depends,
            up=indent(up or f'op.create_table("t_{name}", sa.Column("n", sa.Integer))', "    "),
            back=indent(back or f'op.drop_table("t_{name}")', "    "),
        )
    )
    return path


def alembic_tree(
    root: Path, graph: Mapping[str, Reference], *, env: str = ENV, options: str = "", ini: str = ""
) -> Migrations:
    """An Alembic environment in `root / "m"` with these revisions and what each continues."""
    place = root / "m"
    place.mkdir(exist_ok=True)
    (place / "alembic.ini").write_text(f"[alembic]\nscript_location = %(here)s\npath_separator = os\n{ini}")
    (place / "env.py").write_text(env.replace("{options}", options))
    for name, down in graph.items():
        revision(place / "versions", name, down)
    return Migrations("alembic", "m")


def prisma_tree(root: Path, scripts: Mapping[str, str]) -> Migrations:
    """Prisma's folders, each with its script."""
    for name, script in scripts.items():
        folder = root / "prisma" / "migrations" / name
        folder.mkdir(parents=True)
        (folder / "migration.sql").write_bytes(script.encode())
    (root / "prisma" / "migrations" / "migration_lock.toml").write_text('provider = "postgresql"\n')
    return Migrations("prisma", "prisma/migrations")


def sql_tree(root: Path, scripts: Mapping[str, str]) -> Migrations:
    """A folder of SQL files."""
    (root / "sql").mkdir(exist_ok=True)
    for name, script in scripts.items():
        (root / "sql" / name).write_text(script)
    return Migrations("sql", "sql")
