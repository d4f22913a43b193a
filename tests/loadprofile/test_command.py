"""`invoke bench --profile pgbench`: the real pgbench, on a disposable server, in step with the declared pools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checks.targets.binaries import find
from tests.command import HOLDS, page, pgrunbook

POOLS = "pools:\n  api: {driver: asyncpg, size: 4, instances: 2}\n"
BENCHMARK = "```yaml check\nbenchmark:\n  queries:\n    one: {sql: 'SELECT 1::int', median: 1s}\n```\n"
ONE_SECOND = ("bench", "--profile", "pgbench", "--seconds", "1")


def test_clients_follow_the_pools(tmp_path: Path) -> None:
    """8 sessions in pools are 8, 12 and 16 clients, each with transactions, latencies and no failure."""
    page(tmp_path, "demo", "", POOLS)
    ended = pgrunbook(*ONE_SECOND, "--format", "json", folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    [profile] = json.loads(ended.out)
    assert profile["settings"] == ["api: asyncpg's pool, 4 sessions in each of 2 processes"]
    assert [(step["pools"], step["clients"]) for step in profile["steps"]] == [(1.0, 8), (1.5, 12), (2.0, 16)]
    for step in profile["steps"]:
        assert step["tps"] > 0
        assert 0 < step["p50"] <= step["p95"] <= step["p99"]
        assert (step["failed"], step["trouble"]) == (0, [])
    (path,) = (tmp_path / "reports").glob("*-demo.profile.json")
    assert json.loads(path.read_text()) == profile


def test_it_is_reported_with_a_chart_and_its_trend(tmp_path: Path) -> None:
    """JSON, Markdown and SVG lie beside the reports, the second with the first's medians; the index takes no notice."""
    page(tmp_path, "demo", HOLDS, POOLS)
    assert pgrunbook("verify", folder=tmp_path).code == 0
    for _ in range(2):
        ended = pgrunbook(*ONE_SECOND, folder=tmp_path)
        assert (ended.code, ended.err) == (0, "")
    folder = tmp_path / "reports"
    *_, newest = sorted(folder.glob("*-demo.profile*.json"))
    assert f"  reports/{newest.stem}.md" in ended.out.splitlines()
    first, second = (json.loads(path.read_text()) for path in sorted(folder.glob("*-demo.profile*.json")))
    assert [step["earlier"] for step in second["steps"]] == [[step["p50"]] for step in first["steps"]]
    markdown, chart = newest.with_suffix(".md").read_text(), newest.with_suffix(".svg").read_text()
    assert f"({newest.stem}.svg)" in markdown
    assert "earlier runs, and this" in markdown
    assert "16 clients, 2×" in chart  # noqa: RUF001
    assert pgrunbook("report", folder=tmp_path).code == 0
    assert "profile" not in (folder / "index.md").read_text()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """With the flag that names another."""
    page(tmp_path, "demo", "")
    (tmp_path / "taken").write_text("")
    ended = pgrunbook(*ONE_SECOND, "--out", "taken", folder=tmp_path)
    assert ended.code == 2
    assert "taken: the report cannot be written there" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("workload", ["simple-update", "queries"])
def test_other_workloads(tmp_path: Path, workload: str) -> None:
    """Updates of pgbench's own tables, and the page's own queries, run as well."""
    page(tmp_path, "demo", BENCHMARK)
    ended = pgrunbook(*ONE_SECOND, "--workload", workload, folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    first, assumed, head, *steps, _ = ended.out.splitlines()
    assert first.startswith(f"demo: pgbench, {workload}, 1 s at each number of clients, on embedded, ")
    assert assumed == "  the page declares no pool; 10 sessions are assumed"
    assert head.split() == ["clients", "pools", "tps", "p50", "p95", "p99", "failed"]
    assert [step.split()[:2] for step in steps] == [["10", "1×"], ["15", "1.5×"], ["20", "2×"]]  # noqa: RUF001


def test_more_clients_than_the_server_takes_are_shown(tmp_path: Path) -> None:
    """What a service would be told at `max_connections` stands below the table, and nothing is hidden."""
    page(tmp_path, "demo", "", "pools:\n  api: {driver: asyncpg, size: 7}\nserver: {max_connections: 10}\n")
    ended = pgrunbook(*ONE_SECOND, "--format", "markdown", folder=tmp_path)
    assert ended.code == 0
    assert "max\\_connections is 10" in ended.out or "max_connections is 10" in ended.out
    assert "14 clients: pgbench: error: connection to server on socket" in ended.out.replace("\\", "")
    [last] = [line for line in ended.out.splitlines() if line.startswith("|") and " 2×" in line]  # noqa: RUF001
    assert [cell.strip() for cell in last.split("|")[3:-1]] == ["0", "–", "–", "–", "all"]  # noqa: RUF001
    assert "14 clients do not fit max_connections" in ended.out.replace("\\", "")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--profile", "pgbensh"), "--profile pgbensh: no such profile."),
        (("--workload", "queries"), "--profile (empty): no such profile."),
        (("--profile", "pgbench", "--workload", "writes"), "--workload writes: no such workload."),
        (("--profile", "pgbench", "--env", "prod"), "a live environment is never put under pgbench."),
        (("--profile", "pgbench", "--save", "--only", "pool"), "--save, --only: not with --profile"),
        (("--profile", "pgbench", "--seconds", "0"), "--seconds 0: not a whole number above 0."),
        (("--profile", "pgbench", "--seconds", "601"), "--seconds 601: at most 600 at each step."),
        (("--profile", "pgbench", "--format", "junit"), "--format junit: no such format."),
    ],
)
def test_a_wrong_flag_is_one_sentence(tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    """Nothing is started for it."""
    page(tmp_path, "demo", "")
    ended = pgrunbook("bench", *flags, folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_page_without_queries_has_none_to_run(tmp_path: Path) -> None:
    """Running nothing proves nothing."""
    page(tmp_path, "demo", "")
    ended = pgrunbook(*ONE_SECOND, "--workload", "queries", folder=tmp_path)
    assert (ended.code, ended.err) == (5, "No selected runbook has a `benchmark` check, whose queries could be run.\n")


def test_a_missing_pgbench_is_one_sentence(tmp_path: Path) -> None:
    """A server's folder need not hold it."""
    page(tmp_path, "demo", "")
    bare = tmp_path / "pg" / "bin"
    bare.mkdir(parents=True)
    whole = find()
    for entry in whole.folder.iterdir():
        if entry.name != "pgbench":
            (bare / entry.name).symlink_to(entry)
    for name in ("lib", "share"):
        if (whole.folder.parent / name).is_dir():
            (tmp_path / "pg" / name).symlink_to(whole.folder.parent / name)
    ended = pgrunbook(*ONE_SECOND, "--postgres-bin", str(bare), folder=tmp_path)
    assert ended.code == 3
    assert ended.err.startswith(f"demo: There is no pgbench beside the server's programs in {bare}.")
    assert "Traceback" not in ended.err
