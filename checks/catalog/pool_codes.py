"""The words of the findings on pools: what each means, why it matters, how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

_HOOKS = (
    "SQLAlchemy's events `checkout` and `checkin`, asyncpg's `create_pool(setup=…, reset=…)`, psycopg_pool's "
    "`ConnectionPool(check=…, reset=…)`: note the task's name and the backend's process number at the way out, and "
    "strike it out at the way back"
)

CODES: Mapping[str, Code] = {
    "pool.exhausted": Code(
        "Every connection of the pool could be taken, and the next check-out ended with the library's own time-out "
        "error in its time."
    ),
    "pool.no_timeout": Code(
        "A check-out from the empty pool waits for ever.",
        "When the pool runs dry every request hangs until its client gives up; nothing in the service says why.",
        "Give it a time-out: `async with pool.acquire(timeout=5)` in asyncpg, which has none by itself. Then declare "
        "it as `timeout: 5s` in the front matter.",
    ),
    "pool.timeout_missed": Code(
        "A check-out from the empty pool did not end with a time-out in its time.",
        "Requests wait longer than whoever set the time-out thought, or get more connections than the budget knows.",
        "Compare the pool's declared options with what the service builds; run it again on an idle machine.",
    ),
    "pool.server_full": Code(
        "The server, the role or the database admits fewer sessions than the pool may open.",
        "Under load the service is refused with `too many connections` (SQLSTATE 53300) while its pool has room.",
        "`invoke explain pool_budget.server` shows where the arithmetic is. Make the pool smaller, or raise the limit: "
        "`max_connections` (a restart), `ALTER ROLE … CONNECTION LIMIT`, `ALTER DATABASE … CONNECTION LIMIT`.",
    ),
    "pool.last_slot": Code(
        "The server was brought to its last slot: what a service is told then, and that a superuser still gets in."
    ),
    "pool.locked_out": Code(
        "With all slots taken a superuser does not get in either.",
        "Nobody can look who holds the sessions, or end one, without restarting the server.",
        "Keep some for superusers: `ALTER SYSTEM SET superuser_reserved_connections = 3`, and restart.",
    ),
    "pool.recovered": Code(
        "After everything was given back, the pool serves as before, and the server holds nothing of it open."
    ),
    "pool.not_recovered": Code(
        "After everything was given back, connections are missing, or are left in a transaction.",
        "Each peak makes the pool smaller, until it is empty without load; what is left in a transaction keeps locks.",
        "Leave the pool its reset at a connection's return (`pool_reset_on_return` of SQLAlchemy), and take "
        "connections in a `with` block only.",
    ),
    "pool.leak_named": Code(
        "A task that never gave its connection back was named, by the pool's own hooks and by the server."
    ),
    "pool.leak_unnamed": Code(
        "A task kept its connection, and could not be named.",
        "A leak empties the pool in hours or days, and what is found then is whoever asked last.",
        f"Use the library's hooks: {_HOOKS}.",
    ),
    "pool.leak": Code(
        "A session of the live service left its transaction open for long: a connection that is not coming back.",
        "The pool is smaller by it, its locks stay, and vacuum keeps every row deleted since.",
        "End it: `SELECT pg_terminate_backend(PID)`. Then find the task that took it: take connections in a `with` "
        f"block only, and name who has one. {_HOOKS}.",
    ),
    "pool.fair": Code("Twice as many workers as connections waited their turn, and nobody starved."),
    "pool.starved": Code(
        "Under twice the load somebody was refused, or passed over while others had many turns.",
        "A few requests time out while most are quick: the averages look well, and users complain.",
        "Hold connections for less time: no calls of other services within a transaction. Make the pool larger only if "
        "the server has cores to spare, and the budget slots.",
    ),
    "pool.recycled": Code("A connection older than the pool allows was replaced."),
    "pool.not_recycled": Code(
        "A connection older than the pool allows was handed out again.",
        "Firewalls and load balancers drop connections by age; the pool then hands out dead ones.",
        "Set `pool_recycle` (SQLAlchemy) or `max_lifetime` (psycopg_pool) below what the network allows.",
    ),
    "pool.survives": Code("Every pooled session was ended, and no request met a dead one."),
    "pool.stale": Code(
        "After the server ended the pooled sessions, requests were handed dead ones.",
        "Each restart or failover of the database fails as many requests as the pool keeps connections, though the "
        "database is back.",
        "Have each tried before it is handed out: `pool_pre_ping=True` (SQLAlchemy), "
        "`check=ConnectionPool.check_connection` (psycopg_pool). Then declare `pre_ping: true` in the front matter.",
    ),
    "pool.unproven": Code(
        "Part of the proof was not tried here, and is therefore not proven.",
        "A live server is spared what would hurt it: filling its last slot, restarting it. On a machine with too much "
        "to do the workers have too few turns to tell whether one starves.",
        "Run `invoke verify`, which tries it on a disposable server; or run it again when the machine has less to do.",
    ),
    "pool.not_declared": Code(
        "The page declares no such pool, so there is nothing to exercise or to add up.",
        "A pool that the page does not know is in nobody's budget.",
        "Declare it in the front matter, by its service: `pools: {api: {driver: asyncpg, size: 10, timeout: 5s}}`.",
    ),
    "pool.no_library": Code(
        "The pool's library is not installed where pgrunbook runs.",
        "The proof is by the real library; without it there is none.",
        "Run `pip install 'pgrunbook[pools]'`.",
    ),
    "pool.lost": Code(
        "The server or a session was lost while the pool was exercised, so that there is no verdict on it.",
        "Somebody else restarted the server, took its slots, or the network failed.",
        "Run it again; look into the server's log if it happens again.",
    ),
}
