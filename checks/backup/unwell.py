"""When the copy's server is at fault, and not what was asked of it: no room, no memory, or no server any more.

None of that says anything of the backup, so it is a reason for no verdict and never a finding.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg

from checks.errors import CouldNotTell
from checks.secrets import mask

NO_SPACE, NO_MEMORY, LOST = "drill.no_space", "drill.no_memory", "drill.copy_lost"
SEGMENT = 16 * 2**20  # bytes of write-ahead log that a server makes room for at once, and ends itself where it cannot
_CODES = {"53100": NO_SPACE, "53200": NO_MEMORY, "58030": LOST}  # the last is of its own disk, which is none of ours
_WORDS = {
    NO_SPACE: ("the disk of the copy is full", "Free some space, or set TMPDIR to a folder that has more."),
    NO_MEMORY: ("the copy's server is out of memory", "Drill on a larger machine, or see the page's `server:`."),
    LOST: ("the copy was lost", "Drill again; if it recurs, see what ends processes on this machine."),
}


def ailment(error: psycopg.Error) -> str:
    """The code of what is wrong with the server; empty where it answered, and refused what was asked."""
    state = error.sqlstate
    if state is None:
        return LOST if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) else ""
    return _CODES.get(state, LOST if state.startswith(("08", "57P")) else "")


def unwell(error: psycopg.Error, folder: Path | None = None) -> CouldNotTell | None:
    """Why there is no verdict, or None as above. `folder` is where the server has its data, if it is there still.

    A server that has no room for its write-ahead log is gone before it can say so.
    """
    code = ailment(error)
    if not code:
        return None
    if code == LOST and folder is not None and is_full(folder):
        code = NO_SPACE
    what, hint = _WORDS[code]
    return CouldNotTell(f"{what}: {said(error)}", code=code, hint=hint)


def is_full(folder: Path) -> bool:
    """Whether a server that has its data there cannot go on for want of room."""
    return folder.exists() and shutil.disk_usage(folder).free < SEGMENT


def said(error: psycopg.Error) -> str:
    """The first line of an error, without secrets."""
    return mask(str(error).splitlines()[0] if str(error) else type(error).__name__).rstrip(".")
