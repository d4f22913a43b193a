"""An env file's variables, read as they stand."""

from __future__ import annotations

import re
from pathlib import Path

from checks.errors import UsageError

REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*)\}")


def read(env_file: Path) -> dict[str, str]:
    """The file's variables, with `${OTHER}` of the same file filled in; what it cannot fill stays, to be told of.

    Raises UsageError when there is no such file.
    """
    from dotenv import dotenv_values

    if not env_file.is_file():
        raise UsageError(f"The env file {env_file} is not there.", hint="Give --env-file the path of a file that is.")
    # dotenv's own interpolation would turn an unresolved `${{Postgres.DATABASE_URL}}` into a bare `}`.
    found = {key: value or "" for key, value in dotenv_values(env_file, interpolate=False).items()}
    return {
        key: REFERENCE.sub(lambda reference: found.get(reference[1], reference[0]), value)
        for key, value in found.items()
    }
