-- sessions: how many are in which state, and the oldest transaction of each in seconds; no query is read
SELECT coalesce(backend_type, 'not shown to this role') AS backend,
       coalesce(state, '') AS state,
       coalesce(wait_event_type, '') AS waits_for,
       count(*) AS sessions,
       max(extract(epoch FROM now() - xact_start))::int AS oldest_transaction_s
FROM pg_stat_activity
WHERE datid IS NOT NULL AND pid <> pg_backend_pid()
GROUP BY 1, 2, 3
ORDER BY sessions DESC, 1, 2, 3
LIMIT 50;

-- locks: who waits for whom, and for what; a blocker is shown with what it holds of that
WITH wanted AS MATERIALIZED (
    SELECT DISTINCT ON (pid) pid, pg_blocking_pids(pid) AS blockers, locktype, database, relation, mode
    FROM pg_locks
    WHERE NOT granted
    ORDER BY pid, relation IS NULL
    LIMIT 50
),
involved AS (
    SELECT pid, true AS waits FROM wanted
    UNION ALL
    SELECT DISTINCT blocker, false
    FROM wanted CROSS JOIN unnest(blockers) AS blocker
    WHERE blocker NOT IN (SELECT pid FROM wanted)
)
SELECT i.pid,
       coalesce(array_to_string(w.blockers, ', '), '') AS blocked_by,
       coalesce(a.usename::text, '') AS role,
       coalesce(a.state, '') AS state,
       coalesce(a.wait_event, '') AS wait_event,
       CASE WHEN i.waits THEN 'wants ' || w.mode ELSE coalesce('holds ' || h.modes, '') END AS lock,
       coalesce(format('%s.%s', n.nspname, c.relname), w.locktype, '') AS "on",
       extract(epoch FROM now() - a.xact_start)::int AS transaction_s
FROM involved AS i
LEFT JOIN wanted AS w ON i.waits AND w.pid = i.pid
LEFT JOIN pg_stat_activity AS a ON a.pid = i.pid
LEFT JOIN LATERAL (
    SELECT min(l.relation) AS relation, string_agg(DISTINCT l.mode, ', ') AS modes
    FROM pg_locks AS l
    WHERE l.pid = i.pid AND l.granted AND NOT i.waits
      AND (l.database, l.relation) IN (SELECT database, relation FROM wanted)
) AS h ON true
LEFT JOIN pg_class AS c
    ON c.oid = coalesce(w.relation, h.relation)
       AND coalesce(w.database, 0) IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY i.waits, i.pid
LIMIT 100;

-- settings: those a new session of this role starts with another value of than the server was built with
SELECT name, reset_val AS reset, unit, vartype, context
FROM pg_settings
WHERE reset_val IS DISTINCT FROM boot_val
  AND context <> 'internal'
ORDER BY lower(name)
LIMIT 200;

-- archiver: the last segment that was archived, and the last that was not
SELECT archived_count, coalesce(last_archived_wal, '') AS last_archived,
       coalesce(to_char(last_archived_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '') AS at,
       failed_count, coalesce(last_failed_wal, '') AS last_failed,
       coalesce(to_char(last_failed_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '') AS failed_at
FROM pg_stat_archiver;
