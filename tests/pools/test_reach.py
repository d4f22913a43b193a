"""How the pools reach a server: as its endpoint says, read-only, and by a name of their own."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import psycopg

from checks.pools.reach import Reach
from checks.targets.embedded import EmbeddedTarget

SEEN = """
SELECT current_setting('transaction_read_only'), current_setting('application_name'), ssl
FROM pg_stat_ssl WHERE pid = pg_backend_pid()
"""


def test_both_drivers_come_in_guarded_and_encrypted(target: EmbeddedTarget) -> None:
    """TLS as strict as the endpoint has it, and nothing that could write."""
    reach = Reach(target.endpoint, "pgrunbook pool api")
    with psycopg.connect(**reach.psycopg()) as connection:
        assert connection.execute(SEEN).fetchone() == ("on", "pgrunbook pool api", True)

    async def seen() -> Any:
        connection = await asyncpg.connect(**reach.asyncpg())
        try:
            return await connection.fetchrow(SEEN)
        finally:
            await connection.close()

    assert tuple(asyncio.run(seen())) == ("on", "pgrunbook pool api", True)
