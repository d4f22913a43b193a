"""Version: minor releases behind, majors at the end of their life, and a table that says how old it is itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from checks.catalog import version
from checks.catalog.releases import Major, Releases, releases
from checks.check import Finding, Severity
from checks.errors import CouldNotTell, NotApplicable
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import check_fails, check_holds, findings_of, params_of

TODAY = datetime.now(UTC).date()
Known = Callable[..., None]


def version_of(target: EmbeddedTarget) -> tuple[int, int]:
    """Major and minor of the server, as its own binaries say them."""
    major, minor = target.server.binaries.version.split(".")
    return int(major), int(minor)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Known:
    """Make the table what the test says of one major."""

    def say(major: int, minor: int, *, ends: date = TODAY + timedelta(days=900), as_of: date = TODAY) -> None:
        table = Releases(as_of, "https://www.postgresql.org/support/versioning/", {major: Major(major, minor, ends)})
        monkeypatch.setattr(version, "releases", lambda: table)

    return say


def holds(target: EmbeddedTarget, params: str = "{}") -> list[Finding]:
    return check_holds("version", params, target, disposable=False)


def fails(target: EmbeddedTarget, code: str, params: str = "{}") -> Finding:
    return check_fails("version", params, target, code=code, disposable=False)


def test_the_newest_minor_release_holds(target: EmbeddedTarget, known: Known) -> None:
    """A server with the newest release of a major that is still mended holds, and the table's date is shown."""
    known(*version_of(target))
    [finding] = holds(target)
    assert finding.code == "version.current"
    assert f"the table of {TODAY}" in finding.sentence


def test_one_release_behind_warns_and_three_fail(target: EmbeddedTarget, known: Known) -> None:
    """A release that just came out is no reason to be paged; most of a year without repairs is."""
    major, minor = version_of(target)
    known(major, minor + 1)
    finding = fails(target, "version.minor_behind")
    assert (finding.severity, finding.observed) == (Severity.WARN, f"{major}.{minor}")
    assert "1 release behind" in finding.sentence
    known(major, minor + 3)
    assert fails(target, "version.minor_behind").severity is Severity.FAIL
    holds(target, "{warn_behind: 4, fail_behind: 5}")


def test_a_release_newer_than_the_table_holds_and_says_so(target: EmbeddedTarget, known: Known) -> None:
    """What came out after the table was made is not called the newest, and not called old."""
    major, minor = version_of(target)
    known(major, minor - 1)
    [finding] = holds(target)
    assert finding.code == "version.newer_than_table"
    assert "cannot be told" in finding.sentence


def test_a_major_past_its_life_fails(target: EmbeddedTarget, known: Known) -> None:
    """From the day after its last repairs a major fails, whatever minor release it has."""
    major, minor = version_of(target)
    known(major, minor, ends=TODAY - timedelta(days=1))
    assert fails(target, "version.end_of_life").severity is Severity.FAIL
    known(major, minor, ends=TODAY)
    assert fails(target, "version.ends_soon").observed == "0 days"


def test_a_major_older_than_the_table_is_past_its_life(target: EmbeddedTarget, known: Known) -> None:
    """No table lists all that ever was; what is older than its oldest is not unknown."""
    known(90, 1)
    assert "long before" in fails(target, "version.end_of_life").sentence


def test_a_major_that_ends_soon_warns(target: EmbeddedTarget, known: Known) -> None:
    """Half a year before, unless the page says another time."""
    major, minor = version_of(target)
    known(major, minor, ends=TODAY + timedelta(days=100))
    assert fails(target, "version.ends_soon").severity is Severity.WARN
    holds(target, "{ends_within: 90d}")


def test_a_major_the_table_does_not_know_has_no_verdict(target: EmbeddedTarget, known: Known) -> None:
    """A server newer than pgrunbook is neither current nor old."""
    known(9, 1)
    with pytest.raises(CouldNotTell) as told:
        findings_of("version", "{}", target, disposable=False)
    assert told.value.code == "version.unknown_major"


def test_an_old_table_warns_of_itself(target: EmbeddedTarget, known: Known) -> None:
    """After four months a round of releases is missing from the table, and it says so beside its verdict."""
    known(*version_of(target), as_of=TODAY - timedelta(days=120))
    holds(target)
    known(*version_of(target), as_of=TODAY - timedelta(days=121))
    finding = fails(target, "version.table_old")
    assert (finding.severity, finding.observed) == (Severity.WARN, "121 days")
    assert finding.expected == "a table of at most 120 days"


def test_a_disposable_server_is_not_asked(target: EmbeddedTarget) -> None:
    """Which binaries this machine has says nothing of production."""
    with pytest.raises(NotApplicable):
        findings_of("version", "{}", target)


def test_every_major_is_known(target_of_every_major: EmbeddedTarget) -> None:
    """The committed table knows each major that the tests run on, and reads its version right."""
    findings = findings_of("version", "{}", target_of_every_major, disposable=False)
    shown = target_of_every_major.server.binaries.version
    assert any(shown in finding.sentence for finding in findings)
    assert {finding.code for finding in findings} <= set(version.CODES)


@pytest.mark.parametrize("written", ["{warn_behind: 0}", "{warn_behind: 3, fail_behind: 2}", "{ends_within: soon}"])
def test_thresholds_that_make_no_sense_are_mistakes(written: str) -> None:
    """A page cannot fail before it warns, nor warn of nothing."""
    with pytest.raises(ValidationError):
        params_of("version", written)


def test_the_committed_table_is_whole() -> None:
    """Majors without a gap, in the order of their ends, and a date that is not in the future."""
    known = releases()
    majors = sorted(known.majors)
    assert majors == list(range(majors[0], majors[-1] + 1))
    ends = [known.majors[number].ends for number in majors]
    assert ends == sorted(ends)
    assert known.as_of <= TODAY
    assert known.source == "https://www.postgresql.org/support/versioning/"
