"""Settings that differ from host to host, or from session to session, and say nothing of how a server is set up.

Who compares two servers, or looks for what was changed on one, leaves them out.
https://www.postgresql.org/docs/current/runtime-config.html
"""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "where its files lie": (
        "config_file data_directory data_directory_mode external_pid_file hba_file hosts_file ident_file log_directory "
        "log_filename stats_temp_directory unix_socket_directories unix_socket_group krb_server_keyfile ssl_ca_file "
        "ssl_cert_file ssl_crl_dir ssl_crl_file ssl_dh_params_file ssl_key_file"
    ),
    "where it listens, and what it is called": "bonjour_name cluster_name event_source listen_addresses port",
    "whom it follows": "in_hot_standby primary_conninfo primary_slot_name recovery_target_timeline",
    "computed when it starts": (
        "huge_pages_status num_os_semaphores shared_memory_size shared_memory_size_in_huge_pages "
        "commit_timestamp_buffers multixact_member_buffers multixact_offset_buffers notify_buffers "
        "serializable_buffers subtransaction_buffers transaction_buffers max_stack_depth"
    ),
    "its version, which is told by itself": "server_version server_version_num",
    "of the session that asks": (
        "application_name client_encoding session_authorization transaction_deferrable transaction_isolation "
        "transaction_read_only"
    ),
}
OF_THE_HOST = frozenset(name for names in REASONS.values() for name in names.split())
