"""The connection slots a server has left, so that a look at it never takes the last ones.

What ordinary roles share is `max_connections` without the slots kept back; those taken are the client sessions. Any
role may count them: what it may not see of a session is what that does, not that it is there.
https://www.postgresql.org/docs/current/runtime-config-connection.html
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.errors import ConnectionFailed

SCARCE = "connectivity.slots_scarce"
LEAST_SHARE_LEFT = 0.1

# `reserved_connections` came with PostgreSQL 16. A role that may not see a session's type still sees whose it is; the
# server's own processes are nobody's.
QUERY = """
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0),
       (SELECT count(*) FROM pg_catalog.pg_stat_activity
         WHERE usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend')
""".strip()


@dataclass(frozen=True, slots=True)
class Slots:
    """How many sessions ordinary roles may have at once, and how many there are, the one that counted included."""

    most: int
    taken: int

    @property
    def left(self) -> int:
        """How many more could be opened by ordinary roles."""
        return max(0, self.most - self.taken)

    def __str__(self) -> str:
        return f"{self.left} of {self.most}"


def keep_enough(slots: Slots, *, still_to_open: int) -> None:
    """Raise ConnectionFailed when less than a tenth of the slots would be left with `still_to_open` more sessions."""
    remaining = slots.most - slots.taken - still_to_open
    if remaining >= slots.most * LEAST_SHARE_LEFT:
        return
    raise ConnectionFailed(
        f"The server has {slots.left} of its {slots.most} connection slots left, and with the sessions of this run "
        f"less than a tenth would remain for the application, so nothing was asked.",
        code=SCARCE,
        hint="Find who holds them: `SELECT usename, application_name, state, count(*) FROM pg_stat_activity "
        "GROUP BY 1, 2, 3`. Then run the check again.",
    )
