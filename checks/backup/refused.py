"""What a server says when it refuses to be described or dumped, as one sentence with a code and without its values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from checks.errors import ConnectionFailed, CouldNotTell
from checks.secrets import mask
from checks.targets.query_causes import without_values

NOT_PERMITTED = "42501"
LOCK_NOT_AVAILABLE = "55P03"
CANCELED = "57014"


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Raise what psycopg raises as CouldNotTell, or as ConnectionFailed where the connection is gone.

    `doing` completes "The server refused to …".
    """
    try:
        yield
    except psycopg.Error as error:
        raise failure(error, doing) from error


def failure(error: psycopg.Error, doing: str) -> CouldNotTell:
    """The error for what the server, or libpq, said."""
    state = error.sqlstate or ""
    words = error.diag.message_primary or str(error).partition("\n")[0]
    said = mask(without_values(state, words)).rstrip(".")
    if not state or state.startswith(("08", "57P")):
        return ConnectionFailed(
            f"The server went away while pgrunbook asked it to {doing}: {said or 'the connection was closed'}.",
            code="connectivity.lost",
            hint="Read the server's log at that minute, then run it again: nothing that was begun is kept.",
        )
    code, hint = _CODES.get(state, ("run.could_not_tell", ""))
    return CouldNotTell(f"The server refused to {doing}: {said} (SQLSTATE {state}).", code=code, hint=hint)


_CODES = {
    NOT_PERMITTED: (
        "run.not_permitted",
        "A backup needs a role that may read every row of every table: GRANT pg_read_all_data to it, and BYPASSRLS "
        "where row-level security is on.",
    ),
    LOCK_NOT_AVAILABLE: (
        "run.lock_timeout",
        "Something holds a table exclusively, such as a migration or VACUUM FULL. Run it again when that has ended.",
    ),
    CANCELED: ("run.timeout", "Name a longer deadline, or run it again when the server is less busy."),
}
