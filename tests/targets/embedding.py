"""What the tests of disposable servers share: a plain connection, a look at what is left, a Python of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from checks.targets.session import Endpoint

ROOT = Path(__file__).parents[2]
only_as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user, or mount")


def connect(endpoint: Endpoint, **changes: Any) -> psycopg.Connection[Any]:
    """A connection to `endpoint` as psycopg makes it, with some of its fields replaced."""
    there = replace(endpoint, **changes)
    words = {"host": there.host, "user": there.user, "password": there.password, "dbname": there.database}
    options = {**words, **there.options}
    text = psycopg.conninfo.make_conninfo(port=str(there.port), **{k: v for k, v in options.items() if v})
    return psycopg.connect(text, autocommit=True, connect_timeout=10)


def ask(endpoint: Endpoint, sql: str) -> Any:
    """The first column of the first row."""
    with connect(endpoint) as connection:
        row = connection.execute(sql.encode()).fetchone()
        return row[0] if row else None


def is_alive(number: int) -> bool:
    """Whether a process of that number exists and is no zombie."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def run_python(code: str, *, within: Sequence[str] = (), **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a Python of its own that can import the project, and return what it said.

    `within` is a command that runs the command after it, such as `setpriv`.
    """
    return subprocess.run(
        [*within, sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**_without_postgres_variables(), **environment},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def _without_postgres_variables() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG") or "PGRUNBOOK" in name}
