"""The words of the findings on the budget of connections: what each means, why it matters, how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CODES: Mapping[str, Code] = {
    "pool_budget.fits": Code("What all pools may open together fits every limit; the evidence has the arithmetic."),
    "pool_budget.server": Code(
        "All pools together may open more sessions than the server admits.",
        "Under load, or with one more instance, new sessions are refused with `too many connections`; a deployment "
        "that starts new processes before it ends the old ones needs twice as many for a while.",
        "Make pools or their number smaller first: a server of few cores does no more with more sessions. Else raise "
        "`max_connections` (`ALTER SYSTEM SET max_connections = 200`, then restart), or put PgBouncer between.",
    ),
    "pool_budget.role": Code(
        "The pools that log in as one role may open more sessions than the role is allowed.",
        "The service is refused with `too many connections for role` while the server has slots to spare.",
        "`ALTER ROLE … CONNECTION LIMIT n` raises it; or make the pools smaller.",
    ),
    "pool_budget.database": Code(
        "All pools together may open more sessions than the database admits.",
        "Services are refused with `too many connections for database` while the server has slots to spare.",
        "`ALTER DATABASE … CONNECTION LIMIT n` raises it; or make the pools smaller.",
    ),
    "pool_budget.pgbouncer": Code(
        "The services behind PgBouncer may open more connections than it admits.",
        "PgBouncer refuses them with `no more connections allowed (max_client_conn)`.",
        "Raise `max_client_conn` in pgbouncer.ini and `RELOAD`; each client takes 2 kB, and a file descriptor of the "
        "process's limit (`ulimit -n`).",
    ),
    "pool_budget.pgbouncer_waiting": Code(
        "Clients of PgBouncer wait for a connection with the server.",
        "Its pool for their role and database is used up: requests are slow though the server has slots to spare.",
        "See `SHOW POOLS` in its console. Look for long transactions first; then raise `default_pool_size`.",
    ),
    "pool_budget.no_limit": Code(
        "The page does not say how many connections the server admits, so the sum has nothing to fit in.",
        "A disposable server's `max_connections` says nothing of production's.",
        "Add `max_connections` to the check, or to `server:` in the front matter.",
    ),
    "pool_budget.pgbouncer_unknown": Code(
        "Services connect through PgBouncer, and the page does not say what that admits and passes on.",
        "What it opens with the server is its own figure, whatever the services' pools are.",
        "Add `pgbouncer: {default_pool_size: 20, max_client_conn: 100}` to the check, as pgbouncer.ini has them.",
    ),
    "pool_budget.pgbouncer_unreachable": Code(
        "PgBouncer's admin console did not answer, so that its limits are not known.",
        "The budget is a guess without them.",
        "Try `psql \"$PGBOUNCER_URL\" -c 'SHOW CONFIG'`: the database is `pgbouncer`, and the role must be in "
        "`stats_users` or `admin_users`.",
    ),
}
