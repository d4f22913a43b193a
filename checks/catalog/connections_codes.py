"""The words of the findings on connections: what each means, why it matters, how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CODES: Mapping[str, Code] = {
    "connections.measured": Code(
        "How many sessions are open, by database, role and application. Limits that are broken have codes of their own."
    ),
    "connections.nearly_exhausted": Code(
        "Most of the sessions that the server, a role or a database admits are in use.",
        "A deployment that starts new instances before it stops the old ones needs twice as many for a while.",
        "See who holds them in the evidence. Make the pools smaller (their sizes times the number of processes is what "
        "counts), put a pooler between, or raise `max_connections`, which takes a restart.",
    ),
    "connections.exhausted": Code(
        "All sessions that the server, a role or a database admits are in use, or nearly all.",
        "New clients are refused with `too many connections` or `remaining connection slots are reserved`.",
        "Free idle ones at once: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' AND "
        "state_change < now() - interval '10 minutes'`. Then look for the client that leaks them, or whose pools are "
        "too large; `ALTER ROLE … CONNECTION LIMIT` raises a role's own limit.",
    ),
    "connections.pool_exhausted": Code(
        "As many sessions as the pool holds are each in a transaction that does not end.",
        "The application's next request waits for a session until its pool gives up: users see timeouts while the "
        "database has little to do.",
        "Look what the sessions wait for: `SELECT pid, state, wait_event_type, wait_event FROM pg_stat_activity`. "
        "Idle in transaction means that the application does something else meanwhile, such as calling another "
        "service.",
    ),
    "connections.idle_in_transaction": Code(
        "A client began a transaction and has sent nothing for long.",
        "Its locks stay, so that migrations wait; and no row deleted since can be vacuumed, so that tables grow.",
        "End it with `SELECT pg_terminate_backend(PID)`, find the code that waits within a transaction, and set "
        "`idle_in_transaction_session_timeout`.",
    ),
    "connections.long_transaction": Code(
        "A transaction has been open for very long.",
        "Vacuum can remove nothing that was deleted since it began, in any table. A dump or an index being built may "
        "need the time.",
        "If it is neither, end it with `SELECT pg_cancel_backend(PID)`, or `pg_terminate_backend` if that does "
        "not help.",
    ),
    "connections.idle": Code(
        "Sessions that nobody has used for long take a large part of the slots.",
        "Each costs memory, and together they are why the next client is refused.",
        "Make the pools smaller, have them close idle sessions (`pool_recycle`, `max_inactive_connection_lifetime`), "
        "or set `idle_session_timeout` for the role.",
    ),
    "connections.blocked": Code(
        "A session waits for a lock that another one does not give back.",
        "Everybody who needs the same row or table queues up behind it; behind an `ALTER TABLE` that waits, even "
        "readers.",
        "The evidence names first who blocks and waits for nobody. Ask its owner, or end it with "
        "`SELECT pg_terminate_backend(PID)`; `ROLLBACK PREPARED` for a prepared transaction. Let migrations set a "
        "short `lock_timeout`.",
    ),
    "connections.not_tracked": Code(
        "The server was told not to record what sessions do.",
        "Idle and long transactions cannot be told from work.",
        "Set `track_activities = on`, and reload with `SELECT pg_reload_conf()`.",
    ),
}
