"""A database with one of everything: each type, each kind of object, and names that ask to be quoted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from checks.targets.embedded import EmbeddedServer

SCRIPT = Path(__file__).with_name("odd.sql")
ROLE = "odd_reader"
XML = """UPDATE every SET x = '<?xml version="1.0" encoding="UTF-8"?><a>é</a>' WHERE id = 1"""
BY_CASE = "CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"


@contextmanager
def database(server: EmbeddedServer, name: str) -> Iterator[str]:
    """An empty database and the role that the odd one speaks of."""
    server.execute(f"DO $$ BEGIN CREATE ROLE {ROLE}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    server.create_database(name)
    try:
        yield name
    finally:
        server.drop_database(name)


@contextmanager
def odd(server: EmbeddedServer, name: str) -> Iterator[str]:
    """The odd database, with what this build of the server has: XML, and collations that know no case."""
    with database(server, name):
        with server.connect(name) as connection:
            connection.execute(SCRIPT.read_bytes())
            if has(connection, XML):
                connection.execute(XML.encode())
            if has(connection, BY_CASE):
                connection.execute(
                    b"ALTER TABLE every ADD uncased text COLLATE no_case DEFAULT 'Word', "
                    b"ADD several text[] COLLATE no_case DEFAULT '{Word}'"
                )
        yield name


def has(connection: psycopg.Connection[object], sql: str) -> bool:
    """Run it; False where this build of the server was made without it."""
    try:
        connection.execute(sql.encode())
    except psycopg.errors.FeatureNotSupported:
        return False
    return True


def moved(source: EmbeddedServer, name: str, to: EmbeddedServer, as_: str) -> None:
    """Dump a database by its own server's program, and restore it by the other's, without a word of complaint."""
    there = ["-h", str(source.folder.socket), "-p", str(source.port), "-U", "postgres"]
    here = ["-h", str(to.folder.socket), "-p", str(to.port), "-U", "postgres", "-d", as_]
    dump = _run(source, "pg_dump", *there, "-Fc", "-Z1", name)
    _run(to, "pg_restore", "--exit-on-error", *here, given=dump)


def _run(server: EmbeddedServer, program: str, *arguments: str, given: bytes = b"") -> bytes:
    ended = subprocess.run(
        [server.binaries.program(program), *arguments],
        input=given,
        capture_output=True,
        env={**os.environ, **server.binaries.environment},
        timeout=50,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b""), ended.stderr.decode()
    return ended.stdout
