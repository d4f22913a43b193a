-- server: who asks, and how the server keeps new passwords
SELECT current_user AS login, current_setting('server_version_num')::integer / 10000 AS major,
       current_setting('password_encryption') AS encryption;

-- roles: every role with its attributes
SELECT rolname AS name, rolsuper AS superuser, rolcreaterole AS createrole, rolcreatedb AS createdb,
       rolinherit AS inherit, rolcanlogin AS login, rolreplication AS replication, rolbypassrls AS bypassrls
FROM pg_roles
ORDER BY name;

-- memberships: whether a member can become the other role by SET ROLE; before 16 every member can
SELECT m.rolname AS member, g.rolname AS role,
       bool_or(coalesce((to_jsonb(a) ->> 'set_option')::boolean, true)) AS settable
FROM pg_auth_members AS a
JOIN pg_roles AS m ON m.oid = a.member
JOIN pg_roles AS g ON g.oid = a.roleid
GROUP BY m.rolname, g.rolname
ORDER BY m.rolname, g.rolname;

-- table: what GRANT calls a table: views, partitioned and foreign tables too
SELECT c.oid AS object, n.oid AS namespace, n.nspname AS schema, c.relname AS name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm');

-- column: columns of those
SELECT c.oid AS object, n.oid AS namespace, n.nspname AS schema, c.relname AS parent, a.attname AS name,
       a.attnum AS number
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm');

-- sequence: sequences
SELECT c.oid AS object, n.oid AS namespace, n.nspname AS schema, c.relname AS name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'S';

-- function: functions and procedures, with the types of their arguments
SELECT p.oid AS object, n.oid AS namespace, n.nspname AS schema, p.proname AS name,
       oidvectortypes(p.proargtypes) AS arguments
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace;

-- type: types and domains
SELECT t.oid AS object, n.oid AS namespace, n.nspname AS schema, t.typname AS name
FROM pg_type AS t
JOIN pg_namespace AS n ON n.oid = t.typnamespace;

-- schema: schemas
SELECT oid AS object, '' AS schema, nspname AS name
FROM pg_namespace;

-- database: databases; the one with an empty name is this one
SELECT oid AS object, '' AS schema, datname AS name
FROM pg_database
UNION ALL
SELECT oid, '', ''
FROM pg_database
WHERE datname = current_database();

-- language: procedural languages
SELECT oid AS object, '' AS schema, lanname AS name
FROM pg_language;

-- tablespace: tablespaces
SELECT oid AS object, '' AS schema, spcname AS name
FROM pg_tablespace;

-- foreign_data_wrapper: foreign-data wrappers
SELECT oid AS object, '' AS schema, fdwname AS name
FROM pg_foreign_data_wrapper;

-- foreign_server: foreign servers
SELECT oid AS object, '' AS schema, srvname AS name
FROM pg_foreign_server;

-- parameter: settings
SELECT name AS object, '' AS schema, lower(name) AS name
FROM pg_settings;
