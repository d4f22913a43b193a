-- setting: what a new session of this role starts with
SELECT name, reset_val AS reset, unit, vartype, context
FROM pg_settings;

-- hidden: whether this role may not see every setting
SELECT NOT pg_has_role('pg_read_all_settings', 'USAGE') AS hidden;
