"""The server's minor release is current, and its major version is still mended.

A minor release holds nothing but repairs, of lost data and of holes in security among them, and costs a restart. After
the end of its life a major gets none at all, whatever is found, and moving to another one takes planning: so this says
it half a year before. The newest releases are those of a table that comes with pgrunbook, whose date is always shown,
and which warns of itself when a round of releases must be missing from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.names import plural
from checks.catalog.releases import Major, Releases, releases
from checks.catalog.sql import statements
from checks.check import Asking, Check, Code, Finding, Query, Severity
from checks.errors import CouldNotTell, NotApplicable
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.units import Duration

EXAMPLE = "version: {warn_behind: 1, fail_behind: 3, ends_within: 180d}"

TABLE_GROWS_OLD = 120  # days: a round of minor releases comes every three months, and takes a while to be packaged


@dataclass(frozen=True, slots=True)
class Parameters:
    """How many minor releases may be missing, and how long before the end of its life a major is spoken of."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    warn_behind: int = field(
        default=1, metadata={"description": "From how many missing minor releases on it warns.", "ge": 1}
    )
    fail_behind: int = field(
        default=3,
        metadata={
            "description": "From how many on it fails. One comes out every three months, so 3 is most of a year.",
            "ge": 1,
        },
    )
    ends_within: Duration = field(
        default=Duration(180 * 86400),
        metadata={"description": "How long before the end of its life a major warns. After it, it fails."},
    )

    def __post_init__(self) -> None:
        if not 1 <= self.warn_behind <= self.fail_behind:
            raise ValueError("`warn_behind` is at least 1, and `fail_behind` no less than `warn_behind`")


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """One query, held against the table of releases.

    Raises NotApplicable on a disposable server, and CouldNotTell for a major the table does not know.
    """
    if circumstances.disposable:
        raise NotApplicable("a disposable server is what this machine has, and says nothing of the environment's")
    [answer] = yield [Query(statements("version")["version"])]
    spelling, number = answer.rows[0]
    major, minor = divmod(number, 10000)
    known, today = releases(), datetime.now(UTC).date()
    if known.ended_before_the_table(major):
        return [_ended(spelling, f"long before {known.as_of}")]
    if major not in known.majors:
        raise CouldNotTell(
            f"PostgreSQL {spelling} is of a major that the table of releases of {known.as_of} does not know.",
            code="version.unknown_major",
            hint="Upgrade pgrunbook.",
        )
    about = known.majors[major]
    findings = [*_life(parameters, about, spelling, today), *_behind(parameters, about, minor, spelling, known)]
    return [*(findings or [_current(about, minor, spelling, known)]), *_table_is_old(known, today)]


def _life(parameters: Parameters, about: Major, spelling: str, today: date) -> list[Finding]:
    left = (about.ends - today).days
    if left < 0:
        return [_ended(spelling, f"on {about.ends}")]
    if left * 86400 > parameters.ends_within:
        return []
    return [
        Finding(
            "version.ends_soon",
            False,
            f"PostgreSQL {about.number} gets its last repairs on {about.ends}, in {plural(left, 'day')}.",
            expected=f"more than {parameters.ends_within} of repairs ahead",
            observed=plural(left, "day"),
            severity=Severity.WARN,
        )
    ]


def _ended(spelling: str, when: str) -> Finding:
    return Finding(
        "version.end_of_life",
        False,
        f"The server is PostgreSQL {spelling}, of a major whose life ended {when}: nothing is mended any more.",
        expected="a major that is still mended",
        observed=spelling,
    )


def _behind(parameters: Parameters, about: Major, minor: int, spelling: str, known: Releases) -> list[Finding]:
    missing = about.minor - minor
    if missing < parameters.warn_behind:
        return []
    return [
        Finding(
            "version.minor_behind",
            False,
            f"The server is PostgreSQL {spelling}, {plural(missing, 'release')} behind {about.newest}.",
            expected=f"{about.newest}, the newest of {known.as_of}",
            observed=spelling,
            severity=Severity.FAIL if missing >= parameters.fail_behind else Severity.WARN,
        )
    ]


def _current(about: Major, minor: int, spelling: str, known: Releases) -> Finding:
    if minor > about.minor:
        return Finding(
            "version.newer_than_table",
            True,
            f"PostgreSQL {spelling} is newer than {about.newest}, the newest in the table of {known.as_of}: "
            "whether there is a newer one yet cannot be told.",
            expected=f"{about.newest} or newer",
            observed=spelling,
        )
    return Finding(
        "version.current",
        True,
        f"PostgreSQL {spelling} is as new as it must be, going by the table of {known.as_of}; "
        f"{about.number} is mended until {about.ends}.",
        expected=f"{about.newest}, the newest of {known.as_of}",
        observed=spelling,
    )


def _table_is_old(known: Releases, today: date) -> list[Finding]:
    age = (today - known.as_of).days
    if age <= TABLE_GROWS_OLD:
        return []
    return [
        Finding(
            "version.table_old",
            False,
            f"The table of PostgreSQL's releases is of {known.as_of}: newer releases there are, it does not know.",
            expected=f"a table of at most {TABLE_GROWS_OLD} days",
            observed=plural(age, "day"),
            severity=Severity.WARN,
        )
    ]


CODES: Mapping[str, Code] = {
    "version.current": Code("The server has the newest minor release the table knows, or misses no more than allowed."),
    "version.newer_than_table": Code(
        "The server's minor release came out after the table was made, so whether it is the newest cannot be told."
    ),
    "version.minor_behind": Code(
        "There are newer minor releases of the server's major than the one it runs.",
        "Each holds repairs only, among them of lost data and of holes in security that are public from that day on.",
        "Read the notes of the releases between on https://www.postgresql.org/docs/release/, which say what has to be "
        "done besides; then install the newest and restart. A hosted server is upgraded from its console.",
    ),
    "version.end_of_life": Code(
        "The server's major version is past the end of its life.",
        "What is found in it from now on stays open, and providers move such servers to another major on a day of "
        "their own choosing.",
        "Plan the move: restore a dump into a newer major and run this page against it, or use `pg_upgrade`.",
    ),
    "version.ends_soon": Code(
        "The life of the server's major version ends within the time the page names.",
        "Moving to another major takes rehearsals and a window, and in the weeks before the end all others do it.",
        "Restore a dump into a newer major, run this page against it, and choose a day.",
    ),
    "version.unknown_major": Code(
        "The server's major version is newer than the table of releases.",
        "Neither its newest minor release nor the end of its life can be told.",
        "Upgrade pgrunbook, or add the major to `checks/catalog/releases.json` from the source named there.",
    ),
    "version.table_old": Code(
        f"The table of releases that comes with this pgrunbook is more than {TABLE_GROWS_OLD} days old.",
        "A round of minor releases comes out every three months, and one is missing from it: a server it calls current "
        "may lack repairs, of lost data and of holes in security among them, that are public.",
        "Upgrade pgrunbook, or renew `checks/catalog/releases.json` from the source named there.",
    ),
}

CHECK = Check(
    kind="version",
    claim="The server's minor release is current, and its major version is still mended.",
    manual="https://www.postgresql.org/docs/current/release.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None beyond CONNECT on the database.",
)
