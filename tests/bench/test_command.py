"""`invoke bench` as a user runs it: measured, saved, held against, drawn."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import psycopg
import pytest

from checks.targets.embedded import EmbeddedTarget
from checks.targets.url_forms import sqlalchemy_url
from tests.catalog.tools import run_sql
from tests.command import Ended, page, pgrunbook

FIXTURES = """
CREATE TABLE audit_log AS
SELECT n AS id, now() - n * interval '5 minutes' AS created_at FROM generate_series(1, 8000) AS n;
"""
INDEX = "CREATE INDEX idx_audit_created ON audit_log (created_at);"
CHECK = """
```yaml check
connectivity: {within: 5s}
benchmark:
  name: counted fast
  rounds: 5
  queries:
    slow count:
      sql: SELECT count(*) FROM audit_log WHERE created_at > now() - interval '24 hours'
```
"""
FRONT = 'fixtures: fixtures/demo.sql\nenvironments:\n  prod: {url: "${DEMO_URL}", protected: true}\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one page, whose one benchmark has an index and no bound."""
    page(tmp_path, "demo", CHECK, FRONT)
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "demo.sql").write_text(FIXTURES + INDEX)
    return tmp_path


def newest(project: Path, suffix: str) -> Path:
    """The newest report of that kind."""
    return max(project.glob(f"reports/2*{suffix}"), key=lambda path: path.stat().st_mtime_ns)


def codes(project: Path) -> list[str]:
    """What does not hold, by the newest report."""
    [check] = json.loads(newest(project, ".json").read_text())["checks"]
    return [finding["code"] for finding in check["findings"] if not finding["holds"]]


def test_from_nothing_to_a_lost_index(project: Path) -> None:
    """Without a baseline it warns; once saved it holds; without the index it fails, and the plan is folded there."""
    ended = pgrunbook("bench", folder=project)
    assert (ended.code, codes(project)) == (0, ["benchmark.no_baseline"])
    ended = pgrunbook("bench", "--save", folder=project)
    assert (ended.code, codes(project)) == (0, [])
    [baseline] = (project / "fixtures" / "baselines").iterdir()
    assert ended.err.endswith(f"Saved the baseline fixtures/baselines/{baseline.name}; commit it beside the page.\n")
    assert pgrunbook("bench", "--strict", folder=project).code == 0
    assert "earlier runs, and this" in newest(project, ".md").read_text()
    (project / "fixtures" / "demo.sql").write_text(FIXTURES)
    for task in ("bench", "verify"):
        ended = pgrunbook(task, "--only", "counted fast", folder=project)
        assert (ended.code, codes(project)) == (1, ["benchmark.index_lost", "benchmark.more_buffers"])
    drawn = newest(project, ".md").read_text()
    assert "<summary>Plan of slow count</summary>" in drawn
    assert "Seq Scan on audit_log" in drawn
    assert "Traceback" not in ended.err


def test_what_does_not_hold_is_not_saved(project: Path) -> None:
    """A baseline of a query that breaks its bound would excuse it for ever."""
    path = project / "runbooks" / "demo.md"
    path.write_text(path.read_text().replace("'24 hours'\n", "'24 hours'\n      buffers: 1\n"))
    ended = pgrunbook("bench", "--save", folder=project)
    assert ended.code == 1
    assert "the baseline was not saved, since not every check held." in ended.err
    assert not (project / "fixtures" / "baselines").exists()


def test_the_chart_lies_beside_the_report_and_is_drawn_again(project: Path) -> None:
    """The Markdown points at it, it is a picture, and `report` makes it anew from the JSON alone."""
    pgrunbook("bench", folder=project)
    chart = newest(project, ".svg")
    assert f"]({chart.name})" in newest(project, ".md").read_text()
    assert ElementTree.fromstring(chart.read_text()).tag == "{http://www.w3.org/2000/svg}svg"
    drawn = chart.read_text()
    assert "slow count" in drawn
    assert "currentColor" in drawn
    chart.unlink()
    ended = pgrunbook("report", "--format", "markdown", folder=project)
    assert ended.code == 0
    assert chart.read_text() == drawn
    assert f"](reports/{chart.name})" in ended.out


def live(project: Path, target: EmbeddedTarget, *flags: str) -> Ended:
    """`bench` of the environment prod, which is the test's database."""
    url = {"DEMO_URL": sqlalchemy_url(target.endpoint)}
    return pgrunbook("bench", "--env", "prod", *flags, folder=project, variables=url)


def test_a_live_environment_is_measured_with_leave_alone(project: Path, target: EmbeddedTarget) -> None:
    """Load takes --allow load, and a protected name typed again; then it is only read, and its baseline is its own."""
    run_sql(target, FIXTURES + INDEX)
    ended = live(project, target)
    assert (ended.code, "without `--allow load`" in ended.err) == (5, True)
    ended = live(project, target, "--allow", "load")
    assert (ended.code, "prod is protected" in ended.err) == (2, True)
    ended = live(project, target, "--allow", "load", "--confirm", "prod", "--save")
    assert ended.code == 0, ended
    assert [path.name for path in (project / "fixtures" / "baselines").iterdir()] == ["demo-prod.json"]
    report = json.loads(newest(project, ".json").read_text())
    assert (report["run"]["mode"], report["run"]["environment"]) == ("bench", "prod")
    assert report["guards"]["transaction_read_only"] == "on"
    with psycopg.connect(sqlalchemy_url(target.endpoint).replace("+psycopg", "")) as connection:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrunbook'"
        assert connection.execute(sql).fetchone() == (0,)


def test_a_live_environment_with_few_slots_is_left_alone(project: Path, target: EmbeddedTarget) -> None:
    """More connections than would leave a tenth of them are not opened."""
    path = project / "runbooks" / "demo.md"
    path.write_text(path.read_text().replace("rounds: 5", "rounds: 5\n  concurrency: 16"))
    run_sql(target, FIXTURES)
    url = sqlalchemy_url(target.endpoint).replace("+psycopg", "")
    held = [psycopg.connect(url) for _ in range(28)]
    try:
        ended = live(project, target, "--allow", "load", "--confirm", "prod")
    finally:
        for connection in held:
            connection.close()
    assert ended.code == 3
    [check] = json.loads(newest(project, ".json").read_text())["checks"]
    assert check["code"] == "connectivity.slots_scarce"


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (("--rounds", "4"), 2, "--rounds 4: a number from 5 to 1000 is wanted."),
        (("--only", "connectivity"), 5, "no `benchmark` check of that name"),
        (("--env", "nowhere"), 2, "nowhere"),
    ],
)
def test_a_wrong_flag_is_one_sentence(project: Path, flags: tuple[str, ...], code: int, said: str) -> None:
    """Nothing is started for it."""
    ended = pgrunbook("bench", *flags, folder=project)
    assert (ended.code, said in ended.err, "Traceback" in ended.err) == (code, True, False), ended


def test_lint_reads_the_queries(project: Path) -> None:
    """A query that does more than read is a mistake of the page, and so is one the server cannot prepare."""
    path = project / "runbooks" / "demo.md"
    sound = path.read_text()
    path.write_text(sound.replace("SELECT count(*) FROM audit_log WHERE", "DELETE FROM audit_log WHERE"))
    ended = pgrunbook("lint", folder=project)
    assert (ended.code, "The query begins with DELETE" in ended.out) == (2, True)
    path.write_text(sound.replace("FROM audit_log", "FROM audit_lag"))
    ended = pgrunbook("lint", "--sql", folder=project)
    assert (ended.code, "audit_lag" in ended.out) == (2, True)
