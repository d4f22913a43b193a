"""The declared pools of all services together fit the server's connections, their roles' and PgBouncer's.

Each pool looks small beside `max_connections`, and nobody adds up what every process may open under load. The sum shows
on the day of a second instance: new sessions are refused, and the first to be told is whoever serves the customers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.names import plural
from checks.catalog.pool import declared
from checks.catalog.pool_budget_codes import CODES
from checks.catalog.sql import statements
from checks.check import Asking, Cell, Check, Finding, Query, Severity
from checks.errors import CouldNotTell
from checks.pools.budget import Bouncer, Item, Sum, direct, of_services, pooled, through
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.pools import Count, Pool
from checks.runbook.rules import Line, Positive

if TYPE_CHECKING:
    from checks.pools.pgbouncer import Waiting

EXAMPLE = """\
pool_budget:
  also: {people and backups: 5}"""
UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class PgBouncer:
    """PgBouncer's settings as its configuration has them; on a live environment its admin console's are taken.

    https://www.pgbouncer.org/config.html
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    default_pool_size: Positive = field(metadata={"description": "Sessions for each role and database."})
    max_client_conn: Positive = field(metadata={"description": "Clients it admits in all."})
    reserve_pool_size: Count = field(default=0, metadata={"description": "More sessions for those that wait."})
    max_db_connections: Count = field(default=0, metadata={"description": "Sessions for a database; 0 is no limit."})


@dataclass(frozen=True, slots=True)
class Parameters:
    """What counts beside the declared pools, which stand in the front matter."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    max_connections: Positive | None = field(
        default=None,
        metadata={
            "description": "Production's, where the front matter's `server:` does not say it. A live server is asked."
        },
    )
    also: dict[Line, Positive] = field(
        default_factory=dict,
        metadata={"description": "Who else needs sessions, by name: people, backups, monitoring, other services."},
    )
    pgbouncer: PgBouncer | None = field(
        default=None, metadata={"description": "Its settings, where services connect through it."}
    )


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """The server's limits in one round; then PgBouncer's, where a live environment names its console."""
    pools = circumstances.pools if parameters.also else declared(circumstances.pools, None)
    sql = statements("pool_budget")
    slots, roles = yield [Query(sql["slots"]), Query(sql["roles"])]
    [server] = slots.dicts()
    limits = dict(roles.rows)
    bouncer, waiting = _bouncer(parameters, circumstances, pools, server["database"])
    most = _max_connections(parameters, circumstances, server)
    found = [
        _finding(
            "pool_budget.server",
            "the server",
            _of_server(pools, parameters, bouncer, {**server, "max_connections": most}),
        ),
        *(_finding("pool_budget.role", f"the role {one.name}", one) for one in _of_roles(pools, limits, bouncer)),
        *_of_database(pools, parameters, bouncer, server),
        *_of_clients(pools, bouncer),
    ]
    broken = [finding for finding in found if not finding.holds]
    return [*(broken or found[:1]), *_queues(waiting)]


def _max_connections(parameters: Parameters, circumstances: Circumstances, server: Mapping[str, Any]) -> int:
    """The live server's own; in CI that which is declared, since the disposable server's says nothing of production."""
    if not circumstances.disposable:
        return int(server["max_connections"])
    if parameters.max_connections is not None:
        return parameters.max_connections
    given = circumstances.settings.get("max_connections")
    if given is None:
        raise CouldNotTell(
            "The page does not say how many connections the server admits.",
            code="pool_budget.no_limit",
            hint="Add `max_connections: 100` to the check, or to `server:` in the front matter.",
        )
    return int(given)


def _bouncer(
    parameters: Parameters, circumstances: Circumstances, pools: Mapping[str, Pool], database: str
) -> tuple[Bouncer | None, tuple[Waiting, ...]]:
    """PgBouncer's figures: from its console where there is one, else those declared; none where nobody needs it."""

    if circumstances.pgbouncer is not None and not circumstances.disposable:
        from checks.pools.pgbouncer import ask as ask_console

        console = ask_console(circumstances.pgbouncer, database)
        return console.bouncer, console.pools
    given = parameters.pgbouncer
    if given is not None:
        figures = Bouncer(
            given.default_pool_size, given.max_client_conn, given.reserve_pool_size, given.max_db_connections
        )
        return figures, ()
    if pooled(pools):
        raise CouldNotTell(
            f"{', '.join(pooled(pools))} connects through PgBouncer, of which the page says nothing.",
            code="pool_budget.pgbouncer_unknown",
            hint="Add `pgbouncer: {default_pool_size: 20, max_client_conn: 100}` to the check; a live environment may "
            'name its admin console: `pgbouncer: "${PGBOUNCER_URL}"`.',
        )
    return None, ()


def _of_server(
    pools: Mapping[str, Pool], parameters: Parameters, bouncer: Bouncer | None, server: Mapping[str, Any]
) -> Sum:

    kept = [
        Item(name, "kept", server[name])
        for name in ("reserved_connections", "superuser_reserved_connections")
        if server[name]
    ]
    return Sum((*_sessions(pools, parameters, bouncer), *kept), "max_connections", server["max_connections"])


def _sessions(pools: Mapping[str, Pool], parameters: Parameters, bouncer: Bouncer | None) -> Iterator[Item]:
    """The lines of all sessions that may be open with the server at once."""

    yield from of_services(direct(pools))
    if bouncer is not None and pooled(pools):
        yield through(bouncer, pools)
    yield from (Item(name, "also", count) for name, count in parameters.also.items())


def _of_roles(pools: Mapping[str, Pool], limits: Mapping[str, int], bouncer: Bouncer | None) -> Iterator[Sum]:

    by_role: defaultdict[str, dict[str, Pool]] = defaultdict(dict)
    for service, pool in pools.items():
        by_role[pool.role or ""][service] = pool
    for role, its in by_role.items():
        if role in limits:
            behind = [through(bouncer, its)] if bouncer is not None and pooled(its) else []
            yield Sum((*of_services(direct(its)), *behind), role, limits[role])


def _of_database(
    pools: Mapping[str, Pool], parameters: Parameters, bouncer: Bouncer | None, server: Mapping[str, Any]
) -> Iterator[Finding]:

    if server["database_limit"] != UNLIMITED:
        lines = tuple(_sessions(pools, parameters, bouncer))
        one = Sum(lines, server["database"], server["database_limit"])
        yield _finding("pool_budget.database", f"the database {server['database']}", one)


def _of_clients(pools: Mapping[str, Pool], bouncer: Bouncer | None) -> Iterator[Finding]:

    if bouncer is not None and pooled(pools):
        one = Sum(tuple(of_services(pooled(pools))), "max_client_conn", bouncer.most_clients)
        yield _finding("pool_budget.pgbouncer", "PgBouncer", one)


def _finding(code: str, whose: str, one: Sum) -> Finding:
    observed = f"{one.total} of {one.limit}"
    if one.fits:
        left = one.limit - one.total
        sentence = f"With all pools full {observed} connections of {whose} are taken or kept; {left} are left."
        return Finding("pool_budget.fits", True, sentence, f"at most {one.limit}", observed, one.rows())
    reckoned = " + ".join(f"{line.name} {line.sessions}" for line in one.lines)
    sentence = f"With all pools full {one.total} connections are needed, and {whose} admits {one.limit}: {reckoned}."
    return Finding(code, False, sentence, f"at most {one.limit}", observed, one.rows())


def _queues(waiting: tuple[Waiting, ...]) -> Iterator[Finding]:
    late = [one for one in waiting if one.waiting]
    if late:
        clients = sum(one.waiting for one in late)
        longest = max(one.longest for one in late)
        sentence = f"{plural(clients, 'client')} of PgBouncer wait for a connection, the longest for {longest} s."
        evidence: tuple[Mapping[str, Cell], ...] = tuple(
            {"database": one.database, "role": one.role, "served": one.active, "waiting": one.waiting} for one in late
        )
        yield Finding(
            "pool_budget.pgbouncer_waiting", False, sentence, "none", str(clients), evidence, severity=Severity.WARN
        )


CHECK = Check(
    kind="pool_budget",
    claim="The declared pools of all services together fit the server's connections, their roles' and PgBouncer's.",
    manual="https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None; for PgBouncer's console a role in its `stats_users`.",
)
