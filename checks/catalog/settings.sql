-- settings: every setting this role may see; `reset` is what a new session of it starts with
SELECT name, reset_val AS reset, unit, vartype, context, pending_restart
FROM pg_settings
ORDER BY name;
