"""Where a drill's backup is to come from, as a person types it: refused where there can be none."""

from __future__ import annotations

import re
from pathlib import Path

from checks.backup.store import REMOTE
from checks.drill.request import LATEST, LIVE
from checks.errors import UsageError
from checks.secrets import mask

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_ORIGINS = "Name a file or folder, s3://bucket/name, gs://bucket/name, `latest` or `live`."


def refuse_what_is_no_backup(origin: str) -> None:
    """Raises UsageError for an origin at which there can be no backup. What is in one is for the drill to find out."""
    if origin in {LIVE, LATEST} or origin.startswith(REMOTE):
        return
    path = Path(origin).expanduser()
    problem = ""
    if not origin.strip():
        problem = "names nothing"
    elif _ADDRESS.match(origin):
        problem = "is an address that no backup is fetched from"
    elif not path.exists():
        problem = "there is no such backup"
    elif not (path.is_file() or path.is_dir()):
        problem = "is neither a file nor a folder"
    if problem:
        raise UsageError(f"--from {_shown(origin)}: {problem}.", hint=_ORIGINS)


def _shown(origin: str) -> str:
    """An address may hold a password, so only its scheme is told."""
    address = _ADDRESS.match(origin)
    return f"{address[0]}…" if address else mask(origin)
