-- database: the file's pages times their size
SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size();

-- tables: names only, since SQLite keeps no size of a table
SELECT 'public' AS "schema", name, NULL AS bytes
FROM sqlite_master
WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
ORDER BY name;
