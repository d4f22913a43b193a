-- about: the server and the database themselves
SELECT split_part(current_setting('server_version'), ' ', 1) AS server,
       current_setting('server_version_num')::int / 10000 AS major,
       pg_encoding_to_char(d.encoding) AS encoding,
       concat_ws(' ', d.datcollate, nullif(d.datctype, d.datcollate),
                 CASE to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END,
                 coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')) AS collation,
       pg_database_size(d.oid) AS bytes,
       pg_has_role('pg_read_all_settings', 'USAGE') AS sees_settings,
       (SELECT count(*) FROM pg_largeobject_metadata) AS large_objects
FROM pg_database AS d
WHERE d.datname = current_database();

-- stored: tables that hold rows themselves: partitions and heirs each, not those they belong to
SELECT format('%I.%I', n.nspname, c.relname) AS name,
       coalesce(pg_relation_size(c.oid), 0) AS bytes,
       coalesce(array_agg(format('%I', a.attname)) FILTER (WHERE a.attname IS NOT NULL), '{}') AS names,
       coalesce(array_agg(CASE WHEN t.typnamespace <> 'pg_catalog'::regnamespace OR t.typtype <> 'b' THEN ''
                               WHEN t.typname = 'bpchar' AND a.atttypmod > 0 THEN 'character' ELSE t.typname END)
                FILTER (WHERE a.attname IS NOT NULL), '{}')::text[] AS types
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_type AS t ON t.oid = a.atttypid
WHERE c.relkind = 'r'
  AND c.relpersistence <> 't'
  AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
GROUP BY n.nspname, c.relname, c.oid
ORDER BY n.nspname, c.relname;

-- sequences: what each feeds, and how it counts
SELECT format('%I.%I', n.nspname, c.relname) AS name, s.seqincrement AS step, s.seqstart AS start,
       (SELECT format('%I.%I.%I', m.nspname, t.relname, a.attname)
        FROM pg_depend AS d
        JOIN pg_class AS t ON t.oid = d.refobjid
        JOIN pg_namespace AS m ON m.oid = t.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
          AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        LIMIT 1) AS owner
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^(pg_|information_schema$)'
  AND c.relpersistence <> 't'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY n.nspname, c.relname;

-- grants: who owns what and who may do what with it; an access list that was never changed is told as what it stands for
SELECT o.kind || ' ' || o.name AS name, o.owner,
       -- Without the grantor; and without MAINTAIN, which came with PostgreSQL 17 and is part of ALL there.
       ARRAY(SELECT regexp_replace(regexp_replace(i.item::text, '/[^/]*$', ''), '=([^=]*)m\*?([^=]*)$', '=\1\2')
             FROM unnest(o.acl) AS i(item) ORDER BY i.item::text COLLATE "C")::text[] AS acl
FROM (
    SELECT 'schema' AS kind, format('%I', n.nspname) AS name, pg_get_userbyid(n.nspowner) AS owner,
           coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl, 'pg_namespace'::regclass AS class, n.oid
    FROM pg_namespace AS n
    WHERE n.nspname !~ '^(pg_|information_schema$)'
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END,
           format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner),
           coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)), 'pg_class'::regclass, c.oid
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't'
      AND n.nspname !~ '^(pg_|information_schema$)'
    UNION ALL
    SELECT 'column', format('%I.%I.%I', n.nspname, c.relname, a.attname), pg_get_userbyid(c.relowner), a.attacl, 'pg_class'::regclass, c.oid
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
      AND n.nspname !~ '^(pg_|information_schema$)'
    UNION ALL
    SELECT 'function', format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), pg_get_userbyid(p.proowner),
           coalesce(p.proacl, acldefault('f', p.proowner)), 'pg_proc'::regclass, p.oid
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^(pg_|information_schema$)'
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
    UNION ALL
    SELECT 'type', format('%I.%I', n.nspname, t.typname), pg_get_userbyid(t.typowner),
           coalesce(t.typacl, acldefault('T', t.typowner)), 'pg_type'::regclass, t.oid
    FROM pg_type AS t
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    LEFT JOIN pg_class AS c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND n.nspname !~ '^(pg_|information_schema$)'
    UNION ALL
    SELECT 'default privileges', format('of %s on %s in %s', pg_get_userbyid(d.defaclrole), d.defaclobjtype, coalesce(n.nspname, 'every schema')),
           pg_get_userbyid(d.defaclrole), d.defaclacl, 'pg_default_acl'::regclass, d.oid
    FROM pg_default_acl AS d
    LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
) AS o
WHERE NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e');

-- policies: the roles each policy is for
SELECT format('policy %I.%I.%I', n.nspname, c.relname, p.polname) AS name,
       ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END FROM unnest(p.polroles) AS r ORDER BY 1)::text[] AS roles
FROM pg_policy AS p
JOIN pg_class AS c ON c.oid = p.polrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace;

-- settings: those that a restored database behaves differently without, as a new session has them
SELECT name, reset_val AS value
FROM pg_settings
WHERE name IN ('TimeZone', 'DateStyle', 'IntervalStyle', 'search_path', 'default_text_search_config', 'standard_conforming_strings',
               'default_transaction_isolation', 'default_tablespace', 'data_checksums', 'block_size', 'wal_level', 'archive_mode',
               'server_encoding', 'lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time', 'row_security', 'transform_null_equals',
               'array_nulls', 'extra_float_digits', 'bytea_output', 'xmloption', 'max_connections', 'max_locks_per_transaction');

-- preload: libraries that every session of the server has
SELECT current_setting('shared_preload_libraries') AS libraries
WHERE pg_has_role('pg_read_all_settings', 'USAGE');

-- collations: those that columns and indexes sort by, with the version of the library that sorts
SELECT format('%I.%I', n.nspname, l.collname) AS name,
       concat_ws(' ', CASE l.collprovider WHEN 'i' THEN 'icu' WHEN 'c' THEN 'libc' WHEN 'b' THEN 'builtin' ELSE 'default' END,
                 coalesce(l.collversion, pg_collation_actual_version(l.oid))) AS version
FROM pg_collation AS l
JOIN pg_namespace AS n ON n.oid = l.collnamespace
WHERE l.oid IN (SELECT a.attcollation
                FROM pg_attribute AS a
                JOIN pg_class AS c ON c.oid = a.attrelid
                JOIN pg_namespace AS m ON m.oid = c.relnamespace
                WHERE a.attcollation <> 0 AND a.attnum > 0 AND c.relkind IN ('r', 'p', 'm', 'i')
                  AND m.nspname !~ '^(pg_|information_schema$)')
  AND l.collname <> 'default';

-- tablespaces: how many tables and indexes lie in others than the database's own
SELECT t.spcname AS name, count(*)::text || ' tables and indexes' AS holds
FROM pg_class AS c
JOIN pg_tablespace AS t ON t.oid = c.reltablespace
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^(pg_|information_schema$)'
GROUP BY t.spcname;

-- large_objects: how many there are, and their digest, a megabyte at a time
WITH RECURSIVE chunk AS (
    SELECT m.oid, 0::bigint AS position, lo_get(m.oid, 0, 1048576) AS bytes
    FROM pg_largeobject_metadata AS m
    UNION ALL
    SELECT c.oid, c.position + 1, lo_get(c.oid, (c.position + 1) * 1048576, 1048576)
    FROM chunk AS c
    WHERE length(c.bytes) = 1048576
)
SELECT 0 AS position, count(*) FILTER (WHERE position = 0) AS rows,
       coalesce(sum(hashint4extended(0, hash_record_extended(ROW(oid, int8send(position), bytes), 0))), 0)::text AS total
FROM chunk;
