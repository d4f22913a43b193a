"""Each declared pool empties, waits, recovers and reconnects as it should; its own library shows it on a real server.

A pool that runs dry answers every request with a time-out while the database has nothing to do. Whether the next
request waits for ever, whether one dead connection after a restart fails one request or each, and which task kept what
it should have given back is known before that night, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from checks.catalog.circumstances import Circumstances
from checks.catalog.pool_codes import CODES
from checks.catalog.pool_findings import findings_of
from checks.catalog.pool_surroundings import leaks, of_server, unproven
from checks.catalog.sql import statements
from checks.check import Answer, Asking, Check, Effect, Finding, Query
from checks.errors import CouldNotTell
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.pools import Pool
from checks.runbook.rules import Slug
from checks.suggest import did_you_mean
from checks.targets.slots import QUERY, Slots, keep_enough
from checks.units import Duration

EXAMPLE = """\
pool: {service: api}"""
NOT_DECLARED = "pool.not_declared"
SHORT, FULL = 3.0, 8.0  # seconds that exercising one pool may take, besides waiting for its time-out
AROUND = 5.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """Which pools. How each is built stands in the front matter: `pools: {api: {driver: asyncpg, size: 10}}`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    service: Slug | None = field(
        default=None, metadata={"description": "The service whose pool it is; every declared one where none is named."}
    )
    stale: Literal["fail", "warn", "ignore"] = field(
        default="fail",
        metadata={
            "description": "What it means that requests are handed dead connections after the server ended its "
            "sessions; `ignore` where a pool without `pre_ping` is meant to be one."
        },
    )
    leaked: Duration = field(
        default=Duration(300),
        metadata={
            "description": "A live session of the service that left a transaction open for this long fails as a leak. "
            "It is the service's if its application name is the service's, or its role the declared one."
        },
    )


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """One round for what is there before; then the pools open connections of their own."""
    pools = declared(circumstances.pools, parameters.service)
    slots, left_open = yield [Query(QUERY), Query(statements("pool")["left_open"])]
    if not circumstances.disposable and slots.error is None:
        keep_enough(Slots(*slots.rows[0]), still_to_open=max(pool.most for pool in pools.values()) + 1)
    return [
        *_proven(pools, parameters, circumstances),
        *leaks(pools, _rows(left_open, circumstances), parameters.leaked),
    ]


def declared(pools: Mapping[str, Pool], service: str | None) -> Mapping[str, Pool]:
    """The pools that are meant. Raises CouldNotTell where the page declares none, or none of that service."""
    if not pools:
        raise CouldNotTell(
            "The page declares no pool.",
            code=NOT_DECLARED,
            hint="Add it to the front matter: `pools: {api: {driver: sqlalchemy-asyncpg, size: 10, overflow: 20}}`.",
        )
    if service is None:
        return pools
    if service not in pools:
        raise CouldNotTell(
            f"The page declares no pool of a service `{service}`; it has those of {', '.join(pools)}.",
            code=NOT_DECLARED,
            hint=did_you_mean(service, pools),
        )
    return {service: pools[service]}


def seconds(parameters: Parameters, front: Any, full: bool) -> float:
    """How long the exercise lasts by design."""
    pools = [pool for name, pool in front.pools.items() if parameters.service in {None, name}]
    return AROUND + sum(FULL + (pool.patience or 0.0) if full else SHORT for pool in pools)


def _proven(pools: Mapping[str, Pool], parameters: Parameters, circumstances: Circumstances) -> Iterable[Finding]:
    # Imported here: whoever only wants to know what the kind is does not owe SQLAlchemy.
    from checks.pools.proof import Where, prove

    where = Where(circumstances.socket or circumstances.endpoint, circumstances.disposable, circumstances.restart)
    proof = prove(pools, where, full=circumstances.full)
    for facts in proof.facts:
        yield from findings_of(facts, full=circumstances.full, stale=parameters.stale)
    if proof.refusal is not None:
        yield of_server(proof.refusal)
    yield from unproven(proof.unproven)


def _rows(left_open: Answer, circumstances: Circumstances) -> list[dict[str, Any]]:
    """Nothing on a server of ours, which has no service."""
    return [] if circumstances.disposable else left_open.dicts()


CHECK = Check(
    kind="pool",
    claim="Each declared pool empties, waits, recovers and reconnects as it should.",
    manual="https://www.postgresql.org/docs/current/runtime-config-connection.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None beside CONNECT; pg_read_all_stats to see what a live service's sessions left open.",
    effect=Effect.LOAD,
    alone=True,
    lasts=seconds,
)
