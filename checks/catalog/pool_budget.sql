-- slots: how many sessions the server admits, and how many of these it keeps for superusers and, since 16, for others
SELECT current_setting('max_connections')::integer AS max_connections,
       current_setting('superuser_reserved_connections')::integer AS superuser_reserved_connections,
       coalesce(current_setting('reserved_connections', true)::integer, 0) AS reserved_connections,
       current_database()::text AS database,
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_limit;

-- roles: how many sessions each role may open that has a limit of its own
SELECT rolname AS role, rolconnlimit AS slots
FROM pg_roles
WHERE rolconnlimit >= 0 AND NOT rolsuper
ORDER BY rolname;
