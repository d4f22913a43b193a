"""What the facts of an exercised pool mean, in sentences a person can act on. Nothing here touches a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from checks.catalog.names import plural
from checks.check import Cell, Finding, Severity
from checks.pools.load import ENOUGH
from checks.runbook.pools import Pool
from checks.units import show_seconds

if TYPE_CHECKING:
    from checks.pools.facts import Facts, Stale

SHOWN = 20
Judgement = Literal["fail", "warn", "ignore"]
Evidence = tuple[Mapping[str, Cell], ...]
_EARLY, _LATE, _SLACK = 0.9, 2.0, 1.0  # shares of the time-out, and seconds for a busy machine


def findings_of(facts: Facts, *, full: bool, stale: Judgement = "fail") -> Iterator[Finding]:
    """All about one pool, in the order of the exercise. `stale` is what dead connections mean to the page."""
    if facts.full.refused is not None:
        yield _server_full(facts)
        return
    yield _exhausted(facts, full=full)
    yield from _leak(facts)
    yield from _recovery(facts)
    yield from _waiting(facts, full=full)
    yield from _recycled(facts)
    for one in facts.stale:
        yield _stale(facts, one, stale)


def _size(pool: Pool) -> str:
    beyond = pool.most - pool.size
    return f"{pool.most} ({pool.size} and {beyond} more under load)" if beyond else str(pool.most)


def _server_full(facts: Facts) -> Finding:
    refused = facts.full.refused
    words = refused.words if refused else ""
    sentence = f"{facts.service}: the server refused a connection before the pool had its {_size(facts.pool)}: {words}"
    return Finding("pool.server_full", False, sentence, f"{facts.pool.most} connections", "fewer")


def _exhausted(facts: Facts, *, full: bool) -> Finding:
    seen, pool = facts.full, facts.pool
    taken = f"{facts.service}: all {_size(pool)} connections were taken"
    evidence: Evidence = (
        {
            "service": facts.service,
            "pool": pool.library,
            "connections": pool.most,
            "sessions on the server": seen.sessions,
            "waited": show_seconds(seen.waited),
        },
    )
    if not seen.words or not seen.limit * _EARLY <= seen.waited <= seen.limit * _LATE + _SLACK:
        what = f"ended after {show_seconds(seen.waited)} with `{seen.words}`" if seen.words else "was not refused"
        sentence = f"{taken}, and the next check-out {what}."
        return Finding(
            "pool.timeout_missed",
            False,
            sentence,
            f"a time-out after {show_seconds(seen.limit)}",
            show_seconds(seen.waited),
            evidence,
        )
    if pool.patience is None:
        sentence = (
            f"{taken}, and the next check-out waits for ever: no time-out is declared, and {pool.library} has none. "
            f"It was given up after {show_seconds(seen.limit)}."
        )
        return Finding("pool.no_timeout", False, sentence, "a time-out", "none", evidence)
    shortened = _shortened(pool, seen.limit, full=full)
    sentence = f"{taken}; the next check-out ended after {show_seconds(seen.waited)} with `{seen.words}`.{shortened}"
    return Finding(
        "pool.exhausted",
        True,
        sentence,
        f"a time-out after {show_seconds(seen.limit)}",
        show_seconds(seen.waited),
        evidence,
    )


def _shortened(pool: Pool, limit: float, *, full: bool) -> str:
    if full or pool.patience is None or limit >= pool.patience:
        return ""
    return (
        f" Its time-out of {show_seconds(pool.patience)} was shortened to {show_seconds(limit)}; `--full` waits for it."
    )


def _leak(facts: Facts) -> Iterator[Finding]:
    leak = facts.leak
    if leak is None:
        return
    named = leak.named
    evidence: Evidence = tuple(
        {"task": loan.task, "process": loan.backend, "kept for": show_seconds(loan.seconds)}
        for loan in leak.loans[:SHOWN]
    )
    if named is None or leak.backend not in leak.idle:
        sentence = f"{facts.service}: a task kept its connection, and nothing of the pool's or the server's names it."
        yield Finding("pool.leak_unnamed", False, sentence, leak.task, plural(len(leak.loans), "task"), evidence)
        return
    sentence = (
        f"{facts.service}: a connection that was not given back is named by the pool's own hooks "
        f"(`{named.task}`, process {named.backend}, kept for {show_seconds(named.seconds)}), and by the server "
        "(idle in transaction)."
    )
    yield Finding("pool.leak_named", True, sentence, leak.task, named.task, evidence)


def _recovery(facts: Facts) -> Iterator[Finding]:
    seen, pool = facts.recovery, facts.pool
    if seen is None:
        return
    evidence: Evidence = (
        {
            "taken again": seen.again,
            "in": show_seconds(seen.seconds),
            "out": seen.out,
            "sessions on the server": seen.sessions,
            "idle in transaction": seen.in_transaction,
        },
    )
    observed = (
        f"{seen.again} again, {seen.out} out, {seen.sessions} on the server, {seen.in_transaction} in transaction"
    )
    expected = f"{pool.size} again, none out, at most {pool.size} on the server, none in transaction"
    well = seen.again == pool.size and not seen.out and seen.sessions <= pool.size and not seen.in_transaction
    if well:
        sentence = (
            f"{facts.service}: given back, {plural(pool.size, 'connection')} were taken again in "
            f"{show_seconds(seen.seconds)}; none is missing, and none was left in a transaction."
        )
        yield Finding("pool.recovered", True, sentence, expected, observed, evidence)
    else:
        why = f" ({seen.refused})" if seen.refused else ""
        sentence = f"{facts.service}: after all was given back the pool is not what it was: {observed}{why}."
        yield Finding("pool.not_recovered", False, sentence, expected, observed, evidence)


def _waiting(facts: Facts, *, full: bool) -> Iterator[Finding]:
    crowd = facts.crowd
    if crowd is None:
        return
    load, fewest, most = crowd.load, min(crowd.turns), max(crowd.turns)
    waits = sorted(crowd.waits) or [0.0]
    p50, p95, longest = (waits[min(len(waits) - 1, int(len(waits) * share))] for share in (0.5, 0.95, 1.0))
    evidence: Evidence = (
        {
            "workers": load.workers,
            "connections": facts.pool.most,
            "check-outs": len(crowd.waits),
            "p50": show_seconds(p50),
            "p95": show_seconds(p95),
            "longest": show_seconds(longest),
            "refused": crowd.refused,
            "turns of a worker": f"{fewest} to {most}",
        },
    )
    brief = "" if full else f" in {show_seconds(crowd.seconds)}, which `--full` makes longer"
    measured = (
        f"{load.workers} workers took {plural(facts.pool.most, 'connection')} in turn{brief}, and waited "
        f"{show_seconds(p50)} (p50), {show_seconds(p95)} (p95), {show_seconds(longest)} at the most"
    )
    observed = f"{crowd.refused} refused, {fewest} to {plural(most, 'turn')} each"
    if not crowd.refused and not crowd.is_telling:
        sentence = f"{facts.service}: not proven here that nobody starves, since the machine is too slow. {measured}."
        expected = f"{ENOUGH} turns each"
        yield Finding("pool.unproven", False, sentence, expected, observed, evidence, severity=Severity.WARN)
    elif crowd.refused or crowd.passed_over:
        sentence = f"{facts.service}: somebody starved. {measured}; {observed}."
        yield Finding("pool.starved", False, sentence, "nobody refused or passed over", observed, evidence)
    else:
        yield Finding(
            "pool.fair",
            True,
            f"{facts.service}: {measured}; nobody starved ({observed}).",
            "nobody refused or passed over",
            observed,
            evidence,
        )


def _recycled(facts: Facts) -> Iterator[Finding]:
    seen = facts.recycled
    if seen is None:
        return
    shortened = f"Its age of {facts.pool.recycle} was shortened to {show_seconds(seen.age)}."
    if seen.replaced:
        sentence = f"{facts.service}: a connection that was too old was replaced. {shortened}"
        yield Finding("pool.recycled", True, sentence, "another connection", "another connection")
    else:
        sentence = f"{facts.service}: a connection that was too old was handed out again. {shortened}"
        yield Finding("pool.not_recycled", False, sentence, "another connection", "the same one")


def _stale(facts: Facts, stale: Stale, judgement: Judgement) -> Finding:
    pool = facts.pool
    evidence: Evidence = (
        {"ended by": stale.cause, "ended": stale.ended, "handed out": stale.asked, "dead": stale.dead},
    )
    observed = f"{stale.dead} of {stale.asked} dead"
    ended = f"{facts.service}: {stale.cause} ended {plural(stale.ended, 'session')}, and"
    if not stale.dead:
        return Finding("pool.survives", True, f"{ended} no request met a dead one.", "none dead", observed, evidence)
    known = " The page says that this is known (`stale: ignore`)." if judgement == "ignore" else ""
    sentence = (
        f"{ended} {stale.dead} of {stale.asked} that requests were handed next were dead (`{stale.words}`), "
        f"{_though(pool)}.{known}"
    )
    severity = Severity.WARN if judgement == "warn" else Severity.FAIL
    return Finding("pool.stale", judgement == "ignore", sentence, "none dead", observed, evidence, severity)


def _though(pool: Pool) -> str:
    if pool.driver == "asyncpg":
        return "which asyncpg had not noticed"
    return "though the pool tries each first" if pool.pings else "since the pool does not try them first"
