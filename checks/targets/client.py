"""The environment in which a client program such as psql reaches an endpoint, with no secret on its command line.

Any user of a machine may read the command lines of all its processes, and shells keep them in their history. So the
password goes through a file that only we may read, and everything else through libpq's variables:
https://www.postgresql.org/docs/current/libpq-envars.html and
https://www.postgresql.org/docs/current/libpq-pgpass.html
"""

from __future__ import annotations

import atexit
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from psycopg.pq import Conninfo

from checks.errors import UsageError
from checks.targets.guards import APPLICATION_NAME
from checks.targets.parameters import SECRET
from checks.targets.session import Endpoint
from checks.targets.url import conninfo

# A service or a second address of the caller's would win over the host that is meant here.
_NOT_INHERITED = ("PGSERVICE", "PGHOSTADDR")
_PREFIX, _SUFFIX = "pgrunbook-", ".pgpass"
_made: set[Path] = set()
_FORMING = 60.0  # seconds a file may be without its lock


@contextmanager
def client_environment(endpoint: Endpoint, variables: Mapping[str, str] = os.environ) -> Iterator[dict[str, str]]:
    """The whole environment for a program that is to connect to `endpoint`; its password file is gone afterwards.

    What the endpoint leaves open stays what `variables` say. Raises UsageError for a secret that is no password: libpq
    has no variable for it.
    """
    given = {"application_name": APPLICATION_NAME, **conninfo(endpoint)}
    password = given.pop("password", None)
    kept = {name: value for name, value in variables.items() if name not in _NOT_INHERITED}
    made = kept | _by_variable(given)
    if password is None:
        yield made
        return
    made.pop("PGPASSWORD", None)
    if "\n" in password:  # which a line of a file cannot hold
        yield made | {"PGPASSWORD": password}
        return
    with _password_file(password) as path:
        yield made | {"PGPASSFILE": str(path)}


def _by_variable(given: Mapping[str, str]) -> dict[str, str]:
    """Each parameter under the name of libpq's variable for it; some, such as keepalives, have none and no need."""
    names = {option.keyword.decode(): option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}
    unnamed = sorted((SECRET & given.keys()) - names.keys())
    if unnamed:
        raise UsageError(
            f"`{unnamed[0]}` cannot be handed to a client program: libpq has no variable for it.",
            hint="Use a key without a passphrase, readable by its owner only, and name it by `sslkey`.",
        )
    return {names[key]: value for key, value in given.items() if key in names}


@contextmanager
def _password_file(password: str) -> Iterator[Path]:
    """A file with the password for whatever server is asked, readable by us alone, as libpq insists."""
    folder = Path(tempfile.gettempdir())
    sweep(folder)
    handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=folder)  # made with mode 0600
    path = Path(name)
    _made.add(path)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # for as long as we live: no sweep takes it away
            escaped = password.replace("\\", r"\\").replace(":", r"\:")
            file.write(f"*:*:*:*:{escaped}\n")
            file.flush()
            yield path
    finally:
        path.unlink(missing_ok=True)
        _made.discard(path)


@atexit.register
def remove_all() -> None:
    """Remove the files of threads that were left behind."""
    for path in list(_made):
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> list[Path]:
    """Remove the password files in `folder` of those who were killed before they could; what was removed."""
    return [path for path in folder.glob(f"{_PREFIX}*{_SUFFIX}") if _swept(path)]


def _swept(path: Path) -> bool:
    try:
        known = path.lstat()
        if known.st_uid != os.geteuid() or time.time() - known.st_mtime < _FORMING:
            return False
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW)) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except OSError:
        return False  # somebody uses it, or another run has swept it
    return True
