-- sequences: how far each has come; `last` is NULL if it was never used, or may not be read
SELECT c.oid AS id, n.nspname AS schema, c.relname AS name,
       s.seqmin::text AS lowest, s.seqmax::text AS highest, s.seqincrement::text AS step, s.seqcycle AS cycles,
       has_sequence_privilege(c.oid, 'SELECT, USAGE') AS readable,
       CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE')
                 AND (c.relpersistence = 'p' OR NOT pg_is_in_recovery())
            THEN pg_sequence_last_value(c.oid)::text END AS last
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT pg_is_other_temp_schema(n.oid)
ORDER BY schema, name;

-- columns: the columns each sequence feeds: serial and identity ones own it, the default of any other may call it
SELECT o.sequence AS id, n.nspname AS schema, c.relname AS parent, a.attname AS name,
       CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END::regtype::text AS type
FROM (
    SELECT objid AS sequence, refobjid AS relation, refobjsubid AS number
    FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjsubid > 0
      AND deptype IN ('a', 'i')
    UNION
    SELECT d.refobjid, f.adrelid, f.adnum
    FROM pg_attrdef AS f
    JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjsubid = 0 AND d.deptype = 'n'
) AS o
JOIN pg_sequence AS s ON s.seqrelid = o.sequence
JOIN pg_attribute AS a ON a.attrelid = o.relation AND a.attnum = o.number
JOIN pg_class AS c ON c.oid = o.relation
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE NOT c.relispartition
ORDER BY schema, parent, name;
