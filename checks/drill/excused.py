"""What keeps a drill from a verdict, told as such: a copy whose server failed, and a disk that is full."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from checks.backup.copy import Copy
from checks.backup.unwell import LOST, NO_SPACE, ailment, is_full, said, unwell
from checks.errors import CouldNotTell, TargetFailed
from checks.units import show_bytes

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def excused(copy: Callable[[], Copy | None], scratch: Path) -> Iterator[None]:
    """Raise as CouldNotTell what the copy fails with, and what a full disk does. `scratch` is where artifacts lie."""
    try:
        yield
    except psycopg.Error as error:
        raise of_copy(error, copy()) from error
    except TargetFailed as failed:
        there = copy()
        if failed.code != LOST or there is None or not is_full(there.server.folder.path):
            raise
        # A server without room for its write-ahead log is gone before it can say so.
        raise TargetFailed(f"{failed.sentence.rstrip('.')}; its disk is full", code=NO_SPACE) from failed
    except OSError as failure:
        if failure.errno not in FULL:
            raise
        raise no_room(failure, scratch) from failure


def of_copy(error: psycopg.Error, copy: Copy | None) -> CouldNotTell:
    """Why the copy gave no answer."""
    reason = unwell(error, copy.server.folder.path if copy is not None else None)
    return reason or CouldNotTell(f"the copy refused a question: {said(error)}", code=LOST)


def undescribed(reason: CouldNotTell, copy: Copy) -> CouldNotTell:
    """The reason that the copy could not be described, as one of the copy's: a source is described in the same way."""
    error = reason.__cause__
    if is_full(copy.server.folder.path):
        return CouldNotTell(f"the disk of the copy is full: {reason.sentence}", code=NO_SPACE)
    return of_copy(error, copy) if isinstance(error, psycopg.Error) and ailment(error) else reason


def no_room(failure: OSError, scratch: Path) -> CouldNotTell:
    """What a full disk of our own amounts to."""
    free = show_bytes(shutil.disk_usage(scratch).free)
    why = (failure.strerror or str(failure)).lower()
    return CouldNotTell(
        f"a disk was full before the drill was done ({why}); {free} are free in {scratch}, where the backup lies "
        "while it is drilled",
        code=NO_SPACE,
        hint="Free some space, or set TMPDIR to a folder that has more.",
    )
