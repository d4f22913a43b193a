"""Benchmarks: the plan and the buffers decide, whatever the machine's mood; times only where they are sure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from checks.bench.baseline import Baselines, Record
from checks.bench.settings import Bench
from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.catalog.past import Drawn
from checks.check import Bar, Chart, Finding, Severity
from checks.errors import CouldNotTell, QueryFailed
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import (
    Conversation,
    check_fails,
    check_holds,
    circumstances_of,
    findings_of,
    params_of,
    run_sql,
)

AUDIT = """
    CREATE TABLE audit_log AS
    SELECT n AS id, md5(n::text) AS detail, now() - n * interval '5 minutes' AS created_at
    FROM generate_series(1, 8000) AS n;
    CREATE INDEX idx_audit_created ON audit_log (created_at);
"""
COUNT = "SELECT count(*) FROM audit_log WHERE created_at > now() - interval '24 hours'"
JOIN = "SELECT count(*) FROM audit_log JOIN people ON people.id = audit_log.id WHERE people.id < 50"


@pytest.fixture
def audit(target_of_every_major: EmbeddedTarget) -> EmbeddedTarget:
    """relay's log with its index, tended as autovacuum does, on each major in turn."""
    run_sql(target_of_every_major, AUDIT)
    run_sql(target_of_every_major, "VACUUM (ANALYZE)")
    return target_of_every_major


@pytest.fixture(autouse=True)
def _on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The few rounds of a test may all fall on a busy moment: how quick the server is, is not what is tested."""
    monkeypatch.setattr("checks.bench.compare.SAME_SPEED", 100.0)


def queries(**bounds: Any) -> dict[str, Any]:
    """The slow count as a page has it, measured in little time."""
    return {"rounds": 5, "warm_up": 1, "queries": {"slow count": {"sql": COUNT, **bounds}}}


class Project:
    """A project with baselines of one database: what `invoke bench` and `--save` do."""

    def __init__(self, target: EmbeddedTarget, folder: Path) -> None:
        self.target = target
        self.folder = folder

    def findings(self, written: dict[str, Any], *, save: bool = False) -> list[Finding]:
        baselines = Baselines(self.folder, "relay", "", compares=not save)
        bench = Bench(baselines)
        known = replace(circumstances_of(self.target), socket=self.target.socket_endpoint, bench=bench)
        found = answered(self.target, written, known)
        if save:
            baselines.save()
        return found

    def broken(self, written: dict[str, Any]) -> list[str]:
        return [finding.code for finding in self.findings(written) if not finding.holds]

    def edit(self, change: Callable[[Any], None]) -> None:
        """Change what is known of the slow count."""
        [path] = (self.folder / "fixtures" / "baselines").iterdir()
        whole = json.loads(path.read_text())
        change(whole["queries"]["slow count"])
        path.write_text(json.dumps(whole))


def answered(target: EmbeddedTarget, written: dict[str, Any], known: Circumstances) -> list[Finding]:
    """What the check finds, asked as the runner asks, and told what the test wants it told."""
    asking = CATALOG["benchmark"].ask(params_of("benchmark", written), known)
    conversation = Conversation(target, CATALOG["benchmark"])
    try:
        round_trip = next(asking)
        while True:
            round_trip = asking.send(conversation.ask(round_trip))
    except StopIteration as stop:
        found: list[Finding] = stop.value
        return found
    finally:
        conversation.close()


@pytest.fixture
def project(audit: EmbeddedTarget, tmp_path: Path) -> Project:
    """The log's database, and a folder for its baselines."""
    return Project(audit, tmp_path)


def test_the_slow_count_is_quick_with_its_index(project: Project) -> None:
    """With the index the check passes, and says what it measured."""
    bounds = {"uses": ["idx_audit_created"], "no_seq_scan": ["audit_log"], "buffers": 40, "median": "10s"}
    [finding] = project.findings(queries(**bounds))
    assert finding.code == "benchmark.measured"
    assert finding.holds
    [row] = finding.evidence
    assert (row["query"], row["rounds"]) == ("slow count", 5)
    assert finding.chart is not None
    [bar] = finding.chart.bars
    assert bar.low <= bar.middle <= bar.high <= bar.reach


def test_without_its_index_the_slow_count_fails(project: Project) -> None:
    """The plan says why, and the buffers how much; the plan is folded under the first, with no value in it."""
    bounds = {"uses": ["idx_audit_created"], "no_seq_scan": ["audit_log"], "buffers": 40}
    run_sql(project.target, "DROP INDEX idx_audit_created")
    lost, buffers, measured = project.findings(queries(**bounds))
    assert (lost.code, buffers.code, measured.code) == (
        "benchmark.index_lost",
        "benchmark.buffers",
        "benchmark.measured",
    )
    assert lost.sentence == "`slow count` does not use idx_audit_created; it reads audit_log from end to end."
    assert lost.folded.startswith("Plan of slow count\n")
    assert "Seq Scan on audit_log" in lost.folded
    assert "24" not in lost.folded.split("\n")[0]
    assert "interval" not in lost.folded


def test_a_table_must_not_be_read_whole(project: Project) -> None:
    """Also where no index is named."""
    run_sql(project.target, "DROP INDEX idx_audit_created")
    [finding, _] = project.findings(queries(no_seq_scan=["audit_log"]))
    assert finding.code == "benchmark.seq_scan"
    assert finding.observed == "Seq Scan on audit_log"


def test_of_a_few_rows_the_index_need_only_be_usable(project: Project) -> None:
    """A table of a page is rightly read whole: that is no lost index, and a lost index is found all the same."""
    run_sql(project.target, "DELETE FROM audit_log WHERE id > 8")
    run_sql(project.target, "VACUUM (FULL, ANALYZE) audit_log")
    bounds = {"uses": ["idx_audit_created"], "no_seq_scan": ["audit_log"]}
    [finding] = project.findings(queries(**bounds))
    assert "read whole; told not to, idx_audit_created would be used." in finding.sentence
    run_sql(project.target, "DROP INDEX idx_audit_created")
    assert project.broken(queries(**bounds)) == ["benchmark.index_lost"]


def test_a_bound_on_the_time_is_told_where_it_is_surely_broken(project: Project) -> None:
    """A sleep of 5 ms breaks a bound of 1 ms on the median and on the 95th of 100, and holds one of 10 s."""
    sleeps = "SELECT pg_sleep(0.005)"
    for bound in ("median", "p95"):
        slow = {"rounds": 5, "warm_up": 0, "queries": {"nap": {"sql": sleeps, bound: "1ms"}}}
        [finding, _] = project.findings(slow)
        assert (finding.code, finding.severity) == ("benchmark.slow", Severity.FAIL)
        holds = {"rounds": 5, "warm_up": 0, "queries": {"nap": {"sql": sleeps, bound: "10s"}}}
        assert project.broken(holds) == []


def test_nothing_to_hold_it_against_is_not_green(project: Project) -> None:
    """A query without a bound and without a baseline warns, until a baseline is saved."""
    [finding, _] = project.findings(queries())
    assert (finding.code, finding.severity) == ("benchmark.no_baseline", Severity.WARN)
    assert [one.code for one in project.findings(queries(), save=True)] == ["benchmark.measured"]
    held = project.findings(queries())[-1]
    assert "Baseline: fixtures/baselines/relay-disposable-" in held.sentence
    assert "baseline" in held.evidence[0]


def test_an_index_of_the_baseline_that_went_is_found(project: Project) -> None:
    """Plan and buffers are held against the baseline's, and the time is not asked after them."""
    project.findings(queries(), save=True)
    run_sql(project.target, "DROP INDEX idx_audit_created")
    assert project.broken(queries()) == ["benchmark.index_lost", "benchmark.more_buffers"]


def test_a_query_that_became_slower_is_found(project: Project) -> None:
    """With the plan it had: the function it calls now takes its time."""
    work = "CREATE OR REPLACE FUNCTION work() RETURNS int LANGUAGE plpgsql AS"
    run_sql(project.target, f"{work} $$ BEGIN PERFORM pg_sleep(0.002); RETURN 1; END $$")
    written = {"rounds": 11, "queries": {"slow count": {"sql": "SELECT work()"}}}
    project.findings(written, save=True)
    run_sql(project.target, f"{work} $$ BEGIN PERFORM pg_sleep(0.02); RETURN 1; END $$")
    [finding, _] = project.findings(written)
    assert finding.code == "benchmark.slower"
    assert "longer than in the baseline" in finding.sentence


def test_another_order_of_joins_is_found(project: Project) -> None:
    """A join whose order changed fails; any other change of a plan warns."""
    run_sql(project.target, "CREATE TABLE people AS SELECT n AS id FROM generate_series(1, 3000) AS n; ANALYZE people")
    written = {"rounds": 5, "queries": {"slow count": {"sql": JOIN}}}
    project.findings(written, save=True)

    def turned(record: Any) -> None:
        names = {"people": "audit_log", "audit_log": "people"}
        parts = [step.split("|") for step in record["plan"]]
        record["plan"] = ["|".join([kind, names.get(relation, relation), index]) for kind, relation, index in parts]

    project.edit(turned)
    assert project.broken(written)[0] == "benchmark.join_changed"


def test_another_plan_warns(project: Project) -> None:
    """With the same indexes and tables it need not be worse."""
    project.findings(queries(), save=True)
    project.edit(lambda record: record.update(plan=["Gather||", *record["plan"]]))
    [finding, *_] = project.findings(queries())
    assert (finding.code, finding.severity) == ("benchmark.plan_changed", Severity.WARN)


@pytest.mark.parametrize(
    ("change", "observed"),
    [
        (lambda record: record["stamp"].update(major=9, server="9.6"), "PostgreSQL 9.6 then"),
        (lambda record: record["stamp"]["sizes"].update(audit_log=900_000_000), "audit_log of 858 MB then"),
        (lambda record: record["stamp"]["settings"].update(work_mem="64 kB"), "work_mem 64 kB then, 4096 kB now"),
        (lambda record: record["gauge"].update(yardstick=60.0), "times as long to compute the same"),
    ],
)
def test_a_baseline_of_another_kind_is_not_compared(project: Project, change: Any, observed: str) -> None:
    """It would say something of the server and nothing of the query; that nothing was compared is said."""
    project.findings(queries(), save=True)
    project.edit(change)
    [finding, _] = project.findings(queries())
    assert (finding.code, finding.severity) == ("benchmark.baseline_unlike", Severity.WARN)
    assert observed in finding.observed


def test_earlier_runs_are_shown(audit: EmbeddedTarget) -> None:
    """The medians of earlier reports stand beside this one's, as a line of bars and in the chart."""
    chart = Chart("t", "ms", (Bar("slow count", 1.5, 1.0, 2.0, 2.0), Bar("another", 9.0, 9.0, 9.0, 9.0)))
    drawn = (Drawn(datetime(2026, 1, 1, tzinfo=UTC), chart),)
    known = replace(circumstances_of(audit), socket=audit.socket_endpoint, trend=lambda code: drawn)
    [finding] = answered(audit, queries(buffers=1000), known)
    assert finding.chart is not None
    assert finding.chart.bars[0].earlier == (1.5,)
    assert len(str(finding.evidence[0]["earlier runs, and this"])) == 2


def test_a_query_that_does_not_run_is_no_verdict(target: EmbeddedTarget) -> None:
    """The message names the query, and the reason has its own code."""
    with pytest.raises(QueryFailed, match=r"Query `q`: .*nowhere") as failed:
        findings_of("benchmark", {"queries": {"q": {"sql": "SELECT * FROM nowhere"}}}, target)
    assert failed.value.code == "run.relation_missing"


@pytest.mark.parametrize("sql", ["DELETE FROM pg_class", "SELECT pg_terminate_backend(1)", "COMMIT", ";"])
def test_what_does_more_than_read_is_never_sent(target: EmbeddedTarget, sql: str) -> None:
    """EXPLAIN ANALYZE runs what it explains, so the query is looked at without it."""
    with pytest.raises(QueryFailed, match="Query `q`: "):
        findings_of("benchmark", {"queries": {"q": {"sql": sql}}}, target)


def test_a_query_that_writes_in_disguise_is_refused_by_the_server(target: EmbeddedTarget) -> None:
    """The transaction is read-only, whatever the first word."""
    run_sql(target, "CREATE TABLE t (i int)")
    sql = "WITH gone AS (DELETE FROM t RETURNING i) SELECT * FROM gone"
    with pytest.raises(QueryFailed) as refused:
        findings_of("benchmark", {"queries": {"q": {"sql": sql}}}, target)
    assert refused.value.code == "run.read_only"


@pytest.mark.parametrize("nap", [0.08, 0.5])
def test_too_few_rounds_are_no_verdict(target: EmbeddedTarget, nap: float) -> None:
    """Where the time allows for less than five, or not for one, nothing is said of the query."""
    written = {"time": "200ms", "queries": {"q": {"sql": f"SELECT pg_sleep({nap})", "median": "1s"}}}
    with pytest.raises(CouldNotTell, match=r"only . rounds could be measured of q;") as few:
        findings_of("benchmark", written, target)
    assert few.value.code == "benchmark.few_rounds"


def test_several_connections_at_once(target: EmbeddedTarget) -> None:
    """Each has its rounds, and all of them count."""
    [finding] = check_holds(
        "benchmark", {"concurrency": 3, "rounds": 5, "queries": {"q": {"sql": "SELECT 1", "median": "10s"}}}, target
    )
    assert finding.evidence[0]["rounds"] == 15
    assert "over 3 connections" in finding.sentence


def test_a_query_over_its_buffers_fails(target: EmbeddedTarget) -> None:
    """The bound is on pages touched, which no busy machine changes."""
    run_sql(target, AUDIT)
    written = {"rounds": 5, "queries": {"q": {"sql": "SELECT count(*) FROM audit_log", "buffers": 9}}}
    finding = check_fails("benchmark", written, target, code="benchmark.buffers")
    assert finding.expected == "at most 9"


def test_a_record_is_plain(project: Project) -> None:
    """What a baseline keeps holds no value of a query, only its digest."""
    project.findings(queries(), save=True)
    [path] = (project.folder / "fixtures" / "baselines").iterdir()
    assert "24 hours" not in path.read_text()
    record = Baselines(project.folder, "relay", "").record(project.target.server.binaries.major, "slow count", COUNT)
    assert isinstance(record, Record)
