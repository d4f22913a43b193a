"""What a copy stands on before anything is restored: its roles, and an empty database as its source was.

The role that restores owns the database and is no superuser. What a dump says belongs to `app` is given to a substitute
of that name, which can neither log in nor do anything, so that ownership and grants can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from checks.migrations.history import quote_identifier, quote_literal

RESTORER = "pgrunbook_restorer"
OWNERS = "pgrunbook_owners"
# Who is given an object must be allowed to create in its schema, which a dump grants only afterwards, if at all.
_LET_OWNERS_IN = f"""
CREATE SCHEMA {OWNERS};
CREATE FUNCTION {OWNERS}.let_in() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$ DECLARE made text; BEGIN
    FOR made IN SELECT nspname FROM pg_event_trigger_ddl_commands() JOIN pg_namespace ON pg_namespace.oid = objid
                WHERE classid = 'pg_namespace'::regclass LOOP
        EXECUTE format('GRANT CREATE ON SCHEMA %I TO {OWNERS}', made);
    END LOOP;
END $$;
CREATE EVENT TRIGGER {OWNERS} ON ddl_command_end WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION {OWNERS}.let_in();
GRANT CREATE ON SCHEMA public TO {OWNERS};
"""  # noqa: S608 - no name in it is from outside


def create_roles(connection: psycopg.Connection[Any], password: str) -> None:
    """The role that restores, and the one whose members own what a dump gives to roles of its source."""
    verifier = connection.pgconn.encrypt_password(password.encode(), RESTORER.encode(), b"scram-sha-256").decode()
    # Views read with their owner's rights, and who owned them may have been a superuser.
    connection.execute(f"CREATE ROLE {OWNERS} NOLOGIN IN ROLE pg_read_all_data".encode())
    connection.execute(f"CREATE ROLE {RESTORER} LOGIN PASSWORD {quote_literal(verifier)}".encode())


def create_database(connection: psycopg.Connection[Any], name: str, encoding: str, locale: str) -> tuple[str, str]:
    """The database, as its source was if that can be had; the encoding and locale it did get, empty for the usual."""
    strategy = " STRATEGY file_copy" if connection.info.server_version >= 150000 else ""
    made = f"CREATE DATABASE {quote_identifier(name)} OWNER {RESTORER} TEMPLATE template0{strategy}"
    tries = [(encoding, locale), (encoding, "C"), ("", "")] if encoding or locale else [("", "")]
    for position, (wanted, where) in enumerate(tries):
        options = (f" ENCODING {quote_literal(wanted)}" if wanted else "") + (
            f" LOCALE {quote_literal(where)}" if where else ""
        )
        try:
            connection.execute((made + options).encode())
        except (psycopg.errors.WrongObjectType, psycopg.errors.InvalidParameterValue, psycopg.errors.UndefinedObject):
            if position == len(tries) - 1:
                raise
        else:
            return wanted, where
    raise AssertionError("the last try returns or raises")


def open_up(connection: psycopg.Connection[Any], name: str) -> None:
    """Let those who are given objects create them in every schema, and the role that restores own plpgsql."""
    connection.execute(f"GRANT CREATE ON DATABASE {quote_identifier(name)} TO {OWNERS}".encode())
    connection.execute(_LET_OWNERS_IN.encode())
    connection.execute("UPDATE pg_extension SET extowner = %s::regrole WHERE extname = 'plpgsql'", (RESTORER,))


def create_substitutes(connection: psycopg.Connection[Any], names: Iterable[str]) -> list[str]:
    """A role that cannot log in for every name that is not there yet; the names of those made."""
    there = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
    new = [name for name in sorted(names) if name not in there]
    for name in new:
        role = quote_identifier(name)
        connection.execute(f"CREATE ROLE {role} NOLOGIN IN ROLE {OWNERS}".encode())
        connection.execute(f"GRANT {role} TO {RESTORER}".encode())
    return new
