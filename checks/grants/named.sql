-- inside: a view's own query, and whether it reads with the rights of whoever asks
SELECT r.ev_action::text, coalesce(c.reloptions::text[] && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)
FROM pg_class AS c
JOIN pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
WHERE c.oid = %s AND c.relkind = 'v';

-- types: what a stored query depends on besides tables
SELECT d.refobjid
FROM pg_depend AS d
JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
WHERE r.ev_class = %s::regclass AND d.refclassid = 'pg_type'::regclass;

-- relations: by oid, with the columns selected, and who may read them already
SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.relrowsecurity AS row_security,
       n.nspname IN ('pg_catalog', 'information_schema') AS of_system,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum)
        FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum = ANY (%(columns)s)) AS columns,
       coalesce((SELECT bool_and(has_column_privilege('public', c.oid, a.attnum, 'SELECT'))
                 FROM pg_attribute AS a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND (a.attnum = ANY (%(columns)s) OR %(whole)s)),
                has_any_column_privilege('public', c.oid, 'SELECT')) AS of_public,
       (SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum), a.attnum)
        FROM pg_attribute AS a
        LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND (i.indrelid IS NULL OR a.attnum = ANY (i.indkey))) AS key,
       (SELECT r FROM unnest(%(predefined)s::text[]) WITH ORDINALITY AS p (r, place)
        WHERE has_table_privilege(r, c.oid, 'SELECT') ORDER BY place LIMIT 1) AS predefined
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = %(oid)s;

-- functions: by oid, those of operators too, and who may call them already
SELECT n.nspname AS schema, p.proname AS name, n.nspname IN ('pg_catalog', 'information_schema') AS of_system,
       format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS shown,
       has_function_privilege('public', p.oid, 'EXECUTE') AS of_public,
       NOT p.prosecdef AND l.lanname NOT IN ('internal', 'c')
           AND NOT EXISTS (SELECT FROM pg_depend AS d
                           WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') AS reads_as_caller,
       (SELECT r FROM unnest(%(predefined)s::text[]) WITH ORDINALITY AS q (r, place)
        WHERE has_function_privilege(r, p.oid, 'EXECUTE') ORDER BY place LIMIT 1) AS predefined
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.oid = ANY (%(functions)s) OR p.oid IN (SELECT oprcode FROM pg_operator WHERE oid = ANY (%(operators)s));

-- schemas: of types, by their oids
SELECT DISTINCT n.nspname
FROM pg_type AS t
JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.oid = ANY (%s);

-- sequences: all of this database, but those of extensions
SELECT n.nspname AS schema, c.relname AS name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'S'
ORDER BY schema, name;
