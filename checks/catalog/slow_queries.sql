-- extension: where it is installed in this database, its version, whether its library was preloaded and what it tracks
SELECT e.extversion AS version,
       n.nspname AS schema,
       (SELECT setting FROM pg_settings WHERE name = 'pg_stat_statements.track') AS tracks,
       has_schema_privilege(n.oid, 'USAGE') AS usable
FROM (VALUES ('pg_stat_statements')) AS wanted (name)
LEFT JOIN pg_extension AS e ON e.extname = wanted.name
LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace;

-- slowest: the statements of this database with the longest mean time, in milliseconds
SELECT s.queryid::text AS id,
       left(s.query, 2000) AS text,
       s.calls,
       s.mean_exec_time AS mean,
       s.max_exec_time AS max,
       s.total_exec_time AS total,
       r.rolname AS role
FROM pg_stat_statements AS s
LEFT JOIN pg_roles AS r ON r.oid = s.userid
WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY s.mean_exec_time DESC
LIMIT 200;

-- since: when the statistics begin, and how often the rarest statements were dropped to make room
SELECT stats_reset AS since, extract(epoch FROM clock_timestamp() - stats_reset)::float8 AS age, dealloc AS dropped
FROM pg_stat_statements_info;
