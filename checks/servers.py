"""The disposable servers of one command: one for each page, or a container that pages share.

A container takes a second to start and as long to remove, so pages of one image and the same settings share one, each
with a database of its own. Nobody's verdict may hang on who ran beside it, so a page with other settings has its own,
and so has one whose checks put load on the server, or restart it: `alone`.
"""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.check import Effect
from checks.choice import EMBEDDED, MAJOR, Means
from checks.errors import CouldNotTell, TargetFailed, UsageError
from checks.plan import Plan
from checks.prepare import database_name, server_for
from checks.runbook.model import Runbook
from checks.targets.disposable import DisposableTarget

if TYPE_CHECKING:
    from checks.targets.container import ContainerServer

NAMED_BY = "PGRUNBOOK_POSTGRES_IMAGE"
# A registry, a path in small letters, a tag and a digest: https://pkg.go.dev/github.com/distribution/reference
_REFERENCE = re.compile(
    r"([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[a-z0-9]+:[0-9a-f]+)?"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a container is started from. Pages with the same one share it; `alone` names one that shares with none."""

    image: str
    settings: tuple[tuple[str, str | int | float | bool], ...]
    major: int | None
    alone: str = ""

    @classmethod
    def of(cls, one: Plan, means: Means, variables: Mapping[str, str] = os.environ) -> Recipe:
        """The recipe of a page's run."""
        image = image_of(one.runbook, one.major, means, variables)
        loads = any(check.check.effect is Effect.LOAD and not check.skip for check in one.checks)
        settings = tuple(sorted(one.runbook.front.server.items()))
        return cls(image, settings, one.major, alone=str(one.runbook.path) if loads else "")

    def start(self) -> ContainerServer:
        """A running container. Raises TargetFailed."""
        from checks.targets.container import ContainerServer

        return ContainerServer.start(self.image, settings=dict(self.settings))


class Shared:
    """One container, started by the first who needs it and removed after the last. The others' failure is the first's.

    `users` is how many will take it and give it back.
    """

    def __init__(self, start: Callable[[], ContainerServer], users: int) -> None:
        self._start = start
        self._users = users
        self._lock = threading.Lock()
        self._server: ContainerServer | None = None
        self._failure: CouldNotTell | None = None

    def take(self) -> ContainerServer:
        """The server, for which the others wait while the first starts it. Raises TargetFailed."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._server is None:
                try:
                    self._server = self._start()
                except CouldNotTell as failure:
                    self._failure = failure
                    raise
            return self._server

    def give_back(self) -> None:
        """One user less; after the last, the container is removed."""
        with self._lock:
            self._users -= 1
            server = None if self._users else self._server
        if server is not None:
            server.stop()


class Servers:
    """Gives each run its target, and removes what was started for it as soon as nobody needs it any more."""

    def __init__(self, means: Means, plans: Iterable[Plan]) -> None:
        self._means = means
        self._shared: dict[Recipe, Shared] = {}
        if means.on != EMBEDDED:
            users = Counter(Recipe.of(one, means) for one in plans)
            self._shared = {recipe: Shared(recipe.start, count) for recipe, count in users.items()}

    @property
    def kind(self) -> str:
        """What the results name as their target: `embedded` or `container`."""
        return self._means.on

    @property
    def postgres_bin(self) -> str:
        """The folder of PostgreSQL's programs that the command line named, or nothing."""
        return self._means.postgres_bin

    @contextmanager
    def target(self, one: Plan) -> Iterator[DisposableTarget]:
        """An empty database for one run, gone afterwards. Raises TargetFailed."""
        if self._means.on == EMBEDDED:
            with closing(server_for(one.runbook, self._means.postgres_bin, major=one.major)) as target:
                yield target
            return
        shared = self._shared[Recipe.of(one, self._means)]
        try:
            # It is not dropped afterwards: the container goes as a whole, and a dead one could not drop it.
            contained = shared.take().create_target(database_name(one.runbook))
            _insist_on(one.major, contained)
            yield contained
        finally:
            shared.give_back()


def image_of(runbook: Runbook, asked_major: int | None, means: Means, variables: Mapping[str, str] = os.environ) -> str:
    """The image by --image, by the variable, by the page, else the official one of the run's major.

    Raises UsageError where it is no name, or wants a major and there is none.
    """
    from checks.targets.container import default_image

    front = runbook.front
    major = asked_major or front.postgres
    named = means.image or variables.get(NAMED_BY, "").strip() or front.image
    if not named:
        return default_image(major)
    if MAJOR in named and major is None:
        raise UsageError(
            f"{runbook.path}: the image {named} wants a major, and the page names none.",
            hint="add `postgres: 17` to its front matter, or `--postgres 17` to the command",
        )
    image = named.replace(MAJOR, str(major))
    if not _REFERENCE.fullmatch(image):
        raise UsageError(
            f"{runbook.path}: {image!r} is no name of an image.",
            hint=f"correct --image, {NAMED_BY} or the page's `image:`: `postgres:17-alpine` is one",
        )
    return image


def _insist_on(major: int | None, target: DisposableTarget) -> None:
    """Raise TargetFailed for an image of another major than the run was asked for."""
    if major is None:
        return
    with closing(target.open()) as session:
        found = session.server
    if found.major != major:
        raise TargetFailed(
            f"PostgreSQL {major} is not at hand: {found.obtained} is PostgreSQL {found.version}.",
            hint=f"write {MAJOR} where the image's name has the major, as in `--image postgres:{MAJOR}-alpine`",
        )
