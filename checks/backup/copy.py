"""The restored copy: a database on a disposable server, and the role that restores and reads it.

That role owns the database and is no superuser. Only what no dump can order is done by the superuser: to make the roles
of `checks.backup.groundwork` and the extensions that need one.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping
from typing import Any

import psycopg

from checks import secrets
from checks.backup.extensions import is_harmless
from checks.backup.groundwork import OWNERS, RESTORER, create_database, create_roles, create_substitutes, open_up
from checks.backup.mentions import Mentions
from checks.backup.unwell import ailment, said
from checks.check import POSTGRESQL, Engine
from checks.errors import TargetFailed
from checks.migrations.history import quote_identifier
from checks.targets.embedded import EmbeddedServer
from checks.targets.session import Endpoint, Session

_RESERVED = frozenset({"postgres", "template0", "template1"})
# The version that would be made, and what has to be there before it.
_OFFERED = """
SELECT e.name, bool_or(v.trusted), coalesce(array_agg(DISTINCT r) FILTER (WHERE r IS NOT NULL), '{}')
FROM pg_available_extensions AS e JOIN pg_available_extension_versions AS v
     ON v.name = e.name AND v.version = e.default_version
LEFT JOIN LATERAL unnest(v.requires) AS r ON true
GROUP BY e.name
"""
_OPEN_LANGUAGE = """
UPDATE pg_language SET lanpltrusted = true
WHERE oid IN (SELECT d.objid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
              WHERE d.classid = 'pg_language'::regclass AND d.refclassid = 'pg_extension'::regclass
                AND d.deptype = 'e' AND e.extname = %s)
"""


class Copy:
    """One database on a server of ours, as the rest of the project sees a database: a `Target`."""

    name = "restored copy"
    engine: Engine = POSTGRESQL
    disposable = True

    def __init__(
        self,
        server: EmbeddedServer,
        database: str,
        password: str,
        *,
        encoding: str,
        locale: str,
        as_files: bool = False,
    ) -> None:
        """See `on` and `of`. It came `as_files` where nothing of it was made anew, its indexes neither."""
        self.server = server
        self.came_as_files = as_files
        self.database = database
        self.encoding, self.locale = encoding, locale
        self.known = Mentions()
        self.missing_extensions: set[str] = set()
        self.refused_extensions: set[str] = set()
        self.allowed_extensions: frozenset[str] = frozenset()  # beyond those known to be harmless, by the page
        self.made_schemas: set[str] = set()
        self.substituted: set[str] = set()
        self._password = password

    @classmethod
    def on(cls, server: EmbeddedServer, database: str = "", *, encoding: str = "", locale: str = "") -> Copy:
        """An empty database on a server that is used for nothing else. Raises TargetFailed.

        It has the name, encoding and locale of its source, where these are known and can be had here.
        """
        name = database if database and database not in _RESERVED else "restored"
        password = random.token_urlsafe(24)
        secrets.remember(password)
        try:
            server.hide_superuser()
            with server.connect() as connection:
                create_roles(connection, password)
                used = create_database(connection, name, encoding, locale)
            copy = cls(server, name, password, encoding=used[0], locale=used[1])
            with server.connect(name) as connection:
                open_up(connection, name)
        except psycopg.Error as error:
            raise _failed("The disposable database could not be prepared", error) from error
        return copy

    @classmethod
    def of(cls, server: EmbeddedServer, database: str) -> Copy:
        """A database that came whole, with its own roles: only the role that reads is made. Raises TargetFailed."""
        password = random.token_urlsafe(24)
        secrets.remember(password)
        try:
            with server.connect() as connection:
                create_roles(connection, password)
            copy = cls(server, database, password, encoding="", locale="", as_files=True)
        except psycopg.Error as error:
            raise _failed("The recovered copy could not be prepared", error) from error
        copy.settle()
        return copy

    @property
    def obtained(self) -> str:
        """How the server was come by, as the report says it."""
        return self.server.obtained

    @property
    def endpoint(self) -> Endpoint:
        """Over TCP, with TLS where the server has it."""
        return self._as_restorer(self.server.endpoint(self.database))

    @property
    def socket_endpoint(self) -> Endpoint:
        """Over the Unix socket: how `open` gets in."""
        return self._as_restorer(self.server.socket_endpoint(self.database))

    def _as_restorer(self, where: Endpoint) -> Endpoint:
        return Endpoint(
            POSTGRESQL, where.host, where.port, RESTORER, self._password, where.database, dict(where.options)
        )

    @property
    def variables(self) -> dict[str, str]:
        """libpq's variables for a client program; of no use to anybody once the server is gone."""
        return {
            "PGHOST": str(self.server.folder.socket),
            "PGPORT": str(self.server.port),
            "PGUSER": RESTORER,
            "PGPASSWORD": self._password,
            "PGDATABASE": self.database,
            "PGAPPNAME": "pgrunbook restore",
            "PGCONNECT_TIMEOUT": "10",
            "PGOPTIONS": "-c statement_timeout=0 -c lock_timeout=0",
        }

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> Session:
        """A new session over the socket, as the role that restored. Raises ConnectionFailed."""
        from checks.targets.sessions import open_session

        return open_session(self.socket_endpoint, writable=writable, timeout=timeout, obtained=self.obtained)

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the role that restored, each statement a transaction. Raises psycopg.Error."""
        where = self.socket_endpoint
        return psycopg.connect(
            host=where.host, port=where.port, user=where.user, password=where.password, dbname=where.database,
            autocommit=True, application_name="pgrunbook",
        )  # fmt: skip

    def as_superuser(self) -> psycopg.Connection[Any]:
        """A connection of the superuser that no setting or object of the dump leads astray. Raises psycopg.Error."""
        return self.server.connect(self.database, search_path="pg_catalog")

    def provide(self, mentioned: Mentions) -> None:
        """Make the roles and extensions that a dump mentions and that are not there yet. Raises TargetFailed."""
        new = mentioned.beyond(self.known)
        self.known |= mentioned
        if not new.roles and not new.extensions:
            return
        try:
            with self.as_superuser() as connection:
                self.substituted |= set(create_substitutes(connection, new.roles))
                self._create_extensions(connection, new.extensions)
        except psycopg.Error as error:
            raise _failed("The roles of the dump could not be made here", error) from error

    def _create_extensions(self, connection: psycopg.Connection[Any], wanted: Mapping[str, str]) -> None:
        """Those that only a superuser may create; the dump creates the others itself."""
        found = connection.execute(_OFFERED).fetchall()
        trusted = {name for name, is_trusted, _ in found if is_trusted}
        needs = {name: set(required) for name, _, required in found}
        for name, schema in wanted.items():
            if name not in needs:
                self.missing_extensions.add(name)
            elif not all(self._may_have(one) or one in trusted for one in _with_what_it_needs(name, needs)):
                self.refused_extensions.add(name)
            elif name not in trusted:
                self._create_extension(connection, name, schema)

    def _may_have(self, name: str) -> bool:
        return is_harmless(name) or name in self.allowed_extensions

    def _create_extension(self, connection: psycopg.Connection[Any], name: str, schema: str) -> None:
        if schema and schema not in {"public", "pg_catalog"}:
            connection.execute(
                f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)} AUTHORIZATION {RESTORER}".encode()
            )
            self.made_schemas.add(schema)
        into = f" SCHEMA {quote_identifier(schema)}" if schema and schema != "pg_catalog" else ""
        try:
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {quote_identifier(name)}{into} CASCADE".encode())
        except psycopg.Error:  # it needs a library loaded at start, or another of its own: the restore will say so
            self.missing_extensions.add(name)
            return
        # A dump comments on its extensions, which only their owner may.
        connection.execute("UPDATE pg_extension SET extowner = %s::regrole WHERE extname = %s", (RESTORER, name))
        if name in self.allowed_extensions:  # of a language nobody but a superuser could make use
            connection.execute(_OPEN_LANGUAGE, (name,))

    def settle(self) -> None:
        """Take back what was only for the restore, and let the role that restored read all it has to."""
        try:
            with self.as_superuser() as connection:
                connection.execute(f"DROP EVENT TRIGGER IF EXISTS {OWNERS}")
                connection.execute(f"DROP SCHEMA IF EXISTS {OWNERS} CASCADE")
                connection.execute(f"DROP OWNED BY {OWNERS}")
                connection.execute(f"GRANT pg_monitor, pg_read_all_data TO {RESTORER}")
                connection.execute(f"ALTER ROLE {RESTORER} BYPASSRLS")  # else row-level security hides what came back
        except psycopg.Error as error:
            raise _failed("The restored database could not be made ready to be read", error) from error

    def duplicate(self, name: str) -> Copy:
        """A second database with the same content, to try things on. Nobody may be connected. Raises TargetFailed."""
        strategy = " STRATEGY file_copy" if self.server.binaries.major >= 15 else ""
        self.server.execute(
            f"CREATE DATABASE {quote_identifier(name)} TEMPLATE {quote_identifier(self.database)}"
            f" OWNER {RESTORER}{strategy}"
        )
        return Copy(self.server, name, self._password, encoding=self.encoding, locale=self.locale)

    def start_again(self) -> None:
        """Drop the database and make it anew, empty: a restore that stopped half-way is not gone on with."""
        try:
            self.server.drop_database(self.database)
            with self.server.connect() as connection:
                create_database(connection, self.database, self.encoding, self.locale)
            with self.server.connect(self.database) as connection:
                open_up(connection, self.database)
        except psycopg.Error as error:
            raise _failed("The disposable database could not be made anew", error) from error
        known, self.known, self.made_schemas = self.known, Mentions(), set()
        self.provide(known)

    def close(self) -> None:
        """Stop the server, which removes all it wrote. Closing twice is harmless."""
        self.server.stop()


def _with_what_it_needs(name: str, needs: Mapping[str, set[str]]) -> set[str]:
    """The extension and all that would be made with it."""
    found, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += needs.get(one, ())
    return found


def _failed(sentence: str, error: psycopg.Error) -> TargetFailed:
    return TargetFailed(f"{sentence}: {said(error)}.", code=ailment(error) or "run.no_target")
