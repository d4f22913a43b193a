"""Which section each check of the five pages is shown when it does not hold.

Written out, and not computed from the pages, so that a section that comes to stand under the wrong check is noticed by
whoever reads this beside the page: would that section help with that?
"""

from __future__ import annotations

# By system and check: the title of the section, for every code the check may fail with; or each title with its codes,
# without the kind they begin with.
Shown = str | dict[str, str]
NOTHING = ""  # on purpose, for the reason beside it

FIXES: dict[str, dict[str, Shown]] = {
    "relay": {
        "the daily dump has arrived": "The newest dump is old, missing or no dump",
        "a dump was restored this quarter": "The drill failed, or is overdue",
        "the server answers": {
            "A complaint about TLS or a certificate": (
                "certificate_expired certificate_host certificate_unknown tls_failed tls_not_offered tls_required"
            ),
            "Connection refused or authentication failed": (
                "database_missing failed guards_missing in_recovery lost misconfigured not_in_hba not_permitted "
                "password_missing password_rejected refused role_missing shutting_down starting_up too_old"
            ),
            "Slow queries": "slow",
            "The backup in GitHub Actions fails": "host_not_found silent timeout unreachable",
            "Too many connections": "only_reserved_slots pool_exhausted slots_scarce too_many_connections",
        },
        "database size": "The database outgrew its limit",
        "the four tables": '"Relation does not exist"',
        "audited in the last 24 hours": "Nothing was audited for a day",
        "migrations at head": {
            NOTHING: "out_of_sight",  # the finding says where the table lies, and the catalog what to make of it
            '"Relation does not exist"': "behind destroys_data empty_version_table unmanaged",
            "Tables and models disagree": (
                "apply_failed downgrade_failed drift left_behind models_unreadable reapply_failed"
            ),
            "The revision is not one of ours": (
                "broken_files overlapping_rows reviewed_unknown several_heads undeclared unknown_revision unreadable"
            ),
        },
        "the four indexes": "Slow queries",
        "the log is counted by its index": "Slow queries",
        "no slow queries": {
            "Nothing is known of slow queries": "not_installed not_preloaded not_tracked outdated",
            "Slow queries": "slow slow_seldom",
        },
        "connections are left": {
            "A session holds on to a transaction or a lock": "blocked idle_in_transaction long_transaction not_tracked",
            "Too many connections": "exhausted idle nearly_exhausted pool_exhausted",
        },
        "pool": "The pool is empty, or not what it was",
        "pool_budget": "Too many connections",
        "the release is current": "PostgreSQL is behind",
        "Every live token belongs to somebody with a role": "A token of somebody without a role",
        "Every working key belongs to somebody with a role": "A key of somebody without a role",
    },
    "platform-api": {
        "a dump of this week": "No dump, an old one, or a bad one",
        "a dump was restored this quarter": "The drill failed, or is overdue",
        "the server answers": {
            '"Can\'t reach database server"': (
                "failed host_not_found in_recovery lost refused shutting_down silent starting_up timeout too_old "
                "unreachable"
            ),
            '"password authentication failed"': (
                "database_missing guards_missing not_in_hba not_permitted password_missing password_rejected "
                "role_missing"
            ),
            "A complaint about TLS or a certificate": (
                "certificate_expired certificate_host certificate_unknown tls_failed tls_not_offered tls_required"
            ),
            "It is slow": "slow",
            "The URL is not one": "misconfigured",
            "Too many connections": "only_reserved_slots pool_exhausted slots_scarce too_many_connections",
        },
        "ten tables and the view": {
            "Prisma says it is behind, or ahead": (
                "column_missing column_type constraint_missing extension_missing index_invalid index_missing "
                "schema_missing table_missing view_missing"
            ),
            "Prisma wants to drop a table": "unexpected",
        },
        "Everything is in public": "A table outside public",
        "Everything belongs to postgres": "Something belongs to another role",
        "migrations at head": {
            NOTHING: "out_of_sight",  # the finding says where the table lies, and the catalog what to make of it
            "A migration failed, or was edited": (
                "apply_failed broken_files edited failed reviewed_unknown several_heads undeclared unreadable"
            ),
            "Prisma says it is behind, or ahead": "ahead behind empty_version_table missing unmanaged",
            "Prisma wants to drop a table": "destroys_data",
        },
        "sales_report_view answers": NOTHING,  # a count is never negative; that it cannot be asked has a `run.…` code
        "The report shows every entry once": "The report loses an entry, or shows it twice",
        "page sales-report exists": "The sales report's page is gone",
        "sales_report_view is whitelisted": "The view is not served",
        "The whitelist names only views that exist": "The whitelist names a view that is gone",
        "the API is up": "The API does not answer, or not well",
        "the API serves the page sales-report": "The API does not answer, or not well",
        "the API serves sales_report_view": "The API does not answer, or not well",
        "DATABASE_URL is a reference": "A variable is not the reference it should be",
        "no .env hides DATABASE_URL": "A local .env hides the real value",
    },
    "blackroad": {
        "thirty days of backups": "No copy of today is ours",
        "a backup was restored this quarter": "The drill failed, or is overdue",
        "the server answers": {
            "Connection issues": (
                "database_missing failed guards_missing host_not_found in_recovery lost misconfigured not_in_hba "
                "not_permitted password_missing password_rejected refused role_missing shutting_down silent "
                "starting_up timeout too_old unreachable"
            ),
            "Performance issues": "slow",
            "The certificate, or its absence": (
                "certificate_expired certificate_host certificate_unknown tls_failed tls_not_offered tls_required"
            ),
            "The connections are used up": "only_reserved_slots pool_exhausted slots_scarce too_many_connections",
            "The server is of another version": "version",
        },
        "TLS is enforced": "The certificate, or its absence",
        "the six tables": "A table is missing, or migrations are behind",
        "the five settings": "A setting is not what it was",
        "migrations at head": {
            NOTHING: "out_of_sight",  # the finding says where the table lies, and the catalog what to make of it
            "A table is missing, or migrations are behind": "behind destroys_data empty_version_table unmanaged",
            "Code and revisions disagree": (
                "apply_failed broken_files downgrade_failed drift left_behind models_unreadable overlapping_rows "
                "reapply_failed reviewed_unknown several_heads undeclared unknown_revision unreadable"
            ),
        },
        "storage is left": "The disk fills up",
        "the pool is not exhausted": {
            "Sessions wait for a lock": "blocked",
            "The connections are used up": (
                "exhausted idle idle_in_transaction long_transaction nearly_exhausted not_tracked pool_exhausted"
            ),
        },
        "pool": "The pool runs dry, or hands out dead connections",
        "pool_budget": "The connections are used up",
        "the daily queries stay under 1 s": "Performance issues",
        "no query over 1 s": {
            "Nothing is known of slow queries": "not_installed not_preloaded not_tracked outdated",
            "Performance issues": "slow slow_seldom",
        },
        "vacuum keeps up": "Vacuum falls behind",
        "the five indexes": "Performance issues",
        "the release is current": "The release is behind",
        "DATABASE_URL is a reference": "The URL is no reference",
        "Every block carries the hash of the one before it": "The chain is broken",
        "Every wallet belongs to a user": "A wallet is orphaned",
        "Only confirmed transactions stand in a block": "A transaction and its block disagree",
    },
    "gaia": {
        "ten exports, the newest of today": "No backup, an old one, or a bad one",
        "an export was restored this quarter": "The drill failed, or is overdue",
        "the server answers": {
            "Connection refused": (
                "failed host_not_found misconfigured no_container port_not_published refused silent timeout too_old "
                "unreachable"
            ),
            "It is not PostgreSQL 16": "version",
            "It is slow": "slow",
            "Out of connections": "only_reserved_slots pool_exhausted slots_scarce too_many_connections",
            "TLS": "certificate_expired certificate_host certificate_unknown tls_failed tls_not_offered tls_required",
            "The container won't start": "container_stopped in_recovery lost shutting_down starting_up",
            "The password or the user is wrong": (
                "database_missing guards_missing not_in_hba not_permitted password_missing password_rejected "
                "role_missing"
            ),
        },
        "the container is healthy": {
            "Connection refused": "not_found",
            "The container won't start": "no_engine not_running starting unhealthy",
            "The health check is another": "healthcheck_differs no_healthcheck",
        },
        "it is PostgreSQL 16": {
            "Connection refused": (
                "failed host_not_found misconfigured no_container port_not_published refused silent timeout too_old "
                "unreachable"
            ),
            "It is not PostgreSQL 16": "version",
            "It is slow": "slow",
            "Out of connections": "only_reserved_slots pool_exhausted slots_scarce too_many_connections",
            "TLS": "certificate_expired certificate_host certificate_unknown tls_failed tls_not_offered tls_required",
            "The container won't start": "container_stopped in_recovery lost shutting_down starting_up",
            "The password or the user is wrong": (
                "database_missing guards_missing not_in_hba not_permitted password_missing password_rejected "
                "role_missing"
            ),
        },
        "the release is current": "The release is behind",
        "three schemas and eight tables": "A schema or table is missing",
        "migrations at head": {
            NOTHING: "out_of_sight",  # the finding says where the table lies, and the catalog what to make of it
            "A schema or table is missing": "behind destroys_data empty_version_table unmanaged",
            "Code and revisions disagree": (
                "apply_failed downgrade_failed drift left_behind models_unreadable overlapping_rows reapply_failed "
                "reviewed_unknown several_heads undeclared unknown_revision"
            ),
            "Permission denied": "broken_files unreadable",
        },
        "connections and memory": "A setting differs",
        "storage is taken for an SSD": "Storage is not taken for an SSD",
        "TLS is required": "TLS",
        "storage is left": "The disk fills up",
        "connections are left": {
            "Out of connections": (
                "exhausted idle idle_in_transaction long_transaction nearly_exhausted not_tracked pool_exhausted"
            ),
            "Sessions wait for a lock": "blocked",
        },
        "pool": "A pool is empty, or not what it was",
        "pool_budget": "Out of connections",
        "the indexes": "It is slow",
        "sequences have numbers left": "A sequence runs out",
        "no slow queries": {
            "It is slow": "slow slow_seldom",
            "Nothing is known of slow queries": "not_installed not_preloaded not_tracked outdated",
        },
        "the role and its password": "A role may too much, or too little",
        "statements are logged": "Statements are not logged",
        "Every campaign has an owner": "A campaign has no owner",
        "Whoever owns a campaign takes part in it": "An owner does not take part",
        "No live session is without an active user": "A session outlives its account",
        "there is an administrator": "Nobody is an administrator",
        "security events in the last 24 hours": "No security event for a day",
    },
    "teller": {
        "a dump of today": "No backup of ours, or a bad one",
        "a dump was restored this quarter": "The drill failed, or is overdue",
        "the database answers": {
            '"Address already in use"': "lost",
            '"SSL connection required"': (
                "certificate_expired certificate_host certificate_unknown not_in_hba tls_failed tls_not_offered "
                "tls_required"
            ),
            "Connection refused": (
                "failed host_not_found misconfigured no_container port_not_published refused silent timeout too_old "
                "unreachable"
            ),
            "It is slow, or the disk fills up": "slow",
            "The container does not start": "container_stopped in_recovery shutting_down starting_up",
            "The password is not accepted": (
                "guards_missing not_permitted password_missing password_rejected role_missing"
            ),
            "There is no such database": "database_missing",
            "Too many connections": "only_reserved_slots pool_exhausted slots_scarce too_many_connections",
        },
        "the container is healthy": "The container does not start",
        "TLS is required": '"SSL connection required"',
        "TLS is sound": '"SSL connection required"',
        "the three tables": 'Migration conflicts: "Target database is not up to date"',
        "migrations at head": {
            NOTHING: "out_of_sight",  # the finding says where the table lies, and the catalog what to make of it
            'Migration conflicts: "Target database is not up to date"': (
                "behind destroys_data empty_version_table unmanaged"
            ),
            "Schema drift": (
                "apply_failed broken_files downgrade_failed drift left_behind models_unreadable overlapping_rows "
                "reapply_failed reviewed_unknown several_heads undeclared unknown_revision unreadable"
            ),
        },
        "create, read, persist": {
            'Migration conflicts: "Target database is not up to date"': "write_refused",
            "What was written is not there": "cleanup_failed not_persisted not_read_back",
        },
        "Every balance and transaction belongs to an account": "Rows without an account",
        "No balance is from the future": "A balance from the future",
        "the service is up": "The service does not answer",
        "connections are left": {
            "A session holds on to a transaction or a lock": "blocked idle_in_transaction long_transaction not_tracked",
            "Too many connections": "exhausted idle nearly_exhausted pool_exhausted",
        },
        "pool": "The pool runs dry, or hands out dead connections",
        "pool_budget": "Too many connections",
        "no slow queries": {
            "It is slow, or the disk fills up": "slow slow_seldom",
            "Nothing is known of slow queries": "not_installed not_preloaded not_tracked outdated",
        },
        "storage is left": "It is slow, or the disk fills up",
        "the release is current": "PostgreSQL is behind",
    },
}

# By system: the titles of the sections for an environment whose URL cannot be had, each with its codes. A name that no
# page has (`environment.unknown`) is told with those there are, and there is nothing to add.
URLS: dict[str, dict[str, str]] = {
    "relay": {"There is no URL, or only a part of one": "unset empty unresolved malformed"},
    "platform-api": {
        '"Environment variable not found: DATABASE_URL"': "unset empty",
        "A reference between services does not resolve": "unresolved",
        "The URL is not one": "malformed",
    },
    "blackroad": {"Connection issues": "unset empty unresolved malformed"},
    "gaia": {"There is no URL, or only a part of one": "unset empty unresolved malformed unknown_service"},
    "teller": {"There is no URL, or only a part of one": "unset empty unresolved malformed unknown_service"},
}
