"""The settings that keep a session harmless, and the statements that set them and read them back.

https://www.postgresql.org/docs/current/runtime-config-client.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checks.errors import ConnectionFailed

APPLICATION_NAME = "pgrunbook"
LOCK_TIMEOUT = "100ms"
OLDEST_MAJOR = 12  # before it, columns that the catalog's questions name are missing

# Every CREATE is refused in a read-only transaction, before the server looks at who asks or what for, and on a standby
# too. Where it were let through, what it made would be empty, seen by nobody else, and gone with its transaction.
WRITE_ATTEMPT = "CREATE TEMPORARY TABLE pgrunbook_write_attempt_to_be_refused () ON COMMIT DROP"
REFUSED = "25006"  # read_only_sql_transaction


def settings(timeout: float) -> dict[str, str]:
    """The guards, and the forms of output the decoding of values stands on. `timezone` stays what people get."""
    return {
        "statement_timeout": f"{max(1, round(timeout * 1000))}ms",
        "lock_timeout": LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": f"{max(1, round(timeout * 1000))}ms",
        "application_name": APPLICATION_NAME,
        "datestyle": "ISO, MDY",
        "intervalstyle": "postgres",
    }


def set_all(wanted: Mapping[str, str], *, local: bool) -> str:
    """The statement that sets them, for one transaction if `local`; it answers what each became, by name."""
    calls = (f"set_config('{name}', '{value}', {local}) AS {name}" for name, value in wanted.items())
    return "SELECT " + ", ".join(calls)


def read_back(names: Sequence[str]) -> str:
    """The statement that asks what they are, by name."""
    return "SELECT " + ", ".join(f"current_setting('{name}') AS {name}" for name in names)


def attempted(sqlstate: str | None) -> str:
    """What is reported of the attempt to write. `sqlstate` is the server's, None where it let it through.

    Raises ConnectionFailed for anything but the refusal of a read-only transaction.
    """
    if sqlstate == REFUSED:
        return f"refused ({REFUSED})"
    how = f"refused for another reason (SQLSTATE {sqlstate})" if sqlstate else "not refused"
    raise missing(f"an attempt to write was {how}, and must be refused as read only (SQLSTATE {REFUSED}).")


def missing(why: str) -> ConnectionFailed:
    """The failure of a session that cannot be guarded; `why` ends with a full stop."""
    return ConnectionFailed(
        f"The session's guards do not hold, so nothing was asked: {why}",
        code="connectivity.guards_missing",
        hint="Connect past the pooler, or set it to transaction pooling: its statement pooling cannot be guarded.",
    )
