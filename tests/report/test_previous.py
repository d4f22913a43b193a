"""The last report's figures: of the same page and environment, and of no file that is something else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from checks.catalog.past import Earlier
from checks.check import Bar, Chart
from checks.plan import Mode, Plan
from checks.report.files import write
from checks.report.previous import MOST_DRAWN, MOST_LOOKED_AT, earlier, trend
from checks.targets.embedded import EmbeddedTarget
from checks.targets.url_forms import sqlalchemy_url
from tests.command import page, pgrunbook
from tests.report.builders import broken, holding, report, result, results_of

CODE = "storage.measured"
LIVE = 'environments:\n  prod: {url: "${GAIA_DATABASE_URL}"}\n'


def written(folder: Path, started: str, size: int, *, environment: str = "prod", code: str = CODE) -> Path:
    """A report in the folder whose run began then, and found that size."""
    whole = report(
        result("storage", broken("It takes some.", code, evidence=[{"bytes": size}])),
        mode=Mode.CHECK,
        environment=environment,
    )
    return write(replace(whole, run=replace(whole.run, started=started)), folder, formats=()).json


def plan(environment: str = "prod") -> Plan:
    """What is about to be asked."""
    return results_of([result("storage", holding())], mode=Mode.CHECK, environment=environment).plan


def test_the_newest_report_counts(tmp_path: Path) -> None:
    """Of three reports the last is compared with, and says when it was."""
    for day, size in ((1, 100), (3, 300), (2, 200)):
        written(tmp_path, f"2026-11-{day:02}T10:00:00Z", size)
    assert earlier(tmp_path, plan(), CODE) == Earlier(datetime(2026, 11, 3, 10, tzinfo=UTC), ({"bytes": 300},))


def test_another_environments_report_does_not_count(tmp_path: Path) -> None:
    """What staging takes says nothing of production, nor does a page whose name begins alike."""
    written(tmp_path, "2026-11-03T10:00:00Z", 300, environment="prod-eu")
    assert earlier(tmp_path, plan(), CODE) is None
    assert earlier(tmp_path, plan("eu"), CODE) is None
    renamed = written(tmp_path, "2026-11-04T10:00:00Z", 400, environment="dev")
    renamed.rename(renamed.with_name("20261104T100000Z-gaia-prod.json"))
    assert earlier(tmp_path, plan(), CODE) is None


def test_a_report_without_that_finding_is_passed_over(tmp_path: Path) -> None:
    """A run of one other check, made since, does not hide the figures before it; a hundred of them do."""
    written(tmp_path, "2026-11-01T10:00:00Z", 100)
    for minute in range(MOST_LOOKED_AT):
        found = earlier(tmp_path, plan(), CODE)
        assert found is not None
        assert found.evidence == ({"bytes": 100},)
        written(tmp_path, f"2026-11-02T10:{minute:02}:00Z", 1, code="size.database")
    assert earlier(tmp_path, plan(), CODE) is None


def test_what_is_no_report_is_passed_over(tmp_path: Path) -> None:
    """Half a file, another program's, one whose shape is wrong: none of them ends the run."""
    assert earlier(tmp_path / "nowhere", plan(), CODE) is None
    whole = written(tmp_path, "2026-11-01T10:00:00Z", 100).read_text()
    wrong = (whole[:500] + f'"{CODE}"', f'["{CODE}"]', f'{{"run": "{CODE}"}}', whole.replace("2026-11-01T", "noon"), "")
    for number, text in enumerate(wrong):
        (tmp_path / f"20261102T10000{number}Z-gaia-prod.json").write_text(text)
    (tmp_path / "20261103T100000Z-gaia-prod.json").mkdir()
    found = earlier(tmp_path, plan(), CODE)
    assert found is not None
    assert found.evidence == ({"bytes": 100},)


def test_a_second_check_tells_growth(target: EmbeddedTarget, tmp_path: Path) -> None:
    """From the command line: the first report has nothing to compare with, and the second has the first."""
    page(tmp_path, "gaia", "```yaml check\nstorage: {}\n```\n", LIVE)
    known = {"GAIA_DATABASE_URL": sqlalchemy_url(target.endpoint).replace("+psycopg", "")}
    first = pgrunbook("check", "--env", "prod", "--format", "markdown", folder=tmp_path, variables=known)
    assert "no earlier report to compare with" in first.out, first
    second = pgrunbook("check", "--env", "prod", "--format", "markdown", folder=tmp_path, variables=known)
    assert "since the last report" in second.out, second


def charted(folder: Path, started: str, middle: float, *, environment: str = "prod") -> None:
    """A report in the folder whose run began then, with a chart of one value."""
    chart = Chart("How long", "ms", (Bar("q", middle, middle, middle, middle, earlier=(1.0,)),))
    whole = report(
        result("q", replace(holding(code="benchmark.measured"), chart=chart)), mode=Mode.CHECK, environment=environment
    )
    write(replace(whole, run=replace(whole.run, started=started)), folder, formats=())


def test_the_trend_is_of_the_newest_reports_oldest_first(tmp_path: Path) -> None:
    """Of the same page and environment, as many as are drawn, whatever order they were written in."""
    for day in range(MOST_DRAWN + 2, 0, -1):
        charted(tmp_path, f"2026-11-{day:02}T10:00:00Z", float(day))
    charted(tmp_path, "2026-11-30T10:00:00Z", 99.0, environment="dev")
    found = trend(tmp_path, plan(), "benchmark.measured")
    assert [one.chart.bars[0].middle for one in found] == [float(day) for day in range(3, MOST_DRAWN + 3)]
    assert [one.began.day for one in found] == list(range(3, MOST_DRAWN + 3))


def test_what_is_no_report_is_no_part_of_the_trend(tmp_path: Path) -> None:
    """Broken files, reports without such a finding and findings without a chart are passed over."""
    assert trend(tmp_path / "nowhere", plan(), "benchmark.measured") == ()
    written(tmp_path, "2026-11-01T10:00:00Z", 1, code="benchmark.measured")
    (tmp_path / "20261102T100000Z-gaia-prod.json").write_text('{"checks": "benchmark.measured"}')
    (tmp_path / "20261103T100000Z-gaia-prod.json").write_text('"benchmark.measured"')
    assert trend(tmp_path, plan(), "benchmark.measured") == ()
