"""What applying migrations to a disposable database showed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Every migration applied, taken back where the tool can, and applied again, on an empty database.

    `walk` names the steps taken (`up`, `down`, `up`), or is empty where the tool knows no way down, which `no_way_down`
    explains. `left_behind` are objects that a full downgrade did not remove. `drift` are differences between the
    declared metadata and the migrated database, one sentence each; None where no metadata is declared. `failure` is
    the sentence of the step that failed, with the database's own words; `failed_step` is up, down or up again.
    """

    walk: tuple[str, ...] = ()
    no_way_down: str = ""
    left_behind: tuple[str, ...] = ()
    drift: tuple[str, ...] | None = None
    failed_step: str = ""
    failure: str = ""
    seconds: float = 0.0
