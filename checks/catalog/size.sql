-- database: what this database takes on disk, in bytes
SELECT pg_database_size(current_database()) AS bytes;

-- tables: what each table takes with its indexes, its TOAST and its partitions, the largest first
SELECT n.nspname AS schema,
       c.relname AS name,
       CASE c.relkind
           WHEN 'p' THEN (SELECT sum(pg_total_relation_size(t.relid))::bigint FROM pg_partition_tree(c.oid) AS t)
           ELSE pg_total_relation_size(c.oid)
       END AS bytes
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm')
  AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY bytes DESC NULLS LAST, schema, name;
