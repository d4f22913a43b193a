"""The pools from the command line: nothing is put on a live server without leave, and all of it with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checks.targets.embedded import EmbeddedTarget
from tests.command import FAILS, HOLDS, Ended, page, pgrunbook
from tests.test_tasks import url_of

ENVIRONMENTS = (
    'environments:\n  dev: {url: "${SMALL_DATABASE_URL}"}\n  prod: {url: "${SMALL_DATABASE_URL}", protected: true}\n'
)
POOLS = "pools:\n  api: {driver: sqlalchemy-asyncpg, size: 2, overflow: 1, pre_ping: true}\n"
ASKS = f"```yaml check\npool: {{}}\npool_budget: {{}}\n```\n{HOLDS}"


def check(target: EmbeddedTarget, folder: Path, *arguments: str, env: str = "dev") -> Ended:
    """`pgrunbook check` of the page in `folder`, with the target over TCP and TLS as its environment."""
    page(folder, "small", ASKS, ENVIRONMENTS + POOLS)
    return pgrunbook("check", "--env", env, *arguments, folder=folder, variables={"SMALL_DATABASE_URL": url_of(target)})


def results_in(folder: Path) -> dict[str, dict[str, Any]]:
    """The report's checks by name."""
    (path,) = (folder / "reports").glob("*-small-*.json")
    return {one["name"]: one for one in json.loads(path.read_text())["checks"]}


def test_without_leave_a_live_servers_pools_are_left_alone(target: EmbeddedTarget, tmp_path: Path) -> None:
    """The check is skipped, and says which flag would ask it; the budget only reads, and is asked."""
    ended = check(target, tmp_path)
    found = results_in(tmp_path)
    assert ended.code == 0, ended
    assert (found["pool"]["status"], found["pool_budget"]["status"]) == ("skipped", "passed")
    assert "without `--allow load`" in found["pool"]["reason"]


@pytest.mark.parametrize(("environment", "leave"), [("dev", ()), ("prod", ("--confirm", "prod"))])
def test_with_leave_they_are_exercised(
    target: EmbeddedTarget, tmp_path: Path, environment: str, leave: tuple[str, ...]
) -> None:
    """A protected environment by its name typed again. What a live server is spared is a warning, and no password."""
    ended = check(target, tmp_path, "--allow", "load", *leave, env=environment)
    found = results_in(tmp_path)
    assert ended.code == 0, ended
    codes = {one["code"]: one["holds"] for one in found["pool"]["findings"]}
    assert codes.pop("pool.unproven") is False
    assert found["pool"]["status"] == "warned"
    assert codes == dict.fromkeys(
        ("pool.exhausted", "pool.leak_named", "pool.recovered", "pool.fair", "pool.survives"), True
    )
    assert target.server.password not in ended.out + ended.err


def test_a_protected_environment_is_not_loaded_by_mistake(target: EmbeddedTarget, tmp_path: Path) -> None:
    """Before any server is touched."""
    ended = check(target, tmp_path, "--allow", "load", env="prod")
    assert ended.code == 2
    assert "Add `--confirm prod`" in ended.err


def test_mistakes_of_declared_pools_are_told_by_line(tmp_path: Path) -> None:
    """An option that a library does not have, a driver there is not, and a pool without an end."""
    wrong = (
        "pools:\n"
        "  api: {driver: asyncpg, size: 10, overflow: 20}\n"
        "  web: {driver: sqlalchemy-psycopg, size: 5, overflow: -1}\n"
        "  worker: {driver: psycopg3, size: 0}\n"
        "  cron: {driver: asyncpg, size: 1, recycle: 1h}\n"
        "  jobs: {driver: asyncpg, size: 1, pre_ping: true}\n"
        "  mail: {driver: psycopg-pool, size: 1, timeout: 0s}\n"
    )
    page(tmp_path, "small", ASKS, wrong)
    ended = pgrunbook("lint", folder=tmp_path)
    assert ended.code == 2
    told = ended.out + ended.err
    for line, words in (
        (5, "`overflow` is no option of asyncpg's pool: write as `size` the most sessions it opens"),
        (6, "must be 0 or more: without an end to it no budget can hold"),
        (7, "did you mean `psycopg-pool`?"),
        (7, "must be 1 or more"),
        (8, "`recycle` is no option of asyncpg's pool"),
        (9, "`pre_ping` is no option of asyncpg's pool"),
        (10, "`timeout` must be longer than nothing"),
    ):
        assert f"small.md:{line}:" in told
        assert words in told


def test_a_restart_costs_no_other_check_its_evidence(tmp_path: Path) -> None:
    """Load comes last, and a failed check's look at the server is taken over a session of its own then."""
    page(tmp_path, "small", f"```yaml check\npool: {{}}\n```\n{FAILS}", POOLS)
    ended = pgrunbook("verify", folder=tmp_path)
    found = results_in(tmp_path)
    assert ended.code == 1, ended
    assert (found["pool"]["status"], found["Something is wrong"]["status"]) == ("passed", "failed")
    (path,) = (tmp_path / "reports").glob("*-small-*.json")
    assert json.loads(path.read_text())["snapshot"]["taken"]
    assert ended.err == ""
