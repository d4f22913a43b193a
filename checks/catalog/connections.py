"""The server has sessions to spare, and nobody holds one, a transaction or a lock for too long.

When the last slot is taken every new client is refused, the one that would repair things included. Long before that,
a session that began a transaction and left it keeps its locks, and keeps vacuum from removing any row deleted since;
and one that waits behind it holds up everybody who comes after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from checks.catalog.activity import HIDDEN, OURS, Seen, by_client, shown
from checks.catalog.circumstances import Circumstances
from checks.catalog.connections_codes import CODES
from checks.catalog.names import plural
from checks.catalog.sql import statements
from checks.check import Asking, Cell, Check, Finding, Query, Severity
from checks.errors import CouldNotTell
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import Positive
from checks.units import Duration, Percent, show_seconds

EXAMPLE = """\
connections:
  used: 80%
  pools: {gaia-api: 20, gaia-worker: 5}
  idle_in_transaction: 10min
  blocked: 10s"""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Limits on slots and on times. Without any the defaults hold, which suit an application with a pool."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    used: Percent = field(
        default=Percent(80),
        metadata={
            "description": "More than this of the slots warns: of the server's, and of each role's and database's that "
            "has a limit of its own. Slots kept for superusers are not counted."
        },
    )
    exhausted: Percent = field(
        default=Percent(95), metadata={"description": "At least this of the slots fails: the next burst is refused."}
    )
    pools: dict[str, Positive] = field(
        default_factory=dict,
        metadata={
            "description": "Roles or applications by name, and the size of their pool. A pool fails when that many of "
            "its sessions have each been in a transaction for `held` or longer."
        },
    )
    held: Duration = field(
        default=Duration(1),
        metadata={"description": "How old a transaction makes a pool's session count as not coming back soon."},
    )
    idle_in_transaction: Duration = field(
        default=Duration(600),
        metadata={"description": "A session that left its transaction open and idle for this long fails."},
    )
    transaction: Duration = field(
        default=Duration(3600), metadata={"description": "A transaction this old warns, whatever it does."}
    )
    idle: Duration = field(
        default=Duration(600), metadata={"description": "How long makes a session outside a transaction long idle."}
    )
    idle_share: Percent = field(
        default=Percent(25),
        metadata={"description": "Long idle sessions in more than this of the slots warn; a pool keeps a few."},
    )
    blocked: Duration = field(
        default=Duration(10),
        metadata={"description": "A session that waits for a lock this long fails; at least a second."},
    )

    def __post_init__(self) -> None:
        if self.used > self.exhausted:
            raise ValueError(f"`used` ({self.used}) warns before `exhausted` ({self.exhausted}) fails, so it is less")
        if self.blocked < 1:
            raise ValueError("`blocked` is at least 1s: shorter waits are not asked for, to spare the lock manager")


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:  # noqa: ARG001 - every check is given both
    """All in one round. What this role may not see leaves the times untold, unless something is broken already."""
    sql = statements("connections")
    slots, limits, listed, waiting = yield [Query(sql[name]) for name in ("slots", "limits", "sessions", "blocked")]
    sessions = [Seen.of(row) for row in listed.dicts()]
    clients = [session for session in sessions if session.application != OURS]
    [(total, reserved)] = slots.rows
    allowances = [Allowance("The server", total - reserved, clients), *_allowances(limits.dicts(), clients)]
    broken = [
        *(finding for allowance in allowances for finding in allowance.findings(parameters)),
        *_exhausted_pools(parameters, clients),
        *_held(parameters, clients),
        *_long_idle(parameters, clients, total - reserved),
        *_blocked(parameters, waiting.dicts(), {session.pid: session for session in sessions}),
    ]
    if not any(finding.severity is Severity.FAIL for finding in broken):
        _insist_on_sight(clients)
    return [*broken, _measured(clients, total - reserved, reserved)]


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many sessions for so many clients: the server's slots, or the limit of one role or database."""

    whose: str
    slots: int
    sessions: Sequence[Seen]

    def findings(self, parameters: Parameters) -> Iterator[Finding]:
        """One, where too much of it is used."""
        used = len(self.sessions)
        observed = f"{used} of {self.slots}"
        evidence = by_client(self.sessions)
        if used >= parameters.exhausted.of(self.slots):
            sentence = f"{self.whose} has {observed} sessions in use: new clients are refused, or soon will be."
            wanted = f"less than {parameters.exhausted}"
            yield Finding("connections.exhausted", False, sentence, wanted, observed, evidence)
        elif used > parameters.used.of(self.slots):
            sentence = f"{self.whose} has {observed} sessions in use."
            yield Finding(
                "connections.nearly_exhausted",
                False,
                sentence,
                f"at most {parameters.used}",
                observed,
                evidence,
                Severity.WARN,
            )


def _allowances(limits: Iterable[Mapping[str, Any]], clients: Sequence[Seen]) -> Iterator[Allowance]:
    for limit in limits:
        kind, name = limit["kind"], limit["name"]
        sessions = [session for session in clients if getattr(session, kind) == name]
        yield Allowance(f"{kind.capitalize()} {name}", limit["slots"], sessions)


def _exhausted_pools(parameters: Parameters, clients: Sequence[Seen]) -> Iterator[Finding]:
    for name, size in parameters.pools.items():
        held = [one for one in clients if one.belongs_to(name) and one.held_a_transaction_for(parameters.held)]
        if len(held) >= size:
            yield Finding(
                "connections.pool_exhausted",
                False,
                f"The pool {name} of {plural(size, 'session')} is exhausted: {len(held)} of them have been in one "
                f"transaction for {parameters.held} or longer.",
                f"less than {size} held",
                f"{len(held)} held",
                shown(held),
            )


def _held(parameters: Parameters, clients: Sequence[Seen]) -> Iterator[Finding]:
    limit = parameters.idle_in_transaction
    idle = [one for one in clients if one.is_idle_in_transaction and (one.in_state or 0.0) >= limit]
    if idle:
        longest = show_seconds(max(one.in_state or 0.0 for one in idle))
        sentence = f"{plural(len(idle), 'session')} left a transaction open and idle, the longest for {longest}."
        yield Finding("connections.idle_in_transaction", False, sentence, f"less than {limit}", longest, shown(idle))
    long = [one for one in clients if one.held_a_transaction_for(parameters.transaction) and one not in idle]
    if long:
        longest = show_seconds(long[0].in_transaction or 0.0)
        sentence = f"{plural(len(long), 'transaction')} of {parameters.transaction} or longer, the oldest of {longest}."
        wanted = f"less than {parameters.transaction}"
        yield Finding(
            "connections.long_transaction", False, sentence, wanted, longest, shown(long), severity=Severity.WARN
        )


def _long_idle(parameters: Parameters, clients: Sequence[Seen], slots: int) -> Iterator[Finding]:
    idle = [session for session in clients if session.has_idled_for(parameters.idle)]
    if len(idle) > parameters.idle_share.of(slots):
        observed = f"{len(idle)} of {slots}"
        yield Finding(
            "connections.idle",
            False,
            f"Sessions idle for {parameters.idle} or longer take {observed} slots.",
            f"at most {parameters.idle_share}",
            observed,
            by_client(idle),
            Severity.WARN,
        )


def _blocked(
    parameters: Parameters, waiting: Iterable[Mapping[str, Any]], sessions: Mapping[int, Seen]
) -> Iterator[Finding]:
    rows = [row for row in waiting if row["waited"] >= parameters.blocked and row["application"] != OURS]
    if not rows:
        return
    waits, longest = {row["pid"] for row in rows}, show_seconds(rows[0]["waited"])
    # Who blocks and waits for nobody is where the queue begins, and the one to end; a prepared transaction has pid 0.
    roots = sorted({pid for row in rows for pid in row["blockers"]} - waits)
    evidence = (*(_root(pid, sessions) for pid in roots), *(_waiter(row) for row in rows))
    yield Finding(
        "connections.blocked",
        False,
        f"{plural(len(waits), 'session')} waited for a lock for {longest}; the queue begins at "
        f"{', '.join(f'process {pid}' if pid else 'a prepared transaction' for pid in roots) or 'each other'}.",
        f"less than {parameters.blocked}",
        longest,
        evidence,
    )


def _root(pid: int, sessions: Mapping[int, Seen]) -> Mapping[str, Cell]:
    root = sessions.get(pid)
    names = {"database": root.database, "role": root.role, "application": root.application} if root else {}
    return {"blocks": "yes", "pid": pid, **names, "state": root.state if root else "gone, or no client's session"}


def _waiter(row: Mapping[str, Any]) -> Mapping[str, Cell]:
    names = {name: row[name] or "" for name in ("pid", "database", "role", "application")}
    behind = ", ".join(str(pid) for pid in row["blockers"])
    lock = " ".join(filter(None, (row["waits_for"], row["relation"])))
    return {"blocks": "", **names, "state": "waits", "waited": show_seconds(row["waited"]), "for": lock, "by": behind}


def _insist_on_sight(clients: Sequence[Seen]) -> None:
    """Raise CouldNotTell where sessions are hidden: how long they have held on is not known."""
    hidden = [session for session in clients if session.state in HIDDEN]
    if any(session.state == "disabled" for session in hidden):
        raise CouldNotTell(
            f"The server does not track what {plural(len(hidden), 'session')} do: track_activities is off.",
            code="connections.not_tracked",
            hint="Set track_activities = on, which is the default, and reload.",
        )
    if hidden:
        raise CouldNotTell(
            f"This role may not see what {plural(len(hidden), 'session')} of other roles do, "
            "so how long they hold transactions is not known.",
            code="run.not_permitted",
            hint="GRANT pg_read_all_stats TO the role; pg_monitor includes it.",
        )


def _measured(clients: Sequence[Seen], slots: int, reserved: int) -> Finding:
    idle = sum(session.state == "idle" for session in clients)
    oldest = max((session.in_transaction or 0.0 for session in clients), default=0.0)
    sentence = (
        f"{plural(len(clients), 'session')} of {slots} in use ({idle} idle), {reserved} more are kept for superusers; "
        f"the oldest transaction is {show_seconds(max(0.0, oldest))} old."
    )
    return Finding("connections.measured", True, sentence, "", f"{len(clients)} of {slots}", by_client(clients))


CHECK = Check(
    kind="connections",
    claim="The server has sessions to spare, and nobody holds one, a transaction or a lock for too long.",
    manual="https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="pg_read_all_stats (or pg_monitor) where sessions of other roles are open; none for its own.",
    needs=("pg_read_all_stats",),
)
