-- server: what this server is, and how far it has come; those after `synchronous` are of a standby only
SELECT pg_is_in_recovery() AS standby,
       current_setting('synchronous_standby_names') AS synchronous,
       CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS paused,
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()::text END AS received,
       CASE WHEN pg_is_in_recovery()
            THEN pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::bigint END AS bytes,
       CASE WHEN pg_is_in_recovery()
            THEN extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 END AS seconds,
       (SELECT count(*) FROM pg_stat_wal_receiver) AS receivers,
       (SELECT status FROM pg_stat_wal_receiver) AS receiver;

-- receivers: who receives WAL from here, as this server knows it; `state` is NULL for a role that may not see it
SELECT coalesce(r.application_name, '') || ', process ' || r.pid AS name, r.state, r.sync_state AS sync,
       EXISTS (SELECT FROM pg_replication_slots AS s WHERE s.active_pid = r.pid AND s.slot_type = 'logical') AS logical,
       pg_wal_lsn_diff(w.lsn, r.replay_lsn)::bigint AS bytes,
       extract(epoch FROM r.replay_lag)::float8 AS seconds
FROM pg_stat_replication AS r
CROSS JOIN (
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn
) AS w
WHERE r.state IS DISTINCT FROM 'backup'
ORDER BY name;

-- slots: what each slot keeps; a column this major lacks is NULL (invalidation_reason, inactive_since and synced: 17)
SELECT slot_name AS name, slot_type AS type, active, wal_status AS wal,
       to_jsonb(s) ->> 'invalidation_reason' AS reason,
       extract(epoch FROM now() - (to_jsonb(s) ->> 'inactive_since')::timestamptz)::float8 AS inactive,
       coalesce((to_jsonb(s) ->> 'synced')::boolean, false) AS synced,
       pg_wal_lsn_diff(w.lsn, restart_lsn)::bigint AS bytes,
       greatest(age(xmin), age(catalog_xmin)) AS age
FROM pg_replication_slots AS s
CROSS JOIN (
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn
) AS w
WHERE NOT temporary
ORDER BY name;
