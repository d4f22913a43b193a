-- left_open: sessions that began a transaction and left it, the longest first; what a role may not see has no state
SELECT pid,
       usename AS role,
       application_name AS application,
       coalesce(state, 'hidden') AS state,
       extract(epoch FROM clock_timestamp() - state_change)::float8 AS in_state
FROM pg_stat_activity
WHERE usesysid IS NOT NULL
  AND coalesce(backend_type, 'client backend') = 'client backend'
  AND coalesce(state, 'hidden') IN ('idle in transaction', 'idle in transaction (aborted)', 'hidden')
ORDER BY in_state DESC NULLS LAST, pid;
