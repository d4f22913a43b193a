"""The reason behind the reasons, where a disposable server itself failed.

When a container dies in the middle of a run, each check hears of it in its own way: a connection lost, refused, or an
answer that never comes; a pool that does not fill again. The engine knows what happened, and says it once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from checks.errors import CouldNotTell
from checks.result import Result, Results, Status

if TYPE_CHECKING:  # a live check pays for no disposable server
    from checks.targets.disposable import DisposableTarget

CONNECTIVITY = "connectivity"
_UNREACHED = (f"{CONNECTIVITY}.", "container.")
_LOST = frozenset({"run.timeout", "run.could_not_tell", "pool.lost"})
# disk_full: https://www.postgresql.org/docs/current/errcodes-appendix.html
_NO_ROOM = "(SQLSTATE 53100)"
# Kinds whose findings are of connections, so that a dead server fails them.
_CONNECTS = frozenset({CONNECTIVITY, "pool"})


def explained(results: Results, target: DisposableTarget) -> Results:
    """`results`, with what ails the server as the reason of every check that could not reach it or had no room."""
    if not any(_unreached(result) for result in results.results) or results.interrupted:
        return results
    ailment = target.ailment
    if ailment is None:
        return results
    return replace(results, results=tuple(_because(result, ailment) for result in results.results))


def _unreached(result: Result) -> bool:
    """Whether the check met a server that was not there, or full; that one of connections failed is the same."""
    by_code = result.code.startswith(_UNREACHED) or result.code in _LOST or _NO_ROOM in result.reason
    refused = result.status in {Status.FAILED, Status.WARNED} and result.planned.check.kind in _CONNECTS
    return refused or (result.status is Status.ERRORED and by_code)


def _because(result: Result, ailment: CouldNotTell) -> Result:
    if not _unreached(result):
        return result
    reason, code, hint = ailment.sentence, ailment.code, ailment.hint
    return replace(result, status=Status.ERRORED, findings=(), reason=reason, code=code, hint=hint)
