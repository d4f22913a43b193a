-- schema: of the database's own, not of the system or an extension; `parent` is what it goes missing with
SELECT '' AS parent, n.nspname AS name, 'schema' AS definition
FROM pg_namespace AS n
WHERE n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e');

-- table: what kind it is, how it is partitioned, and whether rows are secured
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT n.nspname AS parent, format('%I.%I', n.nspname, c.relname) AS name,
       concat_ws(', ',
           CASE c.relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(c.oid) WHEN 'f' THEN 'foreign table' ELSE 'table' END,
           CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
           CASE WHEN c.relispartition THEN 'partition ' || pg_get_expr(c.relpartbound, c.oid) END,
           CASE WHEN c.relrowsecurity THEN 'row security' || CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END END,
           'with ' || array_to_string(c.reloptions, ' ')) AS definition
FROM settled
CROSS JOIN pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f')
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- view: by a hash of its definition
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT n.nspname AS parent, format('%I.%I', n.nspname, c.relname) AS name,
       concat_ws(', ',
           CASE c.relkind WHEN 'm' THEN 'materialized' END,
           'definition ' || left(md5(pg_get_viewdef(c.oid)), 12),
           'with ' || array_to_string(c.reloptions, ' ')) AS definition
FROM settled
CROSS JOIN pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm')
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- column: of tables and views, but not of partitions, which have those of their parent
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I.%I', n.nspname, c.relname, a.attname) AS name,
       concat_ws(', ',
           format_type(a.atttypid, a.atttypmod),
           CASE WHEN a.attnotnull THEN 'not null' END,
           CASE a.attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity' END,
           CASE WHEN a.attgenerated = '' THEN 'default ' ELSE 'generated ' END || pg_get_expr(d.adbin, d.adrelid),
           CASE WHEN a.attcollation <> t.typcollation THEN 'collate ' || l.collname END) AS definition
FROM settled
CROSS JOIN pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND NOT c.relispartition
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- index: by its definition; those of constraints too, since how they are built may differ
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I', n.nspname, x.relname) AS name,
       concat_ws(', ', pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN 'invalid' END) AS definition
FROM settled
CROSS JOIN pg_index AS i
JOIN pg_class AS x ON x.oid = i.indexrelid
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT c.relispartition
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- constraint: by its definition; NOT NULL, which PostgreSQL 18 lists too, is told with the column
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I.%I', n.nspname, c.relname, k.conname) AS name,
       pg_get_constraintdef(k.oid) AS definition
FROM settled
CROSS JOIN pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x')
  AND NOT c.relispartition
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- trigger: by its definition
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I.%I', n.nspname, c.relname, g.tgname) AS name,
       concat_ws(', ', pg_get_triggerdef(g.oid), CASE WHEN g.tgenabled = 'D' THEN 'disabled' END) AS definition
FROM settled
CROSS JOIN pg_trigger AS g
JOIN pg_class AS c ON c.oid = g.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT g.tgisinternal
  AND NOT c.relispartition
  AND n.nspname !~ '^(pg_|information_schema$)';

-- policy: whom it is for, and a hash of its conditions
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I.%I', n.nspname, c.relname, p.polname) AS name,
       concat_ws(', ',
           CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END,
           CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
           'conditions ' || left(md5(concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), '/', pg_get_expr(p.polwithcheck, p.polrelid))), 12)
       ) AS definition
FROM settled
CROSS JOIN pg_policy AS p
JOIN pg_class AS c ON c.oid = p.polrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace;

-- function: by a hash of its definition
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT n.nspname AS parent,
       format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name,
       CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE 'definition ' || left(md5(pg_get_functiondef(p.oid)), 12) END AS definition
FROM settled
CROSS JOIN pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype IN ('e', 'i'));

-- type: enums with their labels in order, domains with what they stand for, composite and range types by name
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT n.nspname AS parent, format('%I.%I', n.nspname, t.typname) AS name,
       CASE t.typtype
           WHEN 'e' THEN 'enum ' || (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                                     FROM pg_enum AS e WHERE e.enumtypid = t.oid)
           WHEN 'd' THEN concat_ws(', ', 'domain over ' || format_type(t.typbasetype, t.typtypmod),
                                   CASE WHEN t.typnotnull THEN 'not null' END,
                                   (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname)
                                    FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype = 'c'))
           WHEN 'r' THEN 'range'
           ELSE 'composite ' || (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
                                 FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
       END AS definition
FROM settled
CROSS JOIN pg_type AS t
JOIN pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_class AS c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e');

-- sequence: what it counts with; how far it has come is data
SELECT n.nspname AS parent, format('%I.%I', n.nspname, c.relname) AS name,
       concat_ws(', ', format_type(s.seqtypid, NULL), 'by ' || s.seqincrement,
                 'from ' || s.seqmin || ' to ' || s.seqmax, CASE WHEN s.seqcycle THEN 'cycles' END) AS definition
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- extension: with its version
SELECT '' AS parent, extname AS name, extversion AS definition
FROM pg_extension;

-- setting: what a new session of this role starts with
SELECT name, reset_val AS reset, unit, vartype, context
FROM pg_settings;

-- role: with its attributes; the server's own are in every server
SELECT '' AS parent, rolname AS name,
       concat_ws(', ',
           CASE WHEN rolcanlogin THEN 'login' ELSE 'no login' END,
           CASE WHEN rolsuper THEN 'superuser' END,
           CASE WHEN rolcreatedb THEN 'createdb' END,
           CASE WHEN rolcreaterole THEN 'createrole' END,
           CASE WHEN rolreplication THEN 'replication' END,
           CASE WHEN rolbypassrls THEN 'bypassrls' END,
           CASE WHEN NOT rolinherit THEN 'noinherit' END,
           CASE WHEN rolconnlimit >= 0 THEN 'connection limit ' || rolconnlimit END,
           CASE WHEN rolvaliduntil < now() THEN 'password expired' END) AS definition
FROM pg_roles
WHERE rolname !~ '^pg_';

-- membership: who is in which role
SELECT m.rolname AS parent, format('%s in %s', m.rolname, r.rolname) AS name,
       CASE WHEN bool_or(a.admin_option) THEN 'with admin option' ELSE 'member' END AS definition
FROM pg_auth_members AS a
JOIN pg_roles AS m ON m.oid = a.member
JOIN pg_roles AS r ON r.oid = a.roleid
WHERE m.rolname !~ '^pg_'
GROUP BY m.rolname, r.rolname;

-- hidden: whether this role may not see every setting
SELECT NOT pg_has_role('pg_read_all_settings', 'USAGE') AS hidden;
