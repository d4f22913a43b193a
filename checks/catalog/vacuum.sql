-- databases: how old the oldest row of each database may be, in transactions and in multixacts
SELECT datname AS name, age(datfrozenxid) AS transactions, mxid_age(datminmxid) AS multixacts
FROM pg_database
ORDER BY datname;

-- settings: the ages at which PostgreSQL vacuums in any case, and whether it vacuums at all
SELECT current_setting('autovacuum_freeze_max_age')::integer AS transactions,
       current_setting('autovacuum_multixact_freeze_max_age')::integer AS multixacts,
       current_setting('autovacuum')::boolean AND current_setting('track_counts')::boolean AS running;

-- oldest: the tables of this database, TOAST too, that hold back its age
SELECT n.nspname AS schema, c.relname AS name,
       age(c.relfrozenxid) AS transactions,
       CASE WHEN c.relminmxid <> '0' THEN mxid_age(c.relminmxid) ELSE 0 END AS multixacts
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 't') AND c.relfrozenxid <> '0'
ORDER BY greatest(age(c.relfrozenxid), CASE WHEN c.relminmxid <> '0' THEN mxid_age(c.relminmxid) ELSE 0 END) DESC
LIMIT 5;

-- tables: the rows of each table as the statistics have them, and when it was last looked after
SELECT * FROM (
    SELECT n.nspname AS schema, c.relname AS name,
           pg_stat_get_live_tuples(c.oid) AS live,
           pg_stat_get_dead_tuples(c.oid) AS dead,
           pg_stat_get_mod_since_analyze(c.oid) AS changed,
           c.reltuples < 0 AND pg_stat_get_last_analyze_time(c.oid) IS NULL
               AND pg_stat_get_last_autoanalyze_time(c.oid) IS NULL AS unknown,
           extract(epoch FROM now() - greatest(pg_stat_get_last_vacuum_time(c.oid),
               pg_stat_get_last_autovacuum_time(c.oid)))::float8 AS vacuumed,
           extract(epoch FROM now() - greatest(pg_stat_get_last_analyze_time(c.oid),
               pg_stat_get_last_autoanalyze_time(c.oid)))::float8 AS analyzed,
           EXISTS (SELECT FROM unnest(c.reloptions) AS o (option)
                   WHERE o.option ~* '^autovacuum_enabled=(f|false|off|no|n|0)$') AS switched_off
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname !~ '^pg_(toast|temp)'
) AS t
WHERE live + dead > 0 OR switched_off
ORDER BY live + dead DESC, schema, name;

-- holding: who keeps dead rows from being removed, and for how many transactions; of equals, the cause first
SELECT holder, name, age
FROM (
    -- a session with only an xmin may merely see what another one, as old, still has open
    SELECT 'session' AS holder, coalesce(usename::text, backend_type) || ', process ' || pid AS name,
           greatest(age(backend_xid), age(backend_xmin)) AS age,
           CASE WHEN age(backend_xid) >= coalesce(age(backend_xmin), 0) THEN 1 ELSE 2 END AS rank
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type <> 'walsender'
    UNION ALL
    SELECT 'prepared transaction', 'of ' || owner::text || ' in ' || database::text, age(transaction), 1
    FROM pg_prepared_xacts
    UNION ALL
    SELECT 'replication slot', slot_name::text, greatest(age(xmin), age(catalog_xmin)), 1
    FROM pg_replication_slots
    UNION ALL
    SELECT 'standby', coalesce(application_name, '') || ', process ' || pid, age(backend_xmin), 1
    FROM pg_stat_replication
) AS h
WHERE age IS NOT NULL
ORDER BY age DESC, rank, holder, name
LIMIT 5;

-- hidden: how many sessions show this role nothing of themselves
SELECT count(*) AS sessions
FROM pg_stat_activity
WHERE query = '<insufficient privilege>';
