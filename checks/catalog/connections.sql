-- slots: how many sessions the server admits, and how many of these it keeps for superusers and, since 16, for others
SELECT current_setting('max_connections')::integer AS slots,
       current_setting('superuser_reserved_connections')::integer
           + coalesce(current_setting('reserved_connections', true)::integer, 0) AS reserved;

-- limits: roles and databases that admit fewer sessions than the server does
SELECT 'role' AS kind, rolname AS name, rolconnlimit AS slots FROM pg_roles WHERE rolconnlimit > 0 AND NOT rolsuper
UNION ALL
SELECT 'database', datname, datconnlimit FROM pg_database WHERE datconnlimit > 0;

-- sessions: every client's, those longest in a transaction first; `hidden` ones show this role neither state nor times
SELECT pid,
       datname AS database,
       usename AS role,
       application_name AS application,
       CASE WHEN backend_type IS NULL THEN 'hidden' ELSE coalesce(state, 'unknown') END AS state,
       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS in_transaction,
       extract(epoch FROM clock_timestamp() - state_change)::float8 AS in_state
FROM pg_stat_activity
WHERE backend_type = 'client backend'
   OR (backend_type IS NULL AND usesysid IS NOT NULL)
ORDER BY in_transaction DESC NULLS LAST, pid;

-- blocked: sessions that have waited for a lock for over a second, the longest first, and who holds it up
SELECT a.pid,
       a.datname AS database,
       a.usename AS role,
       a.application_name AS application,
       extract(epoch FROM clock_timestamp() - l.waitstart)::float8 AS waited,
       l.locktype AS waits_for,
       CASE WHEN l.database = d.oid THEN l.relation::regclass::text END AS relation,
       pg_blocking_pids(a.pid) AS blockers
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
JOIN pg_database AS d ON d.datname = current_database()
WHERE NOT l.granted
  AND l.waitstart < clock_timestamp() - interval '1 second'
  AND (a.backend_type = 'client backend' OR (a.backend_type IS NULL AND a.usesysid IS NOT NULL))
ORDER BY l.waitstart
LIMIT 50;
