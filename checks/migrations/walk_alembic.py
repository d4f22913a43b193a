"""Alembic's migrations, run by Alembic's own API with the project's env.py.

The env.py decides which database it goes to: it may take the connection from `config.attributes["connection"]`, as the
cookbook shows, or make one from DATABASE_URL. One that reads its address elsewhere would migrate, and downgrade, some
other database. So the connection it comes up with is looked at before a single statement runs, and another server's is
refused. https://alembic.sqlalchemy.org/en/latest/cookbook.html#connection-sharing
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import util as alembic_util
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, exc, text
from sqlalchemy.pool import NullPool

from checks.check import SQLITE
from checks.migrations.alembic import version_table
from checks.migrations.alembic_config import Settings, settings
from checks.migrations.alone import alone
from checks.migrations.history import VersionTable
from checks.migrations.outcome import Rehearsal
from checks.migrations.walk import StepFailed, Walk
from checks.runbook.model import Migrations
from checks.targets.session import Endpoint, Target
from checks.targets.url import sqlalchemy_url

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, RevisionStep

Steps = Callable[[Any, "MigrationContext"], list["RevisionStep"]]
_IDENTITY = {
    "postgresql": "SELECT pg_postmaster_start_time()::text || ' ' || current_database()",
    "sqlite": "SELECT file FROM pragma_database_list WHERE name = 'main'",
}
_SERVER_SIDE = "-c statement_timeout=120s -c lock_timeout=20s"
# What env.py tells Alembic of how to compare, which a comparison of ours must honour:
_COMPARING = ("include_object", "include_name", "include_schemas", "compare_type", "compare_server_default")


def rehearse_alembic(migrations: Migrations, folder: Path, target: Target) -> Rehearsal:
    """The whole walk, in a room of its own. Nothing the project prints is heard, and none of its modules stay."""
    with _at_work(migrations, folder, target) as walk:
        return walk.walk()


def advance_alembic(migrations: Migrations, folder: Path, target: Target) -> None:
    """Only the way up, in the same room, from wherever the database stands. Raises StepFailed."""
    with _at_work(migrations, folder, target) as walk:
        walk.up()


@contextmanager
def _at_work(migrations: Migrations, folder: Path, target: Target) -> Iterator[AlembicWalk]:
    found = settings(folder / migrations.path)
    place = folder / migrations.path
    paths = [*found.prepend_sys_path, place.parent if place.is_file() else place]
    url = sqlalchemy_url(_endpoint(target))
    with alone(paths, {"DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://", 1)}):
        yield AlembicWalk(migrations, folder, target, found, url)


def _endpoint(target: Target) -> Endpoint:
    """The Unix socket where the target has one, since nothing is learnt from a TLS handshake here."""
    endpoint: Endpoint = getattr(target, "socket_endpoint", target.endpoint)
    return endpoint


class AlembicWalk(Walk):
    """One Alembic environment on one database."""

    def __init__(self, migrations: Migrations, folder: Path, target: Target, found: Settings, url: str) -> None:
        self.target = target
        self._migrations = migrations
        self._table = version_table(folder, migrations)
        self._config = configuration(found, url)
        self._script = ScriptDirectory.from_config(self._config)
        options = {"options": _SERVER_SIDE} if target.engine != SQLITE else {}
        self._engine = create_engine(url, poolclass=NullPool, connect_args=options)
        self._configured: dict[str, Any] = {}

    def version_table(self) -> VersionTable:
        """The table env.py really uses, which only running it can tell."""
        name = self._configured.get("version_table") or self._table.name
        return VersionTable(name, self._configured.get("version_table_schema") or self._table.schema)

    def no_way_down(self) -> str:
        """Every revision has a `downgrade()`; whether it does anything is seen by walking it."""
        return ""

    def up(self) -> None:
        """Every revision up to all heads, in as many transactions as env.py says."""
        self._run(lambda current, _context: self._script._upgrade_revs("heads", current))

    def down(self) -> None:
        """One revision at a time, so that each is committed on its own and the one that fails is known."""
        while self._run(lambda current, _context: self._script._downgrade_revs("base", current)[:1]):
            pass

    def drift(self) -> tuple[str, ...] | None:
        """The differences Alembic's autogenerate would turn into a migration."""
        if self._migrations.metadata is None:
            return None
        from checks.migrations.drift import differences, load_metadata

        options = {key: self._configured[key] for key in _COMPARING if key in self._configured}
        try:
            metadata = load_metadata(self._migrations.metadata)
            with self._engine.connect() as connection:
                return differences(connection, metadata, self.version_table(), options)
        except (Exception, SystemExit) as error:  # importing models runs the project's code
            raise StepFailed(f"{self._migrations.metadata}: {_words(error)}") from error

    def _run(self, steps: Steps) -> bool:
        """Run env.py with these steps to take; whether it took any. Raises StepFailed."""
        taken: list[str] = []

        def work(current: Any, context: MigrationContext) -> Iterator[RevisionStep]:
            self._configured = dict(context.opts)
            self._configured |= {"version_table": context.version_table}
            for step in steps(current, context):
                taken.append(step.revision.revision)
                yield step
            taken.append("")

        try:
            with self._engine.connect() as connection:
                self._config.attributes["connection"] = connection
                with guarded(self._config, self._script, identity(connection), work):
                    self._script.run_env()
                connection.commit()
        except (Exception, SystemExit) as error:  # env.py and revisions are the project's code
            at = f"{taken[-1]}: " if taken and taken[-1] else ""
            raise StepFailed(f"{at}{_words(error)}") from error
        if not taken:
            raise StepFailed(f"{self._script.dir}/env.py ran to its end without calling context.run_migrations().")
        return len(taken) > 1


def guarded(config: Config, script: ScriptDirectory, wanted: str, work: Callable[..., Any]) -> EnvironmentContext:
    """Alembic's environment, in which env.py can only configure a connection to the database `wanted`."""
    environment = EnvironmentContext(config, script, fn=work, destination_rev=None)
    configure = environment.configure

    def configure_guarded(*arguments: Any, **options: Any) -> None:
        connection = arguments[0] if arguments else options.get("connection")
        if connection is None or identity(connection) != wanted:
            raise alembic_util.CommandError(
                "env.py configured Alembic with another database than the disposable one, so nothing was run. It must "
                'take config.attributes["connection"], or the URL in DATABASE_URL; else declare a `command`.'
            )
        configure(*arguments, **options)

    # Alembic shares its proxies by exact class, so a subclass that overrides it would not be found by env.py.
    environment.configure = configure_guarded  # type: ignore[method-assign]
    return environment


def identity(connection: Connection) -> str:
    """What tells this database from every other: the server's moment of birth and the name, or the file."""
    began_here = not connection.in_transaction()
    query = _IDENTITY.get(connection.dialect.name)
    found = str(connection.execute(text(query)).scalar()) if query else connection.dialect.name
    if began_here:
        # Alembic commits only what it began itself, and must not find a transaction of ours.
        connection.rollback()
    return found


def configuration(found: Settings, url: str) -> Config:
    """The project's configuration with every path absolute, so that no working folder matters, and our URL."""
    config = Config(found.ini or None, toml_file=found.toml or None)
    config.set_main_option("script_location", _escaped(found.script_location.absolute()))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(_escaped(one.absolute()) for one in found.version_locations))
    config.set_main_option("prepend_sys_path", "\n".join(_escaped(one.absolute()) for one in found.prepend_sys_path))
    config.set_main_option("sqlalchemy.url", _escaped(url))
    return config


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def _words(error: BaseException) -> str:
    """What the database, Alembic or Python said, without the statement and its parameters."""
    if isinstance(error, exc.DBAPIError) and error.orig is not None:
        # The server's detail may quote a row, so only its message is taken where the driver tells them apart.
        message = getattr(getattr(error.orig, "diag", None), "message_primary", None) or str(error.orig)
        state = getattr(error.orig, "sqlstate", None)
        return f"{message} (SQLSTATE {state})" if state else message
    if isinstance(error, alembic_util.CommandError):
        return str(error)
    return f"{type(error).__name__}: {error}"
