-- server: which server it is, and the settings that decide on plans
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::int / 10000 AS major,
       (SELECT json_object_agg(name, setting || coalesce(' ' || unit, ''))
          FROM pg_catalog.pg_settings
         WHERE name IN ('shared_buffers', 'work_mem', 'effective_cache_size', 'random_page_cost', 'seq_page_cost',
                        'max_parallel_workers_per_gather', 'jit', 'default_statistics_target')
            OR (name LIKE 'enable\_%' AND setting <> boot_val)) AS settings;

-- sizes: the bytes of every table
SELECT relname::text AS name, sum(pg_catalog.pg_relation_size(oid))::bigint AS bytes
  FROM pg_catalog.pg_class
 WHERE relkind IN ('r', 'm')
 GROUP BY relname;
