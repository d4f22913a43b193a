"""Exceptions as services meet them: by whatever library they come, they have the codes of the checks."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import QueuePool

from checks.catalog.codes import documented
from checks.errors import ConnectionFailed
from checks.targets.embedded import EmbeddedTarget
from checks.targets.exceptions import Diagnosis, diagnose_exception
from checks.targets.session import Endpoint
from checks.targets.url import parse, sqlalchemy_url
from tests.targets.embedding import run_python


def raised(act: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as error:  # noqa: PT011 - whatever it is, it is to be diagnosed
        act()
    return error.value


def code_of(error: BaseException) -> str:
    diagnosis = diagnose_exception(error)
    assert diagnosis.code in documented()
    assert diagnosis.sentence.endswith(".")
    return diagnosis.code


SECRET = "s3cr3t-w0rd"
MALFORMED = {
    "a driver, for libpq": lambda: psycopg.connect(f"postgresql+asyncpg://u:{SECRET}@h/d"),
    "a driver, for asyncpg": lambda: asyncio.run(asyncpg.connect(f"postgresql+asyncpg://u:{SECRET}@h/d")),
    "no driver, for SQLAlchemy": lambda: sqlalchemy.create_engine(f"postgres://u:{SECRET}@h/d"),
    "no URL, for SQLAlchemy": lambda: sqlalchemy.create_engine(f"u:{SECRET}@h/d"),
    "no URL, for libpq": lambda: psycopg.connect(f"u:{SECRET}@h/d"),
    "an `@` in the password, for libpq": lambda: psycopg.connect(f"postgresql://u:12@{SECRET}@h/d"),
    "a `/` in the password, for libpq": lambda: psycopg.connect(f"postgresql://u:{SECRET}/{SECRET}@h/d"),
    "a `/` in the password, for asyncpg": lambda: asyncio.run(asyncpg.connect(f"postgresql://u:{SECRET}/x@h/d")),
    "a `/` in the password, for SQLAlchemy": lambda: sqlalchemy.create_engine(f"postgresql+psycopg://u@h:{SECRET}/d"),
    "a `%` in the password, for libpq": lambda: psycopg.connect(f"postgresql://u:{SECRET}%zz@h/d"),
    "an unknown parameter, for libpq": lambda: psycopg.connect(f"postgresql://u:{SECRET}@h/d?pool={SECRET}"),
    "ours": lambda: parse(f"postgresql://u:{SECRET}@x@h/d", source="DATABASE_URL"),
}


@pytest.mark.parametrize("mistake", MALFORMED)
def test_a_malformed_url_is_recognised_and_not_repeated(mistake: str) -> None:
    """Drivers quote what they cannot read, password included; the diagnosis does not."""
    diagnosis = diagnose_exception(raised(MALFORMED[mistake]))
    assert diagnosis.code == "environment.malformed"
    assert SECRET not in diagnosis.sentence


@pytest.mark.parametrize(
    ("mistake", "why"),
    [
        ("a driver, for libpq", "it names a driver after a `+`"),
        ("a driver, for asyncpg", "it names a driver after a `+`"),
        ("no driver, for SQLAlchemy", "it begins with `postgres://`"),
        ("an `@` in the password, for libpq", "an `@` that is not written %40"),
    ],
)
def test_the_commonest_mistakes_in_a_url_are_told(mistake: str, why: str) -> None:
    """What a colleague would see at once is said."""
    assert why in diagnose_exception(raised(MALFORMED[mistake])).sentence


def by_asyncpg(endpoint: Endpoint, **arguments: Any) -> Diagnosis:
    """What a service with SQLAlchemy on asyncpg is told of arguments that it gives beside the URL."""

    async def connect() -> None:
        url = sqlalchemy.make_url(sqlalchemy_url(endpoint)).set(drivername="postgresql+asyncpg", query={})
        engine = create_async_engine(url, connect_args=arguments)
        try:
            async with engine.connect():
                pass
        finally:
            await engine.dispose()

    return diagnose_exception(raised(lambda: asyncio.run(connect())), endpoint)


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_asyncpg_without_a_root_certificate(
    target: EmbeddedTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """The URL can be read: it is a file that is missing, and its name is told."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    diagnosis = by_asyncpg(target.endpoint, ssl=mode)
    assert diagnosis.code == "connectivity.misconfigured"
    assert diagnosis.sentence.startswith(f"The file `{tmp_path / '.postgresql' / 'root.crt'}` of the authorities")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_asyncpg_with_a_mistyped_root_certificate(
    target: EmbeddedTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """Nothing is known of server and handshake where a file of this side cannot be read."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("PGSSLROOTCERT", str(file))
    told = by_asyncpg(target.endpoint, ssl="verify-full")
    own = diagnose_exception(raised(lambda: ssl.create_default_context(cafile=str(file))), target.endpoint)
    for diagnosis in (told, own):
        assert diagnosis.code == "connectivity.misconfigured"
        assert "a file they name cannot be read: " in diagnosis.sentence


@pytest.mark.parametrize(
    "arguments",
    [{"ssl": "nonsense"}, {"target_session_attrs": "nonsense"}, {"server_settings": {"a": 1}}, {"command_timeout": -1}],
    ids=str,
)
def test_asyncpg_with_arguments_it_cannot_use(target: EmbeddedTarget, arguments: dict[str, Any]) -> None:
    """What is wrong is named by asyncpg, and it is not the URL."""
    diagnosis = by_asyncpg(target.endpoint, **arguments)
    assert diagnosis.code == "connectivity.misconfigured"
    assert diagnosis.sentence.startswith("The connection parameters for the server at host 127.0.0.1")
    assert ("sslmode" if "ssl" in arguments else next(iter(arguments))) in diagnosis.sentence


def test_asyncpg_meets_another_kind_of_server(target: EmbeddedTarget) -> None:
    """A standby is asked for, and a primary is there."""
    diagnosis = by_asyncpg(target.endpoint, target_session_attrs="standby")
    assert diagnosis.code == "connectivity.misconfigured"
    assert "is not of the kind that `target_session_attrs` asks for" in diagnosis.sentence


def test_sqlalchemy_on_psycopg_is_looked_through(target: EmbeddedTarget) -> None:
    """What SQLAlchemy wraps is found, and neither its statement nor its parameters are repeated."""
    engine = sqlalchemy.create_engine(sqlalchemy_url(target.endpoint))
    with engine.connect() as connection:
        query = sqlalchemy.text("SELECT n FROM no_such WHERE n = :n")
        error = raised(lambda: connection.execute(query, {"n": SECRET}))
    engine.dispose()
    diagnosis = diagnose_exception(error)
    assert diagnosis.code == "run.relation_missing"
    assert diagnosis.sentence == (
        'The query names a table or view that is not there: relation "no_such" does not exist (SQLSTATE 42P01).'
    )


def test_details_with_rows_are_not_repeated(target: EmbeddedTarget) -> None:
    """A server's DETAIL names values of rows, and is left out."""
    with psycopg.connect(host=target.socket_endpoint.host, port=target.server.port, user="postgres") as connection:
        connection.execute("CREATE TEMPORARY TABLE t (mail text UNIQUE)")
        connection.execute("INSERT INTO t VALUES ('someone@example.com')")
        error = raised(lambda: connection.execute("INSERT INTO t VALUES ('someone@example.com')"))
    assert "someone" in str(error)
    diagnosis = diagnose_exception(error)
    assert diagnosis.code == "run.query_failed"
    assert "someone" not in diagnosis.sentence


def test_a_pool_without_a_free_connection_is_recognised(target: EmbeddedTarget) -> None:
    """The client's own pool is told apart from a server that is full."""
    url = sqlalchemy_url(target.endpoint)
    engine = sqlalchemy.create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.05)
    with engine.connect():
        error = raised(engine.connect)
    engine.dispose()
    assert code_of(error) == "connectivity.pool_exhausted"


def test_an_asyncpg_connection_that_was_closed_is_lost(target: EmbeddedTarget) -> None:
    """What is asked after the end is lost, though no server said so."""

    async def ask_after_the_end() -> None:
        there = target.socket_endpoint
        connection = await asyncpg.connect(host=there.host, port=there.port, user=there.user, database=there.database)
        await connection.close()
        await connection.execute("SELECT 1")

    assert code_of(raised(lambda: asyncio.run(ask_after_the_end()))) == "connectivity.lost"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (socket.gaierror(-2, "Name or service not known"), "connectivity.host_not_found"),
        (ConnectionRefusedError(111, "Connection refused"), "connectivity.refused"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0)"), "connectivity.refused"),
        (TimeoutError(), "connectivity.timeout"),
        (ConnectionResetError(104, "Connection reset by peer"), "connectivity.lost"),
        (OSError(113, "No route to host"), "connectivity.unreachable"),
        (ssl.SSLError(1, "[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol"), "connectivity.tls_failed"),
        (ConnectionFailed("Nothing listens.", code="connectivity.refused"), "connectivity.refused"),
        (ExceptionGroup("two", [ValueError("x"), ConnectionRefusedError()]), "connectivity.refused"),
        (ValueError("invalid literal for int() with base 10: 'x'"), "run.could_not_tell"),
        (psycopg.OperationalError("nobody has seen this"), "connectivity.failed"),
    ],
)
def test_classes_and_words_are_understood(error: BaseException, code: str) -> None:
    """Where no SQLSTATE is, Python's own classes tell, and then the words."""
    assert code_of(error) == code


def test_what_led_to_an_exception_is_looked_through() -> None:
    """A service that wraps its errors is diagnosed by what it wrapped."""
    wrapping = RuntimeError("the shop is closed")
    wrapping.__cause__ = ConnectionRefusedError()
    assert code_of(wrapping) == "connectivity.refused"


def test_place_role_and_database_are_read_from_the_words() -> None:
    """Without an endpoint, what the driver says names them."""
    words = (
        'connection to server at "h" (10.0.0.1), port 5433 failed: FATAL:  password authentication failed for user "u"'
    )
    said = diagnose_exception(psycopg.OperationalError(words)).sentence
    assert said.startswith("The server at host h, port 5433 rejected the password of the role `u`.")


def test_no_driver_is_imported() -> None:
    """A service that logs a diagnosis pays for none of the libraries it does not use."""
    done = run_python("""
        import sys, checks.targets.exceptions
        print([name for name in ("psycopg", "asyncpg", "sqlalchemy", "pydantic", "dotenv") if name in sys.modules])
    """)
    assert done.stdout.strip() == "[]", done.stderr
