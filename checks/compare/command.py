"""`invoke compare`: one environment of a page held against another, or against a database made from its migrations."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from checks.check import POSTGRESQL
from checks.choice import known_format
from checks.compare.differences import Comparison, compare
from checks.compare.inventory import OF_THE_SERVER, take
from checks.compare.show import FORMATS, as_json, as_markdown, as_text
from checks.errors import CouldNotTell, UsageError
from checks.prepare import NOT_PREPARED, check_files, server_for
from checks.result import COULD_NOT_TELL, FAILED, HELD, worst
from checks.runbook.model import Runbook
from checks.secrets import mask
from checks.targets.composed import live_target
from checks.targets.environment import resolve
from checks.targets.live import LiveTarget
from checks.targets.session import Target

DISPOSABLE = "disposable"


@dataclass(frozen=True, slots=True)
class Sides:
    """The two environments as the command line names them; `right` may be `disposable`."""

    left: str
    right: str
    env_file: str = ""
    postgres_bin: str = ""


def show(runbooks: Sequence[Runbook], sides: Sides, *, format: str) -> int:  # noqa: A002 - the flag's name
    """Print what differs, page by page: 0 nothing, 1 something, 3 could not tell. Raises UsageError."""
    known_format(format, FORMATS)
    pairs = [(runbook, _openers(runbook, sides)) for runbook in _with_both(runbooks, sides)]
    comparisons, reasons = [], []
    for runbook, (left, right) in pairs:
        try:
            comparisons.append(_compare(runbook, sides, left, right))
        except CouldNotTell as reason:
            reasons.append(mask(f"{runbook.front.runbook}: {reason}"))
    _print(comparisons, reasons, format)
    codes = [_exit_code(comparison) for comparison in comparisons] + [COULD_NOT_TELL for _ in reasons]
    return worst(codes)


Opener = Callable[[], AbstractContextManager[Target]]


def _with_both(runbooks: Sequence[Runbook], sides: Sides) -> list[Runbook]:
    wanted = [name for name in (sides.left, sides.right) if name != DISPOSABLE]
    if not sides.left or not sides.right or sides.left in {sides.right, DISPOSABLE}:
        raise UsageError(
            "Two different environments are compared: --env names one and --with the other.",
            hint="As in `--env dev --with prod`; `--with disposable` is a database made from the page's migrations.",
        )
    having = [runbook for runbook in runbooks if all(name in runbook.front.environments for name in wanted)]
    if not having:
        known = "; ".join(f"{one.front.runbook}: {', '.join(one.front.environments) or 'none'}" for one in runbooks)
        raise UsageError(
            f"No selected runbook has the environment{'s' if len(wanted) > 1 else ''} {' and '.join(wanted)}.",
            hint=f"the environments are, {known}",
        )
    return having


def _openers(runbook: Runbook, sides: Sides) -> tuple[Opener, Opener]:
    """How to come by each side. Everything a person must correct is found here, before any server is touched."""

    def of(name: str) -> Opener:
        if name == DISPOSABLE:
            if runbook.front.migrations is None:
                raise UsageError(f"{runbook.path}: --with disposable needs `migrations` in the front matter.")
            check_files(runbook)
            return partial(_migrated, runbook, sides.postgres_bin)
        target = _live(runbook, name, sides.env_file)
        return lambda: nullcontext(target)

    return of(sides.left), of(sides.right)


def _live(runbook: Runbook, name: str, env_file: str) -> LiveTarget:
    front = runbook.front
    endpoint = resolve(
        name,
        front.environments,
        folder=runbook.folder,
        runbook=front.runbook,
        env_file=Path(env_file) if env_file else None,
    )
    if endpoint.engine != POSTGRESQL:
        raise UsageError(f"The environment {name} of {front.runbook} is no PostgreSQL, and only those are compared.")
    return live_target(name, endpoint)


@contextmanager
def _migrated(runbook: Runbook, postgres_bin: str) -> Iterator[Target]:
    from checks.migrations.apply import rehearse

    if runbook.front.migrations is None:
        raise AssertionError("who asks for a migrated database has migrations")
    with closing(server_for(runbook, postgres_bin)) as target:
        rehearsal = rehearse(runbook.front.migrations, runbook.folder, target)
        if not rehearsal.ready:
            raise CouldNotTell(f"the migrations could not be applied: {rehearsal.failure}", code=NOT_PREPARED)
        yield target


def _compare(runbook: Runbook, sides: Sides, left: Opener, right: Opener) -> Comparison:
    """Both at the same time, each by one session."""
    with left() as ours, right() as theirs, ThreadPoolExecutor(2) as pool:
        waiting = [
            pool.submit(take, name, target, runbook) for name, target in ((sides.left, ours), (sides.right, theirs))
        ]
        found = [one.result() for one in waiting]
    without = OF_THE_SERVER if sides.right == DISPOSABLE else frozenset()
    return compare(runbook.front.runbook, *found, without=without)


def _exit_code(comparison: Comparison) -> int:
    if comparison.differences or comparison.of_the_majors:
        return FAILED
    return COULD_NOT_TELL if comparison.unknown else HELD


def _print(comparisons: Sequence[Comparison], reasons: Sequence[str], format: str) -> None:  # noqa: A002 - the flag's name
    if format == "json":
        whole = {"comparisons": [as_json(one) for one in comparisons], "could_not_tell": list(reasons)}
        sys.stdout.write(json.dumps(whole, indent=2) + "\n")
        return
    draw = as_text if format == "text" else as_markdown
    sys.stdout.write("\n".join(draw(one) for one in comparisons))
    for reason in reasons:
        sys.stderr.write(f"{reason}\n")
