"""Runs blackroad's migrations on the connection Alembic is handed, else on the database DATABASE_URL names.

Alembic loads it, whether started as `alembic -c migrations/blackroad/alembic.ini …` or by a program that puts a
connection of its own into `config.attributes["connection"]`:
https://alembic.sqlalchemy.org/en/latest/cookbook.html#sharing-a-connection-across-one-or-more-programmatic-migration-commands
"""

from __future__ import annotations

import os
from pathlib import Path
from runpy import run_path

from alembic import context
from alembic.util import CommandError
from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

# Loaded by path, not by name: several systems' migrations may run in one process, and each has a `models.py`.
metadata = run_path(str(Path(__file__).with_name("models.py")))["metadata"]


def database_url() -> URL:
    """DATABASE_URL with a driver Alembic can use: the application's own form of it may name an asynchronous one."""
    if not os.environ.get("DATABASE_URL"):
        raise CommandError("DATABASE_URL is not set: export the URL of the database to migrate")
    url = make_url(os.environ["DATABASE_URL"])
    return url.set(drivername="postgresql+psycopg") if url.drivername.startswith("postgres") else url


def migrate(connection: Connection) -> None:
    """Run the revisions asked for, in one transaction."""
    context.configure(connection=connection, target_metadata=metadata)
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
