"""Functions that do more than read, which a read-only transaction lets anybody with the right call all the same.

A page is text that people copy into, and the words for ending a session stand in every runbook. So a check that calls
one of these is refused before a server is touched. It is a list of names: a function of somebody's own that calls one
of them is not seen, and against that only the role helps (`invoke grants`).
https://www.postgresql.org/docs/current/functions-admin.html
"""

from __future__ import annotations

import re

_NAMES = (
    r"pg_(terminate|cancel)_backend",
    r"pg_(reload_conf|rotate_logfile\w*|promote|log_backend_memory_contexts|log_standby_snapshot)",
    r"pg_(switch_wal|create_restore_point|backup_start|backup_stop|start_backup|stop_backup)",
    r"pg_wal_replay_(pause|resume)",
    r"pg_(create|drop|copy)_\w*replication_slot",
    r"pg_(replication_slot_advance|sync_replication_slots|logical_emit_message|replication_origin_\w+)",
    r"pg_logical_slot_get_\w*changes",
    r"pg_stat_\w*reset\w*",
    r"pg_stat_force_next_flush",
    r"pg_(notify|export_snapshot|import_system_collations|extension_config_dump|prewarm|autoprewarm_\w+)",
    r"pg_(try_)?advisory_\w+",
    r"pg_(read|read_binary|stat)_file",
    r"pg_ls_dir",
    r"pg_file_\w+",
    r"pg_(restore|clear)_\w+_stats",
    r"binary_upgrade_\w+",
    r"(brin_(summarize|desummarize)_\w+|gin_clean_pending_list)",
    r"(set_config|setval|nextval)",
    r"lo_\w+|lowrite",
    r"dblink\w*",
    r"(query|table|cursor|schema|database)_to_xml\w*",  # these run the SQL they are given as text
)
_CALL = re.compile(rf"(?<![\w$])\"?({'|'.join(_NAMES)})\"?\s*\(", re.IGNORECASE)
_NOT_CODE = re.compile(
    r"""--[^\n]*|/\*.*?\*/|\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'""",
    re.DOTALL,
)


# For this transaction, which is the query's own, it changes how names are spelt and nothing else.
_HARMLESS = re.compile(r"set_config\('search_path', '[^']*', true\)")


def side_effect(sql: str) -> str:
    """The first function `sql` calls that does more than read, or nothing. Comments and literals do not count."""
    call = _CALL.search(_NOT_CODE.sub(" ", _HARMLESS.sub(" ", sql)))
    return call[1].lower() if call else ""
