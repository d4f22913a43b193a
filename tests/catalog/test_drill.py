"""Drill: what the history says of a live environment, and that a rehearsal's findings are the ladder's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.catalog.past import PastDrill, PastDrills
from checks.check import POSTGRESQL, Finding, Severity
from checks.errors import NotApplicable
from checks.targets.session import Endpoint
from tests.catalog.tools import params_of

NOW = datetime.now(UTC)
FILE = Path("reports/drills.jsonl")
QUARTERLY = "{every: 90d}"


UNPROVEN = "held, contents not proven"


def past(days: float, verdict: str = "held", environment: str = "prod") -> PastDrill:
    """A drill so many days ago."""
    began = NOW - timedelta(days=days)
    return PastDrill(began, environment, verdict, "relay.dump", 4.0, proven=verdict == "held")


def asked(params: str, *drills: PastDrill, damaged: tuple[int, ...] = (), **known: Any) -> list[Finding]:
    """What the check finds where these are the drills of the history, oldest first."""

    def history(environments: Collection[str]) -> PastDrills:
        return PastDrills(FILE, tuple(one for one in drills if one.environment in environments), damaged)

    usual = Circumstances(Path(), POSTGRESQL, Endpoint(), disposable=False, environment="prod", drills=history)
    asking = CATALOG["drill"].ask(params_of("drill", params), replace(usual, **known))
    with pytest.raises(StopIteration) as stopped:
        next(asking)
    findings: list[Finding] = stopped.value.value
    return findings


def broken(findings: list[Finding]) -> Finding:
    """The one finding that does not hold."""
    [finding] = [finding for finding in findings if not finding.holds]
    return finding


def test_a_recent_good_drill_holds() -> None:
    """It says which backup, when, how long it took, and when the next is due."""
    [finding] = asked(QUARTERLY, past(10))
    assert (finding.code, finding.holds) == ("drill.recent", True)
    assert "relay.dump" in finding.sentence
    assert "10 d ago, and took 4.0 s to verify" in finding.sentence


def test_a_drill_that_proved_no_contents_warns() -> None:
    """It is no failure, since such backups are restored as well as they can be; nor is it as good as a proven one."""
    findings = asked(QUARTERLY, past(10, UNPROVEN))
    finding = broken(findings)
    assert (finding.code, finding.severity) == ("drill.contents_unproven", Severity.WARN)
    assert "none ever proved them" in finding.sentence
    assert findings[-1].code == "drill.recent"


def test_a_proven_drill_that_is_recent_enough_covers_those_after_it() -> None:
    """One a quarter proves contents, and those of every night in between restore what the script left."""
    [finding] = asked(QUARTERLY, past(30), past(1, UNPROVEN))
    assert finding.code == "drill.recent"
    assert "30 d ago" in finding.sentence
    finding = broken(asked(QUARTERLY, past(100), past(1, UNPROVEN)))
    assert finding.code == "drill.contents_unproven"
    assert "the last that proved them was on" in finding.sentence


def test_a_drill_that_proved_no_contents_does_not_age_better() -> None:
    """Nor does it hide the one that failed before it, which it makes up for as any other would."""
    assert broken(asked(QUARTERLY, past(100, UNPROVEN))).code == "drill.overdue"
    assert broken(asked(QUARTERLY, past(10), past(2, "failed"))).code == "drill.failed_last"
    assert broken(asked(QUARTERLY, past(10, "failed"), past(2, UNPROVEN))).code == "drill.contents_unproven"


def test_no_drill_at_all_fails() -> None:
    """A backup nobody restored is a hope."""
    finding = broken(asked(QUARTERLY))
    assert (finding.code, finding.severity) == ("drill.never", Severity.FAIL)
    assert str(FILE) in finding.sentence


def test_a_drill_that_is_too_old_fails() -> None:
    """And says how late it is."""
    finding = broken(asked(QUARTERLY, past(100)))
    assert finding.code == "drill.overdue"
    assert "10 d overdue" in finding.sentence


def test_shortly_before_it_is_due_it_warns() -> None:
    """When nine tenths of the time have passed."""
    finding = broken(asked(QUARTERLY, past(82)))
    assert (finding.code, finding.severity) == ("drill.due_soon", Severity.WARN)
    assert asked(QUARTERLY, past(80))[0].holds


def test_a_failed_drill_fails_however_recent() -> None:
    """The last one counts, and a good one before it does not save it."""
    finding = broken(asked(QUARTERLY, past(10), past(2, "failed")))
    assert finding.code == "drill.failed_last"
    assert "the last that held was on" in finding.sentence
    assert "none ever held" in broken(asked(QUARTERLY, past(2, "failed"))).sentence


def test_a_good_drill_makes_up_for_a_failed_one() -> None:
    """That is what it was repeated for."""
    assert asked(QUARTERLY, past(10, "failed"), past(2))[0].code == "drill.recent"


@pytest.mark.parametrize("verdict", ["could not tell", "interrupted"])
def test_a_drill_without_a_verdict_is_neither(verdict: str) -> None:
    """It warns beside a good one that is recent; alone it is as good as none."""
    finding = broken(asked(QUARTERLY, past(10), past(2, verdict)))
    assert (finding.code, finding.severity) == ("drill.inconclusive_last", Severity.WARN)
    assert broken(asked(QUARTERLY, past(2, verdict))).code == "drill.never"
    assert broken(asked(QUARTERLY, past(10), past(5, "failed"), past(2, verdict))).code == "drill.failed_last"
    assert broken(asked(QUARTERLY, past(100), past(2, verdict))).code == "drill.overdue"


def test_damaged_lines_warn() -> None:
    """They may have been the drill that failed."""
    finding = broken(asked(QUARTERLY, past(10), damaged=(2, 5)))
    assert (finding.code, finding.severity) == ("drill.history_damaged", Severity.WARN)
    assert "2 lines of reports/drills.jsonl cannot be read: 2, 5" in finding.sentence


def test_a_drill_of_tomorrow_does_not_count() -> None:
    """Or a wrong clock would keep the check green for years."""
    codes = [finding.code for finding in asked(QUARTERLY, past(-400))]
    assert codes == ["drill.history_damaged", "drill.never"]


def test_a_drill_counts_for_its_own_environment() -> None:
    """Unless the page says that several are one database."""
    of_railway = past(10, environment="railway")
    assert broken(asked(QUARTERLY, of_railway)).code == "drill.never"
    assert asked("{every: 90d, of: [prod, railway]}", of_railway)[0].code == "drill.recent"


def test_an_environment_without_drills_is_skipped() -> None:
    """Nobody restores what a developer has on a laptop."""
    with pytest.raises(NotApplicable, match=r"drills are of prod; this is dev"):
        next(
            CATALOG["drill"].ask(
                params_of("drill", "{of: [prod]}"),
                Circumstances(Path(), POSTGRESQL, Endpoint(), disposable=False, environment="dev"),
            )
        )


def test_a_disposable_server_is_rehearsed() -> None:
    """What the ladder found of the copy is what the check found, and it is told the page's budgets."""
    given = []
    lost = Finding("drill.recent", False, "1 row is missing.")

    def rehearse(parameters: Any) -> list[Finding]:
        given.append(parameters)
        return [lost]

    assert asked("{rto: 30min}", disposable=True, environment="", rehearse=rehearse) == [lost]
    assert given == [params_of("drill", "{rto: 30min}")]


def test_a_copy_is_not_drilled_again() -> None:
    """The checks of a copy are asked of it; a drill within a drill would prove nothing more."""
    with pytest.raises(NotApplicable, match="looks at a copy"):
        next(
            CATALOG["drill"].ask(params_of("drill", {}), Circumstances(Path(), POSTGRESQL, Endpoint(), disposable=True))
        )


@pytest.mark.parametrize("wrong", ["{every: 90}", "{every: 0s}", "{often: 90d}", "{rto: soon}", "{of: [Prod DB]}"])
def test_a_wrong_budget_is_a_mistake_of_the_page(wrong: str) -> None:
    """Told at its line, before anything runs."""
    with pytest.raises(ValidationError):
        params_of("drill", wrong)
