-- sequences: each sequence and the columns it feeds; `last` is NULL if it was never used, or may not be read
SELECT n.nspname AS schema,
       c.relname AS name,
       s.seqmin::text AS lowest,
       s.seqmax::text AS highest,
       s.seqincrement::text AS step,
       s.seqcycle AS cycles,
       r.readable,
       CASE WHEN r.readable AND r.reachable THEN pg_sequence_last_value(c.oid)::text END AS last,
       f.schema AS table_schema,
       f.parent AS table_name,
       f.name AS column_name,
       f.type
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT has_sequence_privilege(c.oid, 'SELECT, USAGE') AS readable,
           c.relpersistence = 'p' OR NOT pg_is_in_recovery() AS reachable
) AS r
LEFT JOIN (
    -- serial and identity columns own their sequence; any other column's default may call it
    SELECT objid AS sequence, refobjid AS relation, refobjsubid AS number
    FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjsubid > 0
      AND deptype IN ('a', 'i')
    UNION
    SELECT d.refobjid, a.adrelid, a.adnum
    FROM pg_attrdef AS a
    JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid
    WHERE d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
) AS o ON o.sequence = c.oid
LEFT JOIN LATERAL (
    SELECT m.nspname AS schema, t.relname AS parent, a.attname AS name,
           CASE WHEN y.typtype = 'd' THEN y.typbasetype ELSE y.oid END::regtype::text AS type
    FROM pg_attribute AS a
    JOIN pg_class AS t ON t.oid = a.attrelid
    JOIN pg_namespace AS m ON m.oid = t.relnamespace
    JOIN pg_type AS y ON y.oid = a.atttypid
    WHERE a.attrelid = o.relation AND a.attnum = o.number AND NOT t.relispartition
) AS f ON true
WHERE NOT pg_is_other_temp_schema(n.oid)
ORDER BY schema, name, table_schema, table_name, column_name;
