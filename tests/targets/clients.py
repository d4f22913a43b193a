"""The clients whose failures are diagnosed: our own session, psycopg, and SQLAlchemy with asyncpg."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from checks.check import Query
from checks.errors import CouldNotTell
from checks.targets.exceptions import Diagnosis, diagnose_exception
from checks.targets.session import Endpoint
from checks.targets.sessions import open_session
from checks.targets.url import conninfo

HEALTHY = Diagnosis("healthy", "Nothing failed.")
ENOUGH = 5.0  # seconds to connect where nothing is to time out
Client = Callable[[Endpoint, Sequence[str], float], Diagnosis]


def pgrunbook(endpoint: Endpoint, queries: Sequence[str], timeout: float) -> Diagnosis:
    """Our own session, which sets its timeouts by itself: only the last query is asked."""
    try:
        session = open_session(endpoint, timeout=timeout, obtained="a test")
    except CouldNotTell as failure:
        return Diagnosis(failure.code, failure.sentence)
    try:
        for query in queries[-1:]:
            [answer] = session.ask([Query(query)], patience=ENOUGH)
            if answer.error is not None:
                return Diagnosis(answer.error.code, answer.error.sentence)
    finally:
        session.close()
    return HEALTHY


def psycopg_alone(endpoint: Endpoint, queries: Sequence[str], timeout: float) -> Diagnosis:
    """psycopg, as a service uses it. It waits two seconds at least."""
    try:
        parameters: dict[str, Any] = {**conninfo(endpoint), "connect_timeout": round(max(2.0, timeout))}
        with psycopg.connect(**parameters, autocommit=True) as connection:
            for query in queries:
                connection.execute(query.encode())
    except (psycopg.Error, OSError) as error:
        return diagnose_exception(error, endpoint)
    return HEALTHY


def sqlalchemy_with_asyncpg(endpoint: Endpoint, queries: Sequence[str], timeout: float) -> Diagnosis:
    """SQLAlchemy's asynchronous engine on asyncpg, as a service uses it."""
    try:
        asyncio.run(_by_asyncpg(endpoint, queries, timeout))
    except Exception as error:  # noqa: BLE001 - whatever a service would see in its log
        return diagnose_exception(error, endpoint)
    return HEALTHY


async def _by_asyncpg(endpoint: Endpoint, queries: Sequence[str], timeout: float) -> None:
    arguments = {
        "host": endpoint.host,
        "port": endpoint.port or 5432,
        "user": endpoint.user,
        "password": endpoint.password,
        "database": endpoint.database,
        "ssl": None if endpoint.is_socket else _ssl(endpoint.options),
        "timeout": timeout,
    }
    engine = create_async_engine("postgresql+asyncpg://", connect_args=arguments, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            for query in queries:
                await connection.execute(text(query))
    finally:
        await engine.dispose()
        await _without_leftovers()


async def _without_leftovers() -> None:
    """asyncpg leaves a transport that says goodbye in its own time to a loop that is about to end."""
    loop: Any = asyncio.get_running_loop()
    for transport in list(loop._transports.values()):
        transport.abort()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _ssl(options: Mapping[str, str]) -> str | ssl.SSLContext:
    if options.get("sslmode") == "verify-full":
        return ssl.create_default_context(cafile=options["sslrootcert"])
    return options.get("sslmode", "prefer")


CLIENTS: Mapping[str, Client] = {
    "pgrunbook": pgrunbook,
    "psycopg": psycopg_alone,
    "SQLAlchemy with asyncpg": sqlalchemy_with_asyncpg,
}


def everyone_says(
    code: str,
    endpoints: Iterable[Endpoint],
    *queries: str,
    timeout: float = ENOUGH,
    clients: Mapping[str, Client] = CLIENTS,
) -> list[str]:
    """Each client fails with `code` at each endpoint; what each said of it. They are asked side by side."""
    asked = [
        (f"{name} over {'the socket' if endpoint.is_socket else 'TCP'}", client, endpoint)
        for name, client in clients.items()
        for endpoint in endpoints
    ]
    with ThreadPoolExecutor(len(asked)) as pool:
        found = list(pool.map(lambda one: one[1](one[2], queries or ["SELECT 1"], timeout), asked))
    told = {name: diagnosis for (name, _, _), diagnosis in zip(asked, found, strict=True)}
    wrong = {name: diagnosis for name, diagnosis in told.items() if diagnosis.code != code}
    assert not wrong, f"not {code}: {wrong}"
    return [diagnosis.sentence for diagnosis in found]
