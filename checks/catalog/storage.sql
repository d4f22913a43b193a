-- database: what this database takes on disk, in bytes
SELECT pg_database_size(current_database()) AS bytes;

-- tables: the largest with their TOAST and without their indexes; of 2 000 only the likely ones are measured on disk
SELECT n.nspname AS schema, c.relname AS name, pg_table_size(c.oid) AS bytes
FROM (
    SELECT c.*
    FROM pg_class AS c
    LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid
    WHERE c.relkind IN ('r', 'm')
    -- Pages as vacuum last counted them, or rows as the counters have them where it has not come by yet.
    ORDER BY greatest(c.relpages + coalesce(t.relpages, 0),
                      (pg_stat_get_live_tuples(c.oid) + pg_stat_get_dead_tuples(c.oid)) / 50,
                      (pg_stat_get_live_tuples(t.oid) + pg_stat_get_dead_tuples(t.oid)) / 4) DESC
    LIMIT 300
) AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY bytes DESC NULLS LAST, schema, name
LIMIT 100;

-- indexes: the largest, found likewise
SELECT n.nspname AS schema, c.relname AS name, pg_relation_size(c.oid) AS bytes
FROM (
    SELECT c.*
    FROM pg_class AS c
    JOIN pg_index AS i ON i.indexrelid = c.oid
    WHERE c.relkind = 'i'
    ORDER BY greatest(c.relpages,
                      (pg_stat_get_live_tuples(i.indrelid) + pg_stat_get_dead_tuples(i.indrelid)) / 200) DESC
    LIMIT 300
) AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY bytes DESC NULLS LAST, schema, name
LIMIT 100;

-- estimated: the largest of both by what vacuum last counted, for when somebody's lock keeps them from being measured
SELECT n.nspname AS schema,
       c.relname AS name,
       (c.relpages + coalesce(t.relpages, 0))::bigint * current_setting('block_size')::integer AS bytes,
       c.relkind = 'i' AS is_index
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid
WHERE c.relkind IN ('r', 'm', 'i')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY bytes DESC, schema, name
LIMIT 100;
