-- schemas: a file has one, which stands for PostgreSQL's public
SELECT '' AS "schema", 'public' AS name, 0 AS own;

-- tables: without SQLite's own
SELECT 'public' AS "schema", name, 1 AS own
FROM sqlite_master
WHERE type = 'table' AND name NOT GLOB 'sqlite_*';

-- views: every view
SELECT 'public' AS "schema", name, 1 AS own
FROM sqlite_master
WHERE type = 'view';

-- columns: of tables and views, with their types as declared
SELECT 'public' AS "schema", m.name AS parent, c.name AS name, c.type AS type
FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS c
WHERE m.type IN ('table', 'view') AND c.hidden <> 1;

-- indexes: `own` is false for those that carry a primary key or a unique constraint
SELECT 'public' AS "schema", tbl_name AS parent, name, 1 AS valid, sql IS NOT NULL AS own
FROM sqlite_master
WHERE type = 'index';

-- constraints: the text of each table, in which its constraints are named
SELECT 'public' AS "schema", name AS parent, sql AS name, 1 AS own
FROM sqlite_master
WHERE type = 'table';

-- extensions: SQLite's cannot be listed
SELECT '' AS "schema", '' AS name, 0 AS own WHERE false;
