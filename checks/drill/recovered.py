"""What a recovered copy says of itself: where recovery stopped, or why it did not, and that nothing reaches outside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from checks.catalog.names import plural
from checks.check import Cell, Finding
from checks.drill.recovery import OFF, Point, show_time

if TYPE_CHECKING:
    from psycopg import Connection

MOST_NAMED = 5
_STOPPED = re.compile(
    r'recovery stopping (?:(before|after) (?:commit|abort)[^,]* (\d+), time (.+)|at restore point "(.*)", time (.+))'
)
_FATAL = re.compile(r"(?:FATAL|PANIC):\s+(.*)")
_DAMAGED = re.compile(
    r"incorrect resource manager data checksum.*|invalid magic number.*|unexpected pageaddr.*"
    r"|archive file .* has wrong size.*|WAL file is from different database system.*|invalid resource manager ID.*"
)
_SAYINGS = (
    ("before consistent recovery point", "drill.pitr_too_early"),
    ("timeline", "drill.pitr_timeline"),
    ("ended before configured recovery target", "drill.pitr_not_reached"),
)
_CAUSES = {
    "drill.pitr_too_early": "{point} lies before the end of the base backup, which cannot be taken back further",
    "drill.pitr_timeline": "the archive's timeline does not come from this base backup",
    "drill.pitr_not_reached": "all WAL of the archive was replayed, and {point} never came",
    "drill.pitr_recovery_failed": "the copy would not recover",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """Where recovery stopped: at a moment, and `before` the commit of a transaction, where the log names one."""

    moment: datetime
    transaction: str = ""
    before: bool = False


def stop_of(log: str) -> Stop | None:
    """What the server's log says of where recovery stopped."""
    found = _STOPPED.search(log)
    if found is None:
        return None
    moment = _moment(found[3] or found[5])
    return Stop(moment, found[2] or "", found[1] == "before")


def refused(log: str, point: Point, missing: Sequence[str], *, last: str) -> Finding:
    """Why the copy did not recover, from the log of a server that gave up and the gaps of its archive."""
    fatal = [match[1].strip() for match in _FATAL.finditer(log)]
    said = next((one for one in fatal if "startup process" not in one), fatal[0] if fatal else "nothing")
    damaged = _DAMAGED.search(log)
    code = next((code for words, code in _SAYINGS if words in said), "drill.pitr_recovery_failed")
    expected = f"recovery to {point}"
    if code in {"drill.pitr_not_reached", "drill.pitr_recovery_failed"} and missing:
        return Finding("drill.pitr_wal_missing", False, gap(missing), expected, said, _rows(missing))
    if code != "drill.pitr_too_early" and damaged:
        sentence = f"WAL of the archive cannot be replayed, and recovery ends there: {damaged[0].strip()}."
        return Finding("drill.pitr_wal_damaged", False, sentence, expected, said)
    until = f" The newest segment of the archive is {last}." if code == "drill.pitr_not_reached" else ""
    until = f" The server said: {said}." if code == "drill.pitr_recovery_failed" else until
    return Finding(code, False, f"{_capital(_CAUSES[code].format(point=point))}.{until}", expected, said)


def too_early(point: Point, taken: datetime) -> Finding:
    """A point that the backup itself is later than."""
    sentence = f"{_capital(_CAUSES['drill.pitr_too_early'].format(point=point))}: it was taken at {show_time(taken)}."
    return Finding("drill.pitr_too_early", False, sentence, f"recovery to {point}", show_time(taken))


def gap(missing: Sequence[str]) -> str:
    """One sentence on segments that are not there."""
    named = ", ".join(missing[:MOST_NAMED]) + (" and more" if len(missing) > MOST_NAMED else "")
    return f"{plural(len(missing), 'WAL segment')} missing from the archive: {named}."


def reached(connection: Connection[Any], log: str, point: Point) -> Finding:
    """That recovery is over, and where it stopped."""
    stop, (recovering, timeline) = stop_of(log), _row(connection, _STATE)
    if stop is None or recovering:
        return Finding("drill.pitr_not_reached", False, f"The copy is open, and never said that {point} was reached.")
    sentence = f"Recovery stopped at {point}, and the copy went on on timeline {timeline}."
    return Finding("drill.pitr_reached", True, sentence, str(point), show_time(stop.moment))


def isolated(connection: Connection[Any]) -> Finding:
    """What reaches outside is off, as the copy itself reads its settings."""
    read = {name: _plainly(value) for name, value in connection.execute(_SETTINGS, [list(OFF)]).fetchall()}
    wanted = {name: _as_shown(value) for name, value in OFF.items()}
    astray = {name: read[name] for name in wanted if name in read and read[name] != wanted[name]}
    (workers,) = _row(connection, _WORKERS)
    if astray or workers:
        told = ", ".join(f"{name} = {value}" for name, value in astray.items()) or f"{workers} workers of its own run"
        return Finding("drill.pitr_not_isolated", False, f"The copy reaches outside: {told}.", "all of it off", told)
    sentence = "The copy archives nothing, follows nobody and runs no library, job or subscription of the source's."
    rows = tuple({"setting": name, "read back": read[name] or "(empty)"} for name in wanted if name in read)
    return Finding("drill.pitr_isolated", True, sentence, "", "", rows)


def boundary(connection: Connection[Any], log: str, point: Point) -> Finding:
    """The last transaction replayed was committed before the point, and the next one after it is not there."""
    stop, (last,) = stop_of(log), _row(connection, _LAST)
    if stop is None:
        return Finding("drill.pitr_not_reached", False, f"Where recovery to {point} stopped is not known.")
    limit = point.time or stop.moment
    replayed = f"the last transaction replayed was committed at {show_time(last)}" if last else "none was replayed"
    if last and last > limit:
        sentence = f"The copy has a transaction from after {point}: {replayed}."
        return Finding("drill.pitr_past_boundary", False, sentence, f"none after {show_time(limit)}", replayed)
    after = f"the next one, {stop.transaction} at {show_time(stop.moment)}, is not there" if stop.before else "stopped"
    sentence = f"On both sides of {point}: {replayed}, and {after}."
    if not stop.before:
        sentence = f"Recovery stopped exactly at {point}; {replayed}."
    return Finding("drill.pitr_boundary", True, sentence)


def marked(before: int, after: int, point: Point) -> Finding:
    """Rows of the marker on both sides of the point, by their number."""
    rows: tuple[dict[str, Cell], ...] = ({"side": "before", "rows": before}, {"side": "after", "rows": after})
    observed, expected = f"{before} before, {after} after", "some before, none after"
    if after:
        sentence = f"The marker has {plural(after, 'row')} from after {point}: recovery went too far."
        return Finding("drill.pitr_past_boundary", False, sentence, expected, observed, rows)
    if not before:
        sentence = f"No row of the marker from before {point} is in the copy."
        return Finding("drill.pitr_marker_lost", False, sentence, expected, observed, rows)
    sentence = (
        f"What was written before {point} is there ({plural(before, 'row')} of the marker), and nothing from after it."
    )
    return Finding("drill.pitr_boundary", True, sentence, expected, observed, rows)


_STATE = "SELECT pg_is_in_recovery(), timeline_id FROM pg_control_checkpoint()"
_SETTINGS = "SELECT name, setting FROM pg_settings WHERE name = ANY (%s)"
_LAST = "SELECT pg_last_xact_replay_timestamp()"
# Those of PostgreSQL itself write, checkpoint and clean; whatever else runs came with a library or a subscription.
_WORKERS = """
    SELECT count(*) FROM pg_stat_activity WHERE backend_type NOT IN (
        'client backend', 'parallel worker', 'checkpointer', 'background writer', 'walwriter', 'startup', 'io worker',
        'autovacuum launcher', 'autovacuum worker')
"""


def _row(connection: Connection[Any], sql: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(sql).fetchone()
    if row is None:
        raise AssertionError("a query without FROM, or of one row, returns one")
    return row


def _moment(text: str) -> datetime:
    """`2026-11-21 00:40:30.85326+00`, whose zeros at the end are left out."""
    day, clock = text.strip().removesuffix("+00").split()
    whole, _, fraction = clock.partition(".")
    moment = datetime.fromisoformat(f"{day}T{whole}").replace(tzinfo=UTC)
    return moment.replace(microsecond=int(fraction.ljust(6, "0")[:6]) if fraction else 0)


def _plainly(value: str) -> str:
    """A server that does not archive says so in place of its empty command."""
    return "" if value == "(disabled)" else value


def _as_shown(value: object) -> str:
    return "off" if value is False else str(value)


def _rows(names: Sequence[str]) -> tuple[dict[str, str], ...]:
    return tuple({"missing": name} for name in names)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
