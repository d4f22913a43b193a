"""A report: one run with every number added up and every sentence written.

Whoever draws it, in Markdown, XML or on a terminal, decides on layout and nothing else. The classes are plain values,
so that the JSON is the report and an old one can be drawn again. `docs/schema/report-1.json` is generated from them;
a field that goes or changes its meaning makes a new `VERSION`, a new field does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from checks.check import Cell, Chart, Engine, Severity
from checks.plan import Mode
from checks.report.provenance import Provenance
from checks.result import Status
from checks.snapshot import Snapshot

if TYPE_CHECKING:  # a report that is no drill's does without
    from checks.report.drill_model import DrillReport

FORMAT: Literal["pgrunbook report"] = "pgrunbook report"
VERSION: Literal[1] = 1


class Verdict(StrEnum):
    """What the run amounts to. Only `held` is good news, without a word added to it.

    A drill is `held, contents not proven` where nothing broke and there was nothing to hold the rows against.
    """

    HELD = "held"
    HELD_UNPROVEN = "held, contents not proven"
    FAILED = "failed"
    COULD_NOT_TELL = "could not tell"
    NOTHING_ASKED = "nothing asked"
    INTERRUPTED = "interrupted"


VERDICT_MARKS = {
    Verdict.HELD: "✅ HELD",
    Verdict.HELD_UNPROVEN: "⚠️ HELD, CONTENTS NOT PROVEN",
    Verdict.FAILED: "❌ FAILED",
    Verdict.COULD_NOT_TELL: "❔ COULD NOT TELL",
    Verdict.NOTHING_ASKED: "➖ NOTHING ASKED",  # noqa: RUF001 - as wide as the other signs
    Verdict.INTERRUPTED: "🛑 INTERRUPTED",
}


@dataclass(frozen=True, slots=True)
class Run:
    """The run in brief, first in the file so that an index of a thousand reports reads only this much of each.

    `counts` is how many checks came to each status, in the order passed, warned, failed, errored, skipped, and of a
    drill's rungs; `unselected` is how many more checks the page has that this run left out. Times are UTC, `seconds` is
    wall time. `asked_major` is the PostgreSQL that the command line asked for (null: it was the page's to say).
    """

    runbook: str
    title: str
    mode: Mode
    environment: str
    target: str
    verdict: Verdict
    exit_code: int
    strict: bool
    sentence: str
    counts: dict[Status, int]
    unselected: int
    server: str
    started: str
    finished: str
    seconds: float
    asked_major: int | None = None

    @property
    def label(self) -> str:
        """What tells this run from the others of one command: `gaia`, or `gaia on 15`."""
        return f"{self.runbook} on {self.asked_major}" if self.asked_major else self.runbook


@dataclass(frozen=True, slots=True)
class ServerAnswered:
    """Which server answered, how we came by it, and whether it is the major the page names (null: it names none)."""

    engine: Engine
    version: str
    major: int
    obtained: str
    runbook_major: int | None
    is_runbook_major: bool | None


@dataclass(frozen=True, slots=True)
class FindingReport:
    """One thing a check found. `evidence` is rows of counts and names; `evidence_left_out` counts rows not shown.

    `folded` is a longer text, its title the first line. Reports written before there were `chart` and it have neither.
    """

    code: str
    holds: bool
    severity: Severity
    sentence: str
    expected: str
    observed: str
    evidence: tuple[dict[str, Cell], ...]
    evidence_left_out: int
    chart: Chart | None = None
    folded: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether the sentence is all there is."""
        return not (self.expected or self.observed or self.evidence or self.chart or self.folded)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """One check of the page and what came of it. `sentence` says it at a glance; `code` names a missing verdict.

    A drill's rung of 0 `seconds` was read off what was asked for several at once: its time is the phase's.
    """

    name: str
    kind: str
    line: int
    status: Status
    sentence: str
    findings: tuple[FindingReport, ...]
    seconds: float
    reason: str
    code: str
    hint: str
    claim: str
    manual: str

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes a person may look up: why there is no verdict, or what does not hold."""
        if self.code:
            return (self.code,)
        return tuple(dict.fromkeys(finding.code for finding in self.broken))

    @property
    def broken(self) -> tuple[FindingReport, ...]:
        """The findings that do not hold."""
        return tuple(finding for finding in self.findings if not finding.holds)


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do about a code: the page's own section, or the catalog's words where the page has none (`line` is 0).

    `checks` are those it is shown under. A report written before there was this field has none: any with the code.
    """

    code: str
    meaning: str
    source: Literal["page", "catalog"]
    title: str
    line: int
    text: str
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of prose, or one fence as written and the names of the checks in it. `line` is the page's."""

    language: Literal["markdown", "yaml", "sql"]
    text: str
    line: int
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageSection:
    """A heading of the page and what stands under it. Level 0 is what precedes the first heading.

    It is the fix for the codes `fixes`, and for the checks named in `fixes_checks`.
    """

    level: int
    title: str
    line: int
    fixes: tuple[str, ...]
    parts: tuple[Part, ...]
    fixes_checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One run of one runbook against one target, whole. `snapshot` is there where a check failed or errored.

    `drill` is there where a backup was restored; `checks` were then asked of the copy.
    """

    format: Literal["pgrunbook report"]
    version: Literal[1]
    run: Run
    server: ServerAnswered | None
    guards: dict[str, str]
    checks: tuple[CheckReport, ...]
    fixes: tuple[Fix, ...]
    page: tuple[PageSection, ...]
    provenance: Provenance
    snapshot: Snapshot | None = None
    drill: DrillReport | None = None

    @property
    def asked(self) -> tuple[CheckReport, ...]:
        """All that has a status: the rungs of a drill, then the page's checks."""
        return (*self.drill.ladder, *self.checks) if self.drill else self.checks

    @property
    def safety(self) -> str:
        """How the sessions with a live database were held back; empty for another target, or where none was opened."""
        attempt = self.guards.get("write_attempt")
        if not (self.run.environment and attempt):
            return ""
        waits = [f"{name} {self.guards[name]}" for name in ("lock_timeout", "statement_timeout") if name in self.guards]
        slots = self.guards.get("free_connection_slots")
        said = [f"read-only, a write was tried and {attempt}", ", ".join(waits), slots and f"{slots} slots free"]
        return "; ".join(one for one in said if one)

    def check(self, name: str) -> CheckReport | None:
        """The check of that name, or None when it was not part of the run."""
        return next((check for check in self.checks if check.name == name), None)

    def fixes_for(self, check: CheckReport) -> tuple[Fix, ...]:
        """What to do about each of a check's codes, each section once."""
        wanted = [fix for fix in self.fixes if fix.code in check.codes and check.name in (fix.checks or [check.name])]
        found = {(fix.source, fix.title, fix.text): fix for fix in reversed(wanted)}
        return tuple(reversed(found.values()))
