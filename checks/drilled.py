"""What one drill showed, as values: timeline, ladder, fidelity, measures. Report and history are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from checks.check import Finding
from checks.result import Status


class Rung(StrEnum):
    """The ladder, from bottom to top: what is proven of a copy, each rung meaningless without those below it."""

    ARTIFACT = "artifact"
    RESTORED = "restored"
    BOUNDARY = "boundary"
    OBJECTS = "objects"
    COUNTS = "counts"
    DIGESTS = "digests"
    SEQUENCES = "sequences"
    INTEGRITY = "integrity"
    VIEWS = "views"
    HEAD = "head"
    PENDING = "pending migrations"
    BUDGETS = "budgets"


UNPROVEN = "_unproven"  # what the codes of findings end in that say what a rung could not prove


class Likeness(StrEnum):
    """How something outside the dump fares on the disposable server."""

    MATCHED = "matched"
    SUBSTITUTED = "substituted"
    NOT_VERIFIABLE = "not verifiable"


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the timeline: seconds since the drill began, and how long it took. Phases may overlap."""

    name: str
    began: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """One rung and what came of it. `reason` and `code` are set where there is no verdict, as in a Result.

    `seconds` is 0 where the rung was read off what was asked for several at once: that time is the phase's.
    """

    rung: Rung
    status: Status
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    reason: str = ""
    code: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """One thing the copy's surroundings have, have another of, or cannot show: roles, extensions, collations, …"""

    what: str
    source: str
    copy: str
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Budgets:
    """Seconds the page allows; None where it names none."""

    rto: float | None = None
    rpo: float | None = None
    every: float | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A drill of the history: when it began (UTC, ISO 8601), whether it held, and its RTO to verified in seconds.

    `proven` is whether its contents were held against what the source had. A report that does not say so knows of no
    proof. `undecided` is one that came to no verdict, so that it neither held nor failed.
    """

    began: str
    held: bool
    seconds: float | None
    proven: bool = False
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill, whole. Times are UTC and ISO 8601, durations seconds; None is what was not reached.

    `origin` says where the backup came from (`live`, or the artifact's place without secrets); `artifact` is its name.
    `rto_usable` runs from acquiring to the first query the copy answered, `rto_verified` to the last rung; `rpo` is the
    beginning of the drill minus the snapshot. `hashes` are SHA-256 of artifact, manifest and runbook, by name.
    `unproven` are sentences on what could not be proven, and why. `trend` is earlier drills, oldest first.
    """

    origin: str
    artifact: str
    format: str
    bytes: int
    taken: str
    dated: str
    source_server: str
    copy_server: str
    began: str
    phases: tuple[Phase, ...]
    steps: tuple[Step, ...]
    fidelity: tuple[Fidelity, ...]
    budgets: Budgets
    rto_usable: float | None
    rto_verified: float | None
    rpo: float | None
    hashes: dict[str, str]
    versions: dict[str, str]
    operator: str
    host: str
    unproven: tuple[str, ...] = ()
    trend: tuple[Earlier, ...] = ()
    restore_point: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def contents_proven(self) -> bool:
        """Whether every row was held against what the source had; of a base backup, every file against its manifest."""
        proof = Rung.DIGESTS if all(step.rung is not Rung.BOUNDARY for step in self.steps) else Rung.ARTIFACT
        return any(step.rung is proof and step.status is Status.PASSED for step in self.steps)
