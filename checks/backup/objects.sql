-- schema: of the database's own, not of the system or an extension; `parent` is what it goes missing with
SELECT '' AS parent, n.nspname AS name, 'schema' AS definition
FROM pg_namespace AS n
WHERE n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e');

-- table: what kind it is, how it is partitioned, what it inherits from, and whether rows are secured
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT n.nspname AS parent, format('%I.%I', n.nspname, c.relname) AS name,
       concat_ws(', ',
           CASE c.relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(c.oid) WHEN 'f' THEN 'foreign table' ELSE 'table' END,
           CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
           CASE WHEN c.relispartition THEN 'partition ' || pg_get_expr(c.relpartbound, c.oid) END,
           (SELECT 'inherits ' || string_agg(h.inhparent::regclass::text, ' ' ORDER BY h.inhseqno)
            FROM pg_inherits AS h WHERE h.inhrelid = c.oid),
           CASE WHEN c.relrowsecurity THEN 'row security' || CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END END,
           CASE c.relreplident WHEN 'f' THEN 'replica identity full' WHEN 'n' THEN 'replica identity nothing' END,
           'with ' || array_to_string(c.reloptions, ' ')) AS definition
FROM settled
CROSS JOIN pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f')
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- view: its query is written by the server, and so differs in form from major to major
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT n.nspname AS parent, format('%I.%I', n.nspname, c.relname) AS name,
       concat_ws(', ',
           CASE c.relkind WHEN 'm' THEN 'materialized' ELSE 'view' END,
           CASE WHEN NOT c.relispopulated THEN 'not populated' END,
           'with ' || array_to_string(c.reloptions, ' ')) AS definition,
       pg_get_viewdef(c.oid) AS written
FROM settled
CROSS JOIN pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm')
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- column: of tables and views; those of partitions are told apart
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I.%I', n.nspname, c.relname, a.attname) AS name,
       concat_ws(', ',
           format_type(a.atttypid, a.atttypmod),
           CASE WHEN a.attnotnull THEN 'not null' END,
           CASE a.attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity' END,
           CASE WHEN a.attcollation <> t.typcollation THEN 'collate ' || l.collname END) AS definition,
       CASE a.attgenerated WHEN '' THEN 'default ' WHEN 'v' THEN 'generated virtually ' ELSE 'generated ' END
           || pg_get_expr(d.adbin, d.adrelid) AS shown,
       c.relispartition AS of_partition
FROM settled
CROSS JOIN pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- index: by its definition; those of constraints too, since how they are built may differ
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I', n.nspname, x.relname) AS name,
       CASE WHEN NOT i.indisvalid THEN 'invalid' END AS definition,
       pg_get_indexdef(i.indexrelid) AS shown,
       c.relispartition AS of_partition,
       NOT i.indisvalid AND x.relkind = 'i' AS unready
FROM settled
CROSS JOIN pg_index AS i
JOIN pg_class AS x ON x.oid = i.indexrelid
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- constraint: by its definition; NOT NULL, which PostgreSQL 18 lists too, is told with the column, and what a foreign
-- key adds for each partition, under a name of the server's choice, with the key
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I.%I', n.nspname, c.relname, k.conname) AS name,
       pg_get_constraintdef(k.oid) AS shown,
       c.relispartition AS of_partition,
       NOT k.convalidated AS unready
FROM settled
CROSS JOIN pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x')
  AND NOT (k.contype = 'f' AND k.conparentid <> 0)
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- trigger: by its definition
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I.%I', n.nspname, c.relname, g.tgname) AS name,
       CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always' WHEN 'R' THEN 'on replicas' END AS definition,
       pg_get_triggerdef(g.oid) AS shown,
       c.relispartition AS of_partition
FROM settled
CROSS JOIN pg_trigger AS g
JOIN pg_class AS c ON c.oid = g.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT g.tgisinternal
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- policy: what it is for, and its conditions
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I.%I', n.nspname, c.relname, p.polname) AS name,
       concat_ws(', ',
           CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END,
           CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END) AS definition,
       concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), '/', pg_get_expr(p.polwithcheck, p.polrelid)) AS written
FROM settled
CROSS JOIN pg_policy AS p
JOIN pg_class AS c ON c.oid = p.polrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- function: its body as somebody wrote it, and the rest as the server writes it
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT n.nspname AS parent,
       format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name,
       CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' WHEN 'w' THEN 'window function' ELSE 'function' END AS definition,
       CASE WHEN p.prokind <> 'a' THEN replace(pg_get_functiondef(p.oid), p.prosrc, '') END AS written,
       CASE WHEN p.prosqlbody IS NULL THEN p.prosrc END AS exact
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
                                   CASE WHEN t.typnotnull THEN 'not null' END)
           WHEN 'r' THEN 'range of ' || (SELECT format_type(r.rngsubtype, NULL) FROM pg_range AS r WHERE r.rngtypid = t.oid)
           ELSE 'composite ' || coalesce((SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
                                 FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '()')
       END AS definition,
       concat_ws(' ', 'default ' || t.typdefault,
                 (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname COLLATE "C")
                  FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype = 'c')) AS shown
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

-- rule: of a table; a view is one too, and told as a view
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I.%I', n.nspname, c.relname, r.rulename) AS name,
       'rule' AS definition, pg_get_ruledef(r.oid) AS written
FROM settled
CROSS JOIN pg_rewrite AS r
JOIN pg_class AS c ON c.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN'
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');

-- statistics: by their definition
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT format('%I.%I', n.nspname, c.relname) AS parent, format('%I.%I', m.nspname, s.stxname) AS name,
       '' AS definition, pg_get_statisticsobjdef(s.oid) AS shown
FROM settled
CROSS JOIN pg_statistic_ext AS s
JOIN pg_namespace AS m ON m.oid = s.stxnamespace
JOIN pg_class AS c ON c.oid = s.stxrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace;

-- publication: what it publishes; the subscribers are elsewhere
SELECT '' AS parent, p.pubname AS name,
       concat_ws(', ', CASE WHEN p.puballtables THEN 'all tables' END, CASE WHEN p.pubinsert THEN 'insert' END,
                 CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,
                 CASE WHEN p.pubtruncate THEN 'truncate' END,
                 (SELECT string_agg(format('%I.%I', n.nspname, c.relname), ' ' ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C")
                  FROM pg_publication_rel AS r
                  JOIN pg_class AS c ON c.oid = r.prrelid
                  JOIN pg_namespace AS n ON n.oid = c.relnamespace
                  WHERE r.prpubid = p.oid)) AS definition
FROM pg_publication AS p;

-- event_trigger: when it fires and what it calls
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT '' AS parent, t.evtname AS name,
       concat_ws(', ', t.evtevent, array_to_string(t.evttags, ' '), t.evtfoid::regproc::text,
                 CASE t.evtenabled WHEN 'D' THEN 'disabled' END) AS definition
FROM settled
CROSS JOIN pg_event_trigger AS t
WHERE NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e');

-- other: what is rarer, by name: casts, collations, operators, text search, languages, foreign servers
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path),
own AS (
    SELECT 'pg_cast'::regclass AS class, oid FROM pg_cast
    UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation
    UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion
    UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
    UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
    UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
    UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
)
SELECT '' AS parent, i.type || ' ' || i.identity AS name, i.type AS definition
FROM settled
CROSS JOIN own AS o
CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) AS i
WHERE o.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e');

-- comment: by a hash; those of extensions come with them
WITH settled AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS search_path)
SELECT '' AS parent, i.type || ' ' || i.identity AS name, '' AS definition, d.description AS exact
FROM settled
CROSS JOIN pg_description AS d
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i
WHERE d.objoid >= 16384
  AND d.classoid <> 'pg_extension'::regclass
  AND i.identity IS NOT NULL
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e');

-- extension: with its version
SELECT '' AS parent, extname AS name, extversion AS definition
FROM pg_extension;

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
