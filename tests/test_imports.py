"""What a check of a live database imports: the kinds it asks, and nothing of what the page says besides."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checks.catalog import KINDS
from checks.targets.embedded import EmbeddedTarget
from tests.command import HOLDS, ROOT, page, pgrunbook, run
from tests.test_tasks import url_of

FRONT = """\
environments:
  dev: {url: "${SMALL_DATABASE_URL}"}
pools:
  api: {driver: asyncpg, size: 10}
backups: {location: no-backups-here, keep: {last: 10}}
"""
DECLARES = """\
```yaml check
pool: {}
pool_budget: {max_connections: 100}
benchmark: {queries: {one: {sql: SELECT 1}}}
backup: {rpo: 1d}
drill: {every: 90d}
slow_queries: {mean: 1s}
vacuum: {}
```
"""
PROGRAM = """
import atexit, sys
from checks.program import main
atexit.register(lambda: print(*sorted(name for name in sys.modules if name.startswith("checks."))))
sys.argv[1:] = ["check", "--env", "dev", "--allow", "load", *sys.argv[1:]]
main()
"""
# The words of the codes that a backup's tools end with, and what a benchmark is told where none is asked.
OF_NO_KIND = {"checks.backup", "checks.backup.codes", "checks.bench", "checks.bench.settings"}
PARTS = ("backup", "bench", "drill", "drilled", "pools")


def imported(folder: Path, target: EmbeddedTarget, *only: str) -> set[str]:
    """Modules of ours that a check which asks only these holds at its end, of a page that was read before."""
    page(folder, "small", HOLDS + DECLARES, FRONT)
    variables = {"SMALL_DATABASE_URL": url_of(target)}
    asked = [word for name in only for word in ("--only", name)]
    pgrunbook("check", "--env", "dev", "--allow", "load", *asked, folder=folder, variables=variables)
    ended = run([sys.executable, "-c", PROGRAM, *asked], folder, {**variables, "PYTHONPATH": str(ROOT)})
    assert "PASSED" in ended.out, ended
    return set(ended.out.splitlines()[-1].split())


def kinds(modules: set[str]) -> set[str]:
    """The kinds of the catalog that are among the modules."""
    return {kind for kind in KINDS if f"checks.catalog.{kind}" in modules}


def parts(modules: set[str]) -> set[str]:
    """What is among the modules of pools, benchmarks, backups and drills."""
    return {name for name in modules if name.split(".")[1] in PARTS} - OF_NO_KIND


def test_what_a_page_declares_is_not_imported_where_it_is_not_asked(tmp_path: Path, target: EmbeddedTarget) -> None:
    """Pools, benchmarks, backups and drills of the page cost a check of something else nothing."""
    modules = imported(tmp_path, target, "query")
    assert kinds(modules) == {"query"}
    assert not parts(modules)


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        ("backup", "checks.backup.listing"),
        ("pool_budget", "checks.pools.budget"),
        ("benchmark", "checks.bench.baseline"),
    ],
)
def test_what_is_asked_is_imported(kind: str, needed: str, tmp_path: Path, target: EmbeddedTarget) -> None:
    """And with it what stands below it, so that the test before this one looks where there is something to see."""
    modules = imported(tmp_path, target, "query", kind)
    assert kind in kinds(modules)
    assert needed in parts(modules)
