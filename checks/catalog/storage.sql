-- database: what this database takes on disk, in bytes
SELECT pg_database_size(current_database()) AS bytes;

-- tables: the largest tables with their TOAST and without their indexes; partitions count each for itself
SELECT n.nspname AS schema, c.relname AS name, pg_table_size(c.oid) AS bytes
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY bytes DESC NULLS LAST, schema, name
LIMIT 100;

-- indexes: the largest indexes
SELECT n.nspname AS schema, c.relname AS name, pg_relation_size(c.oid) AS bytes
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'i'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
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
