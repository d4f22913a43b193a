"""What is found around a pool: the server at its last slot, a live service's leaks, and what was not proven."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.catalog.names import plural
from checks.check import Cell, Finding, Severity
from checks.runbook.pools import Pool
from checks.units import show_seconds

if TYPE_CHECKING:
    from checks.pools.facts import Refusal

SHOWN = 20


def of_server(refusal: Refusal) -> Finding:
    """What a service is told when the server's last slot is taken, and whether somebody can get in then."""
    expected = "a superuser gets in by a reserved slot"
    told = f"a service is told `{refusal.service or 'nothing'}`"
    code = f" ({refusal.code}, SQLSTATE 53300)" if refusal.code else ""
    evidence: tuple[Mapping[str, Cell], ...] = (
        {"sessions opened": refusal.sessions, "told": refusal.code or "", "superuser": refusal.superuser},
    )
    if refusal.superuser:
        sentence = f"With all slots taken {told}{code}, and a superuser does not get in either: {refusal.superuser}"
        return Finding("pool.locked_out", False, sentence, expected, "refused", evidence)
    sentence = f"With all slots taken {told}{code}; a superuser still gets in by a reserved slot."
    return Finding("pool.last_slot", True, sentence, expected, "let in", evidence)


def unproven(parts: Sequence[str]) -> Iterator[Finding]:
    """What was not tried is no proof, and is said."""
    if parts:
        sentence = f"Not proven here: {'; '.join(parts)}. `invoke verify` tries it on a disposable server."
        yield Finding(
            "pool.unproven",
            False,
            sentence,
            "all proven",
            plural(len(parts), "part") + " not tried",
            severity=Severity.WARN,
        )


def leaks(pools: Mapping[str, Pool], rows: Sequence[Mapping[str, Any]], limit: float) -> Iterator[Finding]:
    """Sessions of a live service that left a transaction open, which its pool will not get back."""
    for service, pool in pools.items():
        own = [row for row in rows if row["application"] == service or (pool.role and row["role"] == pool.role)]
        hidden = [row for row in own if row["state"] == "hidden"]
        left = [row for row in own if row not in hidden and (row["in_state"] or 0.0) >= limit]
        if left:
            longest = show_seconds(left[0]["in_state"])
            sentence = (
                f"{service}: {plural(len(left), 'connection')} out of the pool with a transaction left open, the "
                f"longest (process {left[0]['pid']}) for {longest}."
            )
            evidence = tuple(_shown(row) for row in left[:SHOWN])
            yield Finding("pool.leak", False, sentence, f"less than {show_seconds(limit)}", longest, evidence)
        elif hidden:
            yield from unproven([f"that {service} leaks no connection: this role may not see what its sessions do"])


def _shown(row: Mapping[str, Any]) -> Mapping[str, Cell]:
    names = {name: row[name] or "" for name in ("pid", "role", "application", "state")}
    return {**names, "in this state": show_seconds(row["in_state"] or 0.0)}
