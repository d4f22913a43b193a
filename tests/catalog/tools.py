"""The two verbs of the catalog's tests: a check holds on a healthy database, and fails on one sabotaged in its way."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.check import SQLITE, Answer, Check, Effect, Engine, Finding, Query
from checks.errors import ConnectionFailed
from checks.migrations.outcome import Rehearsal
from checks.runbook.model import Migrations
from checks.targets.session import Endpoint, Session, Target
from checks.targets.sessions import open_session

PATIENCE = 20.0


def params_of(kind: str, written: Any) -> Any:
    """Parameters as a page writes them: YAML text, or the mapping it stands for."""
    given = YAML(typ="safe", pure=True).load(written) if isinstance(written, str) else written
    return TypeAdapter(CATALOG[kind].params).validate_python(given or {})


def circumstances_of(
    target: Target,
    *,
    folder: Path = Path(),
    disposable: bool = True,
    migrations: Migrations | None = None,
    rehearsal: Rehearsal | None = None,
    variables: Mapping[str, str] | None = None,
    **more: Any,
) -> Circumstances:
    """What the runner would tell a check of this target."""
    return Circumstances(
        folder, target.engine, target.endpoint, disposable, migrations, rehearsal, variables=variables or {}, **more
    )


def findings_of(kind: str, params: Any, target: Target, **known: Any) -> list[Finding]:
    """What the check finds on the target, asked as the runner asks: a round at a time, and anew where it says so."""
    check = CATALOG[kind]
    asking = check.ask(params_of(kind, params), circumstances_of(target, **known))
    conversation = Conversation(target, check)
    try:
        queries = next(asking)
        while True:
            try:
                answers = conversation.ask(queries)
            except ConnectionFailed as failure:
                queries = asking.throw(failure)
            else:
                queries = asking.send(answers)
    except StopIteration as stop:
        findings: list[Finding] = stop.value
        return findings
    finally:
        conversation.close()


class Conversation:
    """One check's session, opened when first needed."""

    def __init__(self, target: Target, check: Check) -> None:
        self._target = target
        self._writable = check.effect is Effect.CHANGE
        self._session: Session | None = None

    def ask(self, queries: Sequence[Query]) -> Sequence[Answer]:
        if any(query.fresh for query in queries):
            self.close()
        if self._session is None:
            self._session = self._target.open(writable=self._writable)
        return self._session.ask(queries, patience=PATIENCE)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def check_holds(kind: str, params: Any, target: Target, **known: Any) -> list[Finding]:
    """The check holds: there are findings, all of them hold, and each has a documented code."""
    findings = findings_of(kind, params, target, **known)
    assert findings, "a check that finds nothing proves nothing"
    assert [finding.sentence for finding in findings if not finding.holds] == []
    assert {finding.code for finding in findings} <= set(CATALOG[kind].codes)
    return findings


def check_fails(kind: str, params: Any, target: Target, *, code: str, **known: Any) -> Finding:
    """The check does not hold, for exactly the reason `code`; the finding that says so."""
    findings = findings_of(kind, params, target, **known)
    broken = [finding for finding in findings if not finding.holds]
    assert [finding.code for finding in broken] == [code], [str(finding) for finding in findings]
    assert code in CATALOG[kind].codes, f"{code} is not documented"
    return broken[0]


@dataclass
class Elsewhere:
    """A live target at an endpoint of the test's choice."""

    endpoint: Endpoint
    name = "elsewhere"
    disposable = False

    @property
    def engine(self) -> Engine:
        return self.endpoint.engine

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> Session:
        return open_session(self.endpoint, writable=writable, timeout=timeout, obtained="elsewhere")

    def close(self) -> None:
        """Nothing was started."""


def sqlite_file(path: Path, sql: str = "") -> Elsewhere:
    """A SQLite database at `path`, prepared by `sql`."""
    connection = sqlite3.connect(path)
    connection.executescript(sql or "VACUUM")
    connection.close()
    return Elsewhere(Endpoint(SQLITE, path=str(path)))


def run_sql(target: Target, sql: str) -> None:
    """Prepare or sabotage a disposable database."""
    session = target.open(writable=True)
    try:
        session.script(sql)
    finally:
        session.close()
