"""Standbys follow as closely as the page expects, and no slot holds back what nobody will read.

A standby that stopped following answers queries as before, and is only missed when it is needed. A slot whose reader is
gone keeps the primary's WAL until the disk is full. Both servers tell half of it: the primary who follows and how far,
the standby whether it still receives anything. Ask each, with an environment of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from checks.catalog.circumstances import Circumstances
from checks.catalog.expectation import Comparison, Count, show_count
from checks.catalog.inventory import Names
from checks.catalog.names import is_are, plural, some
from checks.catalog.replication_codes import CODES
from checks.catalog.replication_slots import Row, evidence_of, slots_out_of_order
from checks.catalog.sql import literal, statements
from checks.check import Asking, Cell, Check, Finding, Query
from checks.errors import CouldNotTell, NotApplicable
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import Positive
from checks.units import Duration, Size, show_bytes, show_seconds

EXAMPLE = """\
replication:
  role: primary
  standbys: {ge: 1}
  lag: 10s
  slots: [standby_1]
  retained: 4GB"""

PRIMARY, STANDBY = "primary", "standby"
AT_LEAST_ONE: Comparison[int] = Comparison(ge=1)
# `ANY 2 (a, b, c)`, `FIRST 1 (a)`, `2 (a, b)` and `a, b`, which asks for one:
# https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
_HOW_MANY = re.compile(r"\s*(?:(?:ANY|FIRST)\s+)?(\d+)\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What follows this server, or what it follows. A page that asks for nothing expects a standby of a primary."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    role: Literal["primary", "standby"] | None = field(
        default=None, metadata={"description": "What the server must be; without it, either will do."}
    )
    standbys: Count | None = field(
        default=None,
        metadata={
            "description": "How many standbys stream from this server; without it, at least 1 from a primary and any "
            "number from a standby. `0` is for a server that has none by design."
        },
    )
    lag: Duration = field(
        default=Duration(30), metadata={"description": "How far behind in time a standby or subscriber may be."}
    )
    lag_bytes: Size = field(
        default=Size(256 * 2**20), metadata={"description": "How much WAL a standby or subscriber may have to replay."}
    )
    streaming: bool = field(
        default=True,
        metadata={"description": "Whether a standby must be streaming; `false` for one that an archive feeds."},
    )
    slots: Names = field(default=(), metadata={"description": "Slots that must exist."})
    may_be_inactive: Names = field(default=(), metadata={"description": "Slots that need not have a reader just now."})
    retained: Size = field(default=Size(2**30), metadata={"description": "How much WAL a slot may hold back."})
    xmin_age: Positive = field(
        default=10_000_000,
        metadata={"description": "For how many transactions a slot may keep dead rows from being removed."},
    )


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """All in one round, and a second look at a standby that seems late.

    Raises NotApplicable on a disposable server, which has no standby, and CouldNotTell where this role may not see how
    far the others are.
    """
    sql = statements("replication")
    servers, receivers, slots = yield [Query(sql[name]) for name in ("server", "receivers", "slots")]
    [server] = servers.dicts()
    followers, kept = receivers.dicts(), slots.dicts()
    if circumstances.disposable and not server["standby"] and not followers and not kept:
        _say_that_it_is_disposable(parameters)
    findings = [*_role(parameters, server), *_standbys(parameters, server, followers), *_synchronous(server, followers)]
    findings += _lagging(parameters, followers)
    if server["standby"]:
        caught_up = False
        if _seems_late(parameters, server):
            [again] = yield [
                Query(f"SELECT pg_last_wal_replay_lsn() >= {literal(server['received'] or '0/0')}::pg_lsn")
            ]
            caught_up = bool(server["received"] and again.value)
        findings += _following(parameters, server, caught_up=caught_up)
    findings += slots_out_of_order(
        kept,
        wanted=parameters.slots,
        may_be_inactive=parameters.may_be_inactive,
        retained=parameters.retained,
        xmin_age=parameters.xmin_age,
    )
    if not findings:
        _all_seen(server, followers)
    return findings or [_in_step(parameters, server, followers, kept)]


def _say_that_it_is_disposable(parameters: Parameters) -> None:
    expected = parameters.standbys or AT_LEAST_ONE
    if parameters.role == STANDBY or parameters.slots or not expected.holds(0):
        raise NotApplicable("A disposable server has no standby, follows no primary and keeps no slot.")


def _role(parameters: Parameters, server: Row) -> Iterator[Finding]:
    found = STANDBY if server["standby"] else PRIMARY
    if parameters.role not in {None, found}:
        sentence = f"The server is a {found}, not the {parameters.role}."
        yield Finding("replication.role", False, sentence, str(parameters.role), found)


def _standbys(parameters: Parameters, server: Row, followers: Sequence[Row]) -> Iterator[Finding]:
    expected = parameters.standbys or (None if server["standby"] else AT_LEAST_ONE)
    if expected is None or _hidden(followers):
        return
    count = len(_streaming(followers))
    if not expected.holds(count):
        verb = "streams" if count == 1 else "stream"
        found = f"{show_count(count)} {'standby' if count == 1 else 'standbys'}"
        wanted = expected.describe(show_count)
        sentence = f"{found.capitalize()} {verb} from this server, not {wanted}."
        yield Finding("replication.standbys", False, sentence, wanted, str(count), _evidence(followers))


def _streaming(followers: Iterable[Row]) -> list[Row]:
    return [row for row in followers if row["state"] == "streaming" and not row["logical"]]


def _synchronous(server: Row, followers: Sequence[Row]) -> Iterator[Finding]:
    names = server["synchronous"].strip()
    if server["standby"] or not names or _hidden(followers):
        return
    found = _HOW_MANY.match(names)
    needed = int(found[1]) if found else 1
    count = sum(row["sync"] in {"sync", "quorum"} and row["state"] == "streaming" for row in followers)
    if count < needed:
        there = f"{show_count(count)} {'is' if count == 1 else 'are'} there"
        sentence = f"Commits wait for {plural(needed, 'synchronous standby')}, and {there}."
        yield Finding("replication.not_synchronous", False, sentence, str(needed), str(count), _evidence(followers))


def _lagging(parameters: Parameters, followers: Sequence[Row]) -> Iterator[Finding]:
    late = [row for row in followers if _late(parameters, row)]
    if late:
        worst = max(late, key=lambda row: row["bytes"] or 0)
        more = f"; so {is_are(late[1:])} {len(late) - 1} more" if late[1:] else ""
        sentence = f"{worst['name']} is {_behind(worst)} behind this server{more}."
        yield Finding("replication.lagging", False, sentence, _limits(parameters), _behind(worst), _evidence(late))


def _late(parameters: Parameters, row: Row) -> bool:
    return (row["bytes"] or 0) > parameters.lag_bytes or (row["seconds"] or 0.0) > parameters.lag


def _limits(parameters: Parameters) -> str:
    return f"at most {parameters.lag} and {show_bytes(parameters.lag_bytes)}"


def _behind(row: Row) -> str:
    seconds = "" if row["seconds"] is None else f"{show_seconds(max(0.0, row['seconds']))} and "
    return f"{seconds}{show_bytes(max(0, row['bytes'] or 0))}"


def _seems_late(parameters: Parameters, server: Row) -> bool:
    """Whether replay is late, going by the last commit it has seen, which on an idle primary is old without harm."""
    return server["bytes"] != 0 and _late(parameters, server)


def _following(parameters: Parameters, server: Row, *, caught_up: bool) -> Iterator[Finding]:
    """What a standby says of itself. `caught_up`: it has since replayed all that it had received."""
    if server["paused"]:
        sentence = f"Replay is paused on this standby, {_behind(server)} behind what it has received."
        yield Finding("replication.paused", False, sentence, "not paused", "paused")
    elif _seems_late(parameters, server) and not caught_up:
        sentence = f"This standby is {_behind(server)} behind."
        yield Finding("replication.lagging", False, sentence, _limits(parameters), _behind(server))
    unknown = server["receivers"] and server["receiver"] is None
    if parameters.streaming and not unknown and server["receiver"] != "streaming":
        found = server["receiver"] or "no receiver"
        sentence = f"This standby does not stream from its primary ({found})."
        yield Finding("replication.not_streaming", False, sentence, "streaming", found)


def _hidden(followers: Iterable[Row]) -> bool:
    return any(row["state"] is None for row in followers)


def _all_seen(server: Row, followers: Sequence[Row]) -> None:
    if _hidden(followers) or (server["receivers"] and server["receiver"] is None):
        raise CouldNotTell(
            "This role may not see how far the servers that replicate are.",
            code="run.not_permitted",
            hint="`GRANT pg_read_all_stats TO role` (or `pg_monitor`)",
        )


def _in_step(parameters: Parameters, server: Row, followers: Sequence[Row], slots: Sequence[Row]) -> Finding:
    count = len(_streaming(followers))
    behind = some(_behind(row) for row in followers)
    follow = f"{plural(count, 'standby')} streaming" if count else "no standby streaming from it, as the page expects"
    if server["standby"]:
        follow = f"{'streaming' if server['receiver'] == 'streaming' else 'fed from an archive'}, with "
        follow += f"{show_bytes(max(0, server['bytes'] or 0))} to replay"
    kept = "no slot" if not slots else plural(len(slots), "slot")
    sentence = f"A {STANDBY if server['standby'] else PRIMARY}, {follow}; {kept}."
    wanted = f"{(parameters.standbys or AT_LEAST_ONE).describe(show_count)} standbys, {_limits(parameters)} behind"
    evidence = _evidence(followers) + evidence_of(slots)
    return Finding(
        "replication.in_step", True, sentence, _limits(parameters) if server["standby"] else wanted, behind, evidence
    )


def _evidence(followers: Iterable[Row]) -> tuple[Mapping[str, Cell], ...]:
    return tuple(
        {
            "what": f"{'subscriber' if row['logical'] else 'standby'} {row['name']}",
            "state": row["state"],
            "WAL": _behind(row),
        }
        for row in followers
    )


CHECK = Check(
    kind="replication",
    claim="Standbys follow closely, and no replication slot holds back what nobody reads.",
    manual="https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="pg_read_all_stats (or pg_monitor), to see how far the other servers are.",
)
