"""Where templates, certificates and reachable binaries are kept between runs.

PGRUNBOOK_CACHE names the folder; else it is the user's cache folder. Where that is closed, on a machine whose home
cannot be written, a private folder among the temporary files serves, and where that fails too nothing is kept.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from checks.cachefolder import chosen, named
from checks.targets.account import Account


def folder(*, reached_by: Account | None = None) -> Path | None:
    """The first folder that can be written, and entered by `reached_by` where given. None when there is none."""
    return next((path for path in _candidates() if _usable(path, reached_by)), None)


def _candidates() -> Iterator[Path]:
    yield chosen()
    if os.geteuid() == 0 and not named():
        import platformdirs

        yield platformdirs.site_cache_path("pgrunbook")
    yield Path(tempfile.gettempdir()) / f"pgrunbook-cache-{os.geteuid()}"


def _usable(path: Path, reached_by: Account | None) -> bool:
    """Made if need be, ours alone to write, and with room for a file. A folder someone else left there is not used."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o755 if reached_by and reached_by.steps_down else 0o700)
        about = path.lstat()
        if path.is_symlink() or about.st_uid != os.geteuid() or about.st_mode & 0o022:
            return False
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"room")
    except OSError:
        return False  # closed, full or read-only: the next candidate is asked
    return reached_by is None or reached_by.reaches(path)
