"""The folder for what is kept between runs: the one PGRUNBOOK_CACHE names, else this user's own."""

from __future__ import annotations

import os
from pathlib import Path

NAMED_BY = "PGRUNBOOK_CACHE"


def named() -> str:
    """What PGRUNBOOK_CACHE says, or nothing."""
    return os.environ.get(NAMED_BY, "").strip()


def chosen() -> Path:
    """The folder, made or not. Raises RuntimeError where the user has no home."""
    if named():
        return Path(named()).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("pgrunbook")
