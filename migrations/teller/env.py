"""Runs teller's migrations on the connection Alembic is handed, else on DATABASE_URL or its SQLite default.

Alembic loads it, whether started as `alembic -c migrations/teller/alembic.ini …` or by a program that puts a
connection of its own into `config.attributes["connection"]`:
https://alembic.sqlalchemy.org/en/latest/cookbook.html#sharing-a-connection-across-one-or-more-programmatic-migration-commands
"""

from __future__ import annotations

import os
from pathlib import Path
from runpy import run_path

from alembic import context
from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

# Loaded by path, not by name: several systems' migrations may run in one process, and each has a `models.py`.
metadata = run_path(str(Path(__file__).with_name("models.py")))["metadata"]


def database_url() -> URL:
    """DATABASE_URL with the driver that is installed; without it, the file that teller itself falls back to."""
    url = make_url(os.environ.get("DATABASE_URL") or "sqlite:///devin_teller.db")
    return url.set(drivername="postgresql+psycopg") if url.drivername.startswith("postgres") else url


def migrate(connection: Connection) -> None:
    """Run the revisions asked for, in one transaction."""
    # SQLite cannot alter most of a table in place: Alembic copies it instead, and only does so when told.
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


def online() -> None:
    """Migrate a database: the one we were handed, or the one DATABASE_URL names."""
    if (given := context.config.attributes.get("connection")) is not None:
        migrate(given)
        return
    with create_engine(database_url(), poolclass=NullPool).connect() as connection:
        migrate(connection)


def offline() -> None:
    """Write the revisions as SQL for somebody else to run: `alembic upgrade head --sql`. Asks no database."""
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    online()
