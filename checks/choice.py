"""What the command line chose, checked: which pages and checks, and where their reports go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from checks.check import Effect
from checks.errors import UsageError
from checks.suggest import did_you_mean

DEADLINE = 120.0  # seconds
NAGIOS = "nagios"
FORMATS = ("text", "json", "markdown", "junit", NAGIOS)
EMBEDDED, CONTAINER = "embedded", "container"
MAJOR = "{major}"  # in the name of an image, what stands for the major
_MAJORS = re.compile(r"[1-9][0-9]( *, *[1-9][0-9])*")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pages, by name or path (none: all of them here), and which of their checks, by name or kind.

    `full` asks in full what is otherwise cut short for speed, such as a pool's time-out.
    """

    runbooks: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    full: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """What stdout gets, where reports are written, and whether warnings fail the run. Raises UsageError."""

    format: str = "text"
    folder: Path = Path("reports")
    strict: bool = False

    def __post_init__(self) -> None:
        known_format(self.format, FORMATS)


@dataclass(frozen=True, slots=True)
class Means:
    """What disposable servers are made of: this machine's programs, or an image. Raises UsageError.

    `image` and `postgres_bin` are empty where nobody named one. Each page runs once on each of `majors`; where there
    are none, once on its own.
    """

    on: str = EMBEDDED
    postgres_bin: str = ""
    image: str = ""
    majors: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.on not in {EMBEDDED, CONTAINER}:
            hint = did_you_mean(self.on, (EMBEDDED, CONTAINER)) or f"`{EMBEDDED}` or `{CONTAINER}`"
            raise UsageError(f"--on {self.on}: no such kind of disposable server.", hint=hint)
        if self.image and self.on != CONTAINER:
            raise UsageError("--image names what a container is made of.", hint=f"add `--on {CONTAINER}`")
        if self.postgres_bin and self.on == CONTAINER:
            raise UsageError("--postgres-bin has no part in a container.", hint="name an image by --image")
        if self.image and len(self.majors) > 1 and MAJOR not in self.image:
            raise UsageError(
                f"--image {self.image}: one image is of one major, and --postgres names {len(self.majors)}.",
                hint=f"write {MAJOR} where its name has the major, as in `--image postgres:{MAJOR}-alpine`",
            )

    @property
    def wanted(self) -> tuple[int | None, ...]:
        """The majors each page is run on; None stands for its own."""
        return self.majors or (None,)


def majors(text: str) -> tuple[int, ...]:
    """The majors that `--postgres` names, such as `15,16,17`, each once and in that order. Raises UsageError."""
    if text and not _MAJORS.fullmatch(text.strip()):
        raise UsageError(
            f"--postgres {text}: not majors of PostgreSQL.", hint="write them with commas, as in `--postgres 15,16,17`"
        )
    return tuple(dict.fromkeys(int(major) for major in text.split(",") if major.strip()))


@dataclass(frozen=True, slots=True)
class Leave:
    """What a person allows to be done to a live environment besides observing, and how long it may take in all.

    `confirmed` is the environment's name typed again, which a protected one asks for. `deadline` is in seconds.
    """

    allow: frozenset[Effect] = frozenset()
    confirmed: str = ""
    deadline: float = DEADLINE

    def check(self, environment: str, *, protected: bool) -> None:
        """Raise UsageError where more is allowed than may be, before any server is touched."""
        if self.confirmed and self.confirmed != environment:
            raise UsageError(
                f"--confirm {self.confirmed}: the environment is {environment}.",
                hint="Type the name of the environment that is meant, in both places.",
            )
        if protected and self.allow and not self.confirmed:
            raise UsageError(
                f"--allow load: the environment {environment} is protected, and its name must be typed again.",
                hint=f"Add `--confirm {environment}` if load on it is what you want.",
            )


@dataclass(frozen=True, slots=True)
class Measure:
    """What a person wants of measuring: other rounds than the page's, and whether the figures become the baseline."""

    rounds: int | None = None
    save: bool = False


def allowed(effects: Sequence[str]) -> frozenset[Effect]:
    """The effects that --allow names: `load`, since observing needs no leave. Raises UsageError for any other."""
    for effect in effects:
        if effect == Effect.CHANGE:
            raise UsageError(
                "--allow change: a live environment is never written to, and nothing can allow it.",
                hint="Checks that write run on disposable servers: `verify`.",
            )
        if effect != Effect.LOAD:
            raise UsageError(f"--allow {effect}: no such effect.", hint="`load` is the one that can be allowed.")
    return frozenset(map(Effect, effects))


def require_writable(folder: Path) -> None:
    """Make `folder` if need be. Raises UsageError, before anything is run, where no report could be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as probe:
            probe.write(b"room")
    except OSError as failure:
        raise UsageError(
            f"--out {folder}: no report can be written there: {failure.strerror}.",
            hint="name a folder that can be written and has room",
        ) from None


def known_format(name: str, formats: tuple[str, ...]) -> None:
    """Raise UsageError, with the closest one, for a format that is none of `formats`."""
    if name not in formats:
        hint = did_you_mean(name, formats) or f"one of {', '.join(formats)}"
        raise UsageError(f"--format {name}: no such format.", hint=hint)
