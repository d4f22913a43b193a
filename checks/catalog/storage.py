"""The database has room to grow within the storage the page declares.

A full disk stops every write, and often the server with it. It fills on a date that two reports foretell: what the
database took then, and what it takes now. The largest tables and indexes are shown, because that is the next question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, NamedTuple

from checks.catalog.circumstances import Circumstances
from checks.catalog.names import Name
from checks.catalog.past import Earlier
from checks.catalog.sql import statements
from checks.check import Answer, Asking, Cell, Check, Code, Finding, Query, Severity
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import Where
from checks.units import Duration, Percent, Size, show_bytes, show_seconds

EXAMPLE = """\
storage:
  limit: 10GB
  nearly_full: 80%"""

MEASURED = "storage.measured"
LOCKED = "55P03"
TABLE, INDEX, DATABASE = "table", "index", "database"
DAY = 86400.0  # a pace taken over less says more of one hour's work than of growth

Few = Annotated[int, Where(range(101).__contains__, "must be a number from 0 to 100")]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the database may take. Without `limit` the check reports sizes and growth, and holds."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    limit: Size | None = field(
        default=None, metadata={"description": "The storage declared for this database, such as `10GB`."}
    )
    nearly_full: Percent = field(default=Percent(80), metadata={"description": "More than this of the limit warns."})
    full: Percent = field(default=Percent(95), metadata={"description": "More than this of the limit fails."})
    filling_within: Duration = field(
        default=Duration(30 * DAY),
        metadata={
            "description": "Warns when the limit will be reached this soon at the pace since the last report of the "
            "environment, if that is at least a day old."
        },
    )
    largest: Few = field(
        default=5, metadata={"description": "How many of the largest tables, and of the largest indexes, are shown."}
    )

    def __post_init__(self) -> None:
        if self.nearly_full > self.full:
            raise ValueError(f"`nearly_full` ({self.nearly_full}) warns before `full` ({self.full}) fails: it is less")


class Taken(NamedTuple):
    """What one table, one index or the whole database takes, in bytes."""

    what: str
    name: str
    size: int


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """One round; a second one where somebody's lock on a table keeps it from being measured."""
    sql = statements("storage")
    database, tables, indexes = yield [Query(sql[name]) for name in ("database", "tables", "indexes")]
    total = int(database.value)
    if _is_locked(tables) or _is_locked(indexes):
        [estimated] = yield [Query(sql["estimated"])]
        largest = _largest(estimated.rows, parameters.largest)
    else:
        rows = [(*row, False) for row in tables.rows] + [(*row, True) for row in indexes.rows]
        largest = _largest(rows, parameters.largest)
    growth = Growth.between(circumstances.previous(MEASURED), total, datetime.now(UTC))
    measured = _measured(parameters, [Taken(DATABASE, "", total), *largest], growth)
    # Whoever reads that there is no room asks next what takes it.
    return [*(replace(one, evidence=measured.evidence) for one in _broken(parameters, total, growth)), measured]


def _is_locked(answer: Answer) -> bool:
    return answer.error is not None and answer.error.sqlstate == LOCKED


def _largest(rows: Sequence[tuple[Any, ...]], count: int) -> list[Taken]:
    # A size is NULL where the table was dropped while it was measured.
    known = [
        Taken(INDEX if is_index else TABLE, str(Name(schema, name)), int(size))
        for schema, name, size, is_index in rows
        if size is not None
    ]
    return [one for what in (TABLE, INDEX) for one in [each for each in known if each.what == what][:count]]


@dataclass(frozen=True, slots=True)
class Growth:
    """The database now and in an earlier report, in bytes, and the seconds between."""

    before: Mapping[tuple[Cell, Cell], int]
    now: int
    seconds: float

    @classmethod
    def between(cls, earlier: Earlier | None, total: int, moment: datetime) -> Growth | None:
        """None where no earlier report has figures."""
        if earlier is None:
            return None
        sizes = {(row.get("what"), row.get("name")): row.get("bytes") for row in earlier.evidence}
        before = {key: size for key, size in sizes.items() if isinstance(size, int)}
        passed = (moment - earlier.began).total_seconds()
        return cls(before, total, passed) if (DATABASE, "") in before and passed > 0 else None

    @property
    def bytes(self) -> int:
        """By how much the database grew; less than 0 where it shrank."""
        return self.now - self.before[DATABASE, ""]

    def seconds_until(self, limit: int) -> float | None:
        """When `limit` is reached at this pace; None where it never is, or the pace is not known."""
        if self.bytes <= 0 or self.seconds < DAY:
            return None
        return max(0.0, limit - self.now) / (self.bytes / self.seconds)

    def of(self, one: Taken) -> str:
        """By how much it grew, where the earlier report shows it too."""
        before = self.before.get((one.what, one.name))
        return "" if before is None else _difference(one.size - before)

    def __str__(self) -> str:
        return f"{_difference(self.bytes)} in {show_seconds(self.seconds)}"


def _difference(size: int) -> str:
    return f"{'-' if size < 0 else '+'}{show_bytes(abs(size))}"


def _broken(parameters: Parameters, total: int, growth: Growth | None) -> Iterator[Finding]:
    limit = parameters.limit
    if limit is None:
        return
    found = f"{show_bytes(total)} of {limit}"
    sentence = f"The database takes {found}, which is {100 * total / max(limit, 1):.0f}%."
    if total > parameters.full.of(limit):
        yield Finding("storage.full", False, sentence, f"at most {parameters.full}", found)
    elif total > parameters.nearly_full.of(limit):
        wanted = f"at most {parameters.nearly_full}"
        yield Finding("storage.nearly_full", False, sentence, wanted, found, severity=Severity.WARN)
    left = growth.seconds_until(limit) if growth else None
    if growth and left is not None and left < parameters.filling_within and total <= parameters.full.of(limit):
        yield Finding(
            "storage.filling",
            False,
            f"The database grew by {show_bytes(growth.bytes)} in {show_seconds(growth.seconds)}: at this pace it takes "
            f"all of its {limit} in {show_seconds(left)}.",
            f"not within {parameters.filling_within}",
            show_seconds(left),
            severity=Severity.WARN,
        )


def _measured(parameters: Parameters, taken: Sequence[Taken], growth: Growth | None) -> Finding:
    total = show_bytes(taken[0].size)
    since = f", {growth} since the last report" if growth else ", and no earlier report to compare with"
    of = f" of {parameters.limit}" if parameters.limit is not None else ""
    return Finding(
        MEASURED,
        True,
        f"The database takes {total}{of}{since}.",
        f"at most {parameters.nearly_full} of {parameters.limit}" if parameters.limit is not None else "",
        total,
        tuple(_row(one, growth) for one in taken),
    )


def _row(one: Taken, growth: Growth | None) -> Mapping[str, Cell]:
    row: dict[str, Cell] = {"what": one.what, "name": one.name, "size": show_bytes(one.size), "bytes": one.size}
    return {**row, "grown": growth.of(one)} if growth else row


CODES: Mapping[str, Code] = {
    MEASURED: Code(
        "What the database and its largest tables and indexes take, and how much more than at the last report of this "
        "environment in the reports folder. A limit that is broken has a code of its own."
    ),
    "storage.nearly_full": Code(
        "The database takes most of the storage declared for it.",
        "Growth rarely stops by itself, and making room takes room: `VACUUM FULL` and `CREATE INDEX` write a copy.",
        "See the largest tables and indexes in the evidence; delete or archive what has expired, drop indexes nobody "
        "uses (`indexes` names them), or enlarge the storage and the limit.",
    ),
    "storage.full": Code(
        "The database takes all of the storage declared for it, or nearly all.",
        "When the disk is full every write fails, and PostgreSQL stops if it is the disk of the WAL.",
        "Enlarge the storage now. Then delete what has expired and `VACUUM`; `TRUNCATE` and `DROP` give space back at "
        "once. An inactive replication slot or a failing `archive_command` fills the disk with WAL, which is not "
        "counted here.",
    ),
    "storage.filling": Code(
        "At the pace since the last report the database reaches its limit soon.",
        "This is the time at which enlarging it, or deleting old rows, is still a planned change.",
        "See in the evidence which table grew. If it was a single import, the next report will say so.",
    ),
}

CHECK = Check(
    kind="storage",
    claim="The database has room to grow within the storage the page declares.",
    manual="https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-DBSIZE",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="CONNECT on the database.",
)
