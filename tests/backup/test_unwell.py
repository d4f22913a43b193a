"""What is the copy's server's own fault, and what says something of what was asked of it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from checks.backup.unwell import ailment, unwell
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget


def _refusal(target: EmbeddedTarget, sql: str) -> psycopg.Error:
    with target.server.connect(target.database) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(sql.encode())
    return refused.value


@pytest.mark.parametrize("sql", ["SELECT * FROM nowhere", "SELECT 1/0", "LOAD 'no_such_library'"])
def test_a_refusal_is_an_answer(sql: str, target: EmbeddedTarget) -> None:
    """Also where a library is missing, which is of the class of the system's errors."""
    refused = _refusal(target, sql)
    assert (ailment(refused), unwell(refused)) == ("", None)


def test_a_server_that_ends_a_session_is_lost(target: EmbeddedTarget) -> None:
    """As one does that is stopped."""
    ended = _refusal(target, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert ailment(ended) == "drill.copy_lost"
    reason = unwell(ended)
    assert reason is not None
    assert reason.code == "drill.copy_lost"


def test_a_server_that_is_not_there_is_lost(server: EmbeddedServer, tmp_path: Path) -> None:
    """Nobody listens."""
    with pytest.raises(psycopg.OperationalError) as refused:
        psycopg.connect(host=str(tmp_path), port=server.port, dbname="postgres")
    assert ailment(refused.value) == "drill.copy_lost"
