"""Migrations applied to a disposable, empty database as their own tool would, taken back, and applied again.

For everyone who asks whether a new environment can be built from these files, and whether a deployment can be taken
back. Only ever done to a target that says it is disposable.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from checks.errors import CouldNotTell, UsageError
from checks.migrations.outcome import Rehearsal
from checks.runbook.model import Migrations
from checks.secrets import mask
from checks.targets.session import Target


def rehearse(migrations: Migrations, folder: Path, target: Target) -> Rehearsal:
    """Bring `target` to head by way of a full way down, and say what that showed. Ends at head where it can.

    A migration that fails is a Rehearsal with a `failure`, never an exception. Raises UsageError for a target that is
    not disposable.
    """
    if not target.disposable:
        raise UsageError(f"Migrations are rehearsed on disposable databases only, and {target.name} is not one.")
    started = time.monotonic()
    try:
        outcome = _walk(migrations, folder, target)
    except CouldNotTell as error:
        outcome = Rehearsal(failed_step="up", failure=error.sentence)
    return replace(outcome, failure=mask(outcome.failure), seconds=time.monotonic() - started)


def _walk(migrations: Migrations, folder: Path, target: Target) -> Rehearsal:
    if migrations.command is not None:
        from checks.migrations.walk_command import CommandWalk

        return CommandWalk(migrations, folder, target).walk()
    if migrations.tool == "alembic":
        from checks.migrations.walk_alembic import rehearse_alembic

        return rehearse_alembic(migrations, folder, target)
    from checks.migrations.walk_scripts import ScriptWalk

    return ScriptWalk(migrations, folder, target).walk()


def advance(migrations: Migrations, folder: Path, target: Target) -> str:
    """Apply what `target` has not applied yet, and nothing else. Why that failed, masked; empty where it did not.

    Raises UsageError for a target that is not disposable, CouldNotTell for files that cannot be read.
    """
    if not target.disposable:
        raise UsageError(f"Migrations are applied to disposable databases only, and {target.name} is not one.")
    from checks.migrations.walk import StepFailed

    try:
        if migrations.command is not None:
            from checks.migrations.walk_command import CommandWalk

            CommandWalk(migrations, folder, target).up()
        elif migrations.tool == "alembic":
            from checks.migrations.walk_alembic import advance_alembic

            advance_alembic(migrations, folder, target)
        else:
            from checks.migrations.walk_scripts import ScriptWalk

            ScriptWalk(migrations, folder, target).up()
    except StepFailed as failure:
        return mask(failure.sentence)
    return ""
