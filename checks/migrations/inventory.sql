-- Everything in this database that a migration may have made, except what belongs to an extension or to the system.
WITH of_extensions AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
),
own_schemas AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
)
SELECT 'schema' AS kind, '' AS schema, n.nspname AS name, quote_ident(n.nspname) AS shown
FROM own_schemas AS n
WHERE ('pg_namespace'::regclass, n.oid) NOT IN (SELECT * FROM of_extensions)
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                      WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END,
       n.nspname, c.relname, format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN own_schemas AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
  AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM of_extensions)
UNION ALL
SELECT 'type', n.nspname, t.typname, format('%I.%I', n.nspname, t.typname)
FROM pg_type AS t JOIN own_schemas AS n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'd', 'r')
  AND ('pg_type'::regclass, t.oid) NOT IN (SELECT * FROM of_extensions)
UNION ALL
SELECT 'function', n.nspname, p.proname, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
FROM pg_proc AS p JOIN own_schemas AS n ON n.oid = p.pronamespace
WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM of_extensions)
  -- A range type brings its constructors along, and is listed itself.
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
ORDER BY 1, 2, 3, 4;
