-- schemas: `own` is false for those that every database has, and those that extensions brought
SELECT '' AS schema, n.nspname AS name,
       n.nspname !~ '^(public|information_schema|pg_.*)$' AND e.objid IS NULL AS own
FROM pg_namespace AS n
LEFT JOIN pg_depend AS e ON e.classid = 'pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e';

-- tables: tables, partitioned and foreign ones too; `own` is false for partitions and what extensions brought
SELECT n.nspname AS schema, c.relname AS name, NOT c.relispartition AND e.objid IS NULL AS own
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_depend AS e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE c.relkind IN ('r', 'p', 'f');

-- views: views and materialised views
SELECT n.nspname AS schema, c.relname AS name, e.objid IS NULL AS own
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_depend AS e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE c.relkind IN ('v', 'm');

-- columns: of tables and views, with their types as the server spells them
SELECT n.nspname AS schema, c.relname AS parent, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm');

-- indexes: `own` is false for those that carry a primary key or another constraint, and those of partitions
SELECT n.nspname AS schema, t.relname AS parent, c.relname AS name, i.indisvalid AND i.indisready AS valid,
       k.oid IS NULL AND NOT c.relispartition AS own
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint AS k ON k.conindid = c.oid AND k.contype IN ('p', 'u', 'x');

-- constraints: `own` is false for NOT NULL, which PostgreSQL 18 names too, and for constraint triggers
SELECT n.nspname AS schema, c.relname AS parent, k.conname AS name, k.contype NOT IN ('n', 't') AS own
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace;

-- extensions: those installed in this database; `own` is false for the one every database has
SELECT '' AS schema, extname AS name, extname <> 'plpgsql' AS own
FROM pg_extension;
