"""What applying migrations to a disposable database showed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Every migration applied, taken back where the tool can, and applied again, on an empty database.

    `walk` names the steps that succeeded (`up`, `down`, `up again`); `no_way_down` says why there was no second one.
    `left_behind` are objects that a full downgrade did not remove. `drift` are differences between the declared
    metadata and the migrated database, one sentence each; None where no metadata is declared, or it was not reached.
    `failure` is the sentence of the step that failed, with the database's own words; `failed_step` is up, down, up
    again or drift. `ready` says whether the database stands at head now, whatever failed on the way: a way down that
    does not work is a finding, and no reason to ask nothing else.
    """

    walk: tuple[str, ...] = ()
    no_way_down: str = ""
    left_behind: tuple[str, ...] = ()
    drift: tuple[str, ...] | None = None
    failed_step: str = ""
    failure: str = ""
    seconds: float = 0.0
    ready: bool = False
