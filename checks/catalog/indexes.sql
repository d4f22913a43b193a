-- declared: every index, and whether queries may use it
SELECT n.nspname AS schema, t.relname AS parent, c.relname AS name, i.indisvalid AND i.indisready AS valid
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace;

-- invalid: indexes that no query uses, but for those of tables where one is being built now
SELECT n.nspname AS schema, t.relname AS parent, c.relname AS name, i.indisunique AS is_unique
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT (i.indisvalid AND i.indisready)
  AND NOT EXISTS (
      SELECT FROM pg_stat_progress_create_index AS p
      -- Whoever may not see what is being built sees that something is.
      WHERE p.relid = i.indrelid OR (p.relid IS NULL AND p.datname = current_database())
  )
ORDER BY schema, parent, name;

-- duplicates: indexes beside another one of the same columns, order, operators, expressions and condition
SELECT n.nspname AS schema, t.relname AS parent, c.relname AS name, k.relname AS kept, c.relpages AS pages
FROM (
    SELECT i.*,
           first_value(i.indexrelid) OVER same AS kept,
           first_value(i.indisunique) OVER same AS kept_is_unique,
           first_value(i.indimmediate) OVER same AS kept_is_immediate,
           first_value(i.indnullsnotdistinct) OVER same AS kept_has_one_null
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
    WHERE i.indisvalid AND i.indrelid >= 16384 AND c.relnamespace <> 'pg_toast'::regnamespace
    WINDOW same AS (
        PARTITION BY i.indrelid, c.relam, i.indnkeyatts, i.indkey::text, i.indclass::text, i.indcollation::text,
                     i.indoption::text, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
        ORDER BY i.indisprimary DESC, k.oid IS NULL, i.indisreplident DESC, i.indisunique DESC, i.indexrelid
    )
) AS i
JOIN pg_class AS c ON c.oid = i.indexrelid AND NOT c.relispartition
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_class AS k ON k.oid = i.kept
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE i.indexrelid <> i.kept
  AND (NOT i.indisunique
       OR (i.kept_is_unique AND i.kept_is_immediate = i.indimmediate AND i.kept_has_one_null = i.indnullsnotdistinct))
ORDER BY schema, parent, name;

-- tables: how the largest tables are read; sizes are what vacuum last counted, which takes no lock
SELECT n.nspname AS schema,
       c.relname AS name,
       c.relpages::bigint * current_setting('block_size')::integer AS bytes,
       pg_stat_get_numscans(c.oid) AS sequential,
       (SELECT coalesce(sum(pg_stat_get_numscans(i.indexrelid)), 0)::bigint
        FROM pg_index AS i WHERE i.indrelid = c.oid) AS by_index,
       pg_stat_get_tuples_returned(c.oid) AS rows_read
FROM (SELECT * FROM pg_class WHERE relkind IN ('r', 'm') ORDER BY relpages DESC LIMIT 200) AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY bytes DESC, schema, name;

-- unused: when the largest indexes were last used that uphold no rule; before 16 only whether they ever were
SELECT n.nspname AS schema,
       s.relname AS parent,
       c.relname AS name,
       c.relpages::bigint * current_setting('block_size')::integer AS bytes,
       s.idx_scan AS scans,
       extract(epoch FROM clock_timestamp() - (to_jsonb(s) ->> 'last_idx_scan')::timestamptz)::float8 AS unused_for
FROM (
    SELECT c.*
    FROM pg_class AS c
    JOIN pg_index AS i ON i.indexrelid = c.oid
    WHERE c.relkind = 'i' AND NOT c.relispartition
      AND i.indisvalid AND NOT i.indisunique AND NOT i.indisexclusion AND NOT i.indisreplident
    ORDER BY c.relpages DESC
    LIMIT 200
) AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_stat_user_indexes AS s ON s.indexrelid = c.oid
ORDER BY bytes DESC, schema, name;

-- statistics: for how long they have been counted; a crash discards them all, and the archiver's tell when
SELECT extract(epoch FROM clock_timestamp() - greatest(d.stats_reset, a.stats_reset))::float8 AS age
FROM pg_stat_database AS d, pg_stat_archiver AS a
WHERE d.datname = current_database();
