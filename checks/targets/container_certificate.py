"""The certificate of servers in containers: the cached one, or one of this process where nothing can be kept."""

from __future__ import annotations

import contextlib
import tempfile
from functools import cache as once
from pathlib import Path

from checks.errors import TargetFailed
from checks.targets import authority, cache
from checks.targets.authority import Certificate


def usual() -> Certificate:
    """The certificate, made if need be. Raises TargetFailed."""
    kept = cache.folder()
    if kept is not None:
        with contextlib.suppress(OSError):  # a cache that fails costs the time of making another one
            return authority.cached(kept)
    try:
        return authority.issue(Path(_folder().name))
    except OSError as error:
        raise TargetFailed(f"No certificate for a disposable server could be written: {error}.") from error


@once
def _folder() -> tempfile.TemporaryDirectory[str]:
    """It goes with this process."""
    return tempfile.TemporaryDirectory(prefix="pgrunbook.tls-")
