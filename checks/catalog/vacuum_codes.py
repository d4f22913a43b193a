"""What the codes of `vacuum` mean, why they matter and how to fix them."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

_FREEZE = (
    "Look first at who holds rows back (in the evidence): end the session, roll back the prepared transaction, drop "
    "the slot. Then `VACUUM (FREEZE, VERBOSE)` the oldest tables, the largest ages first, in the database that is "
    "named; it does not block reads or writes."
)

CODES: Mapping[str, Code] = {
    "vacuum.keeps_up": Code("Every database is young enough, and nobody holds dead rows back."),
    "vacuum.tended": Code("Large tables were vacuumed and analyzed as their changes demand; the evidence says when."),
    "vacuum.wraparound": Code(
        "A database of this server is so old that transaction numbers, or multixact numbers, run out.",
        "When they have, PostgreSQL refuses every command that would write, in all databases, until it is vacuumed.",
        _FREEZE + " Do not restart in single-user mode: since PostgreSQL 14 that is never needed.",
    ),
    "vacuum.freeze_overdue": Code(
        "A database is older than the age at which autovacuum freezes it in any case, by a wide margin.",
        "The vacuum that prevents wraparound runs and does not succeed, or is cancelled, or is too slow. Left alone, "
        "the server stops taking writes.",
        _FREEZE + " If nobody does, raise `autovacuum_vacuum_cost_limit` and `maintenance_work_mem`.",
    ),
    "vacuum.held_back": Code(
        "A session, a prepared transaction, a slot or a standby needs a view of the data that is very old.",
        "Vacuum may not remove any row that died since, in any table, so that all of them grow and slow down.",
        "Session: `SELECT pg_terminate_backend(PID)`, and set `idle_in_transaction_session_timeout`. Prepared "
        "transaction: `ROLLBACK PREPARED '…'`. Slot: `SELECT pg_drop_replication_slot('…')` if nobody will use it "
        "again. Standby: end the long query there, or set `hot_standby_feedback = off`.",
    ),
    "vacuum.autovacuum_off": Code(
        "Autovacuum does not run, on this server or for this table.",
        "Dead rows are never removed, statistics never renewed, and what prevents wraparound comes late, all at once.",
        "`ALTER SYSTEM SET autovacuum = on` and reload; for a table `ALTER TABLE … RESET (autovacuum_enabled)`. If it "
        "is meant, list the table under `ignore`, or say `autovacuum: false`.",
    ),
    "vacuum.dead_rows": Code(
        "A large part of a large table is rows that no transaction can see any more.",
        "Every scan reads them, the table takes more room than it needs, and it will not give it back by itself.",
        "See whether vacuum is running (`pg_stat_progress_vacuum`) or held back. Else `VACUUM (VERBOSE) …`, and for a "
        "table that changes much `ALTER TABLE … SET (autovacuum_vacuum_scale_factor = 0.02)`.",
    ),
    "vacuum.not_analyzed": Code(
        "What the planner knows of a large table is missing or out of date.",
        "It takes a plan for the table as it was; a query that took milliseconds may take minutes.",
        "`ANALYZE …` takes seconds. After a restore or a bulk load, `vacuumdb --analyze-in-stages`. For a table that "
        "changes much `ALTER TABLE … SET (autovacuum_analyze_scale_factor = 0.02)`.",
    ),
    "vacuum.not_vacuumed": Code(
        "A large table was not vacuumed within the time the page names, going by the server's statistics.",
        "Its visibility map and its free space are out of date. After a crash the statistics begin anew and say never.",
        "`VACUUM (ANALYZE) …`; if that must be done often, see why autovacuum does not do it.",
    ),
}
