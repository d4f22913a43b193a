-- alembic: the revisions the database stands at; nothing that was applied follows them
SELECT version_num FROM alembic_version ORDER BY version_num;

-- prisma: every attempt to apply a migration, the oldest first
SELECT migration_name, checksum, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back
FROM _prisma_migrations
ORDER BY started_at, migration_name;

-- sql: what was applied, with whatever else the table keeps
SELECT * FROM schema_migrations;

-- elsewhere: tables of this database in which a migration tool keeps its rows, whatever their schema, and what
-- this role may do with them
SELECT n.nspname AS schema, c.relname AS name,
       has_schema_privilege(n.oid, 'USAGE') AS usable, has_table_privilege(c.oid, 'SELECT') AS readable,
       current_user AS role, current_setting('search_path') AS search_path
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND c.relname IN ('alembic_version', '_prisma_migrations', 'schema_migrations', 'flyway_schema_history',
                    'django_migrations', 'goose_db_version', 'databasechangelog', 'knex_migrations')
ORDER BY n.nspname, c.relname;
