"""The parameters after a URL's `?`: libpq's own, and those of other drivers, translated or dropped.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

from collections.abc import Mapping

from checks.errors import UrlMalformed
from checks.suggest import did_you_mean
from checks.targets.mistyped import MALFORMED

SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SECRET = frozenset({"password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"})
_LIBPQ = """
application_name channel_binding client_encoding connect_timeout dbname fallback_application_name gssdelegation
gssencmode gsslib host hostaddr keepalives keepalives_count keepalives_idle keepalives_interval krbsrvname
load_balance_hosts max_protocol_version min_protocol_version oauth_client_id oauth_issuer oauth_scope options passfile
port requirepeer require_auth service sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey sslmode sslnegotiation
sslrootcert sslsni ssl_max_protocol_version ssl_min_protocol_version target_session_attrs tcp_user_timeout user
"""
LIBPQ = SECRET | frozenset(_LIBPQ.split())

# What asyncpg, JDBC and Node's driver call sslmode, with their values for it.
_SSL_VALUES = {mode: mode for mode in SSLMODES} | {
    "true": "require",
    "1": "require",
    "false": "disable",
    "0": "disable",
    "no-verify": "require",
}

# Settings of pools and of other drivers' caches: they say nothing of where the database is.
_OTHERS = """
async_fallback command_timeout connection_limit max_cached_statement_lifetime max_cacheable_statement_size max_overflow
pgbouncer pool pool_mode pool_recycle pool_size pool_timeout prepared_statement_cache_size prepared_statement_name_func
prepareThreshold socket_timeout sslaccept sslidentity statement_cache_size supa timeout uselibpqcompat workaround
"""
_DROPPED = frozenset(_OTHERS.split())


def translated(given: Mapping[str, str], source: str) -> dict[str, str]:
    """The parameters as libpq takes them. Raises UrlMalformed for one nobody knows, or an `sslmode` there is not."""
    found = {key: value for key, value in given.items() if key not in _DROPPED and key not in {"ssl", "schema"}}
    for key in found:
        if key not in LIBPQ:
            known = LIBPQ | _DROPPED | {"ssl", "schema"}
            raise UrlMalformed(
                f"{source} has a parameter after its `?` that no PostgreSQL driver knows.",
                hint=did_you_mean(key, known) or "Compare it with libpq's list of parameter key words.",
                code=MALFORMED,
            )
    mode = given.get("sslmode", given.get("ssl"))
    if mode is not None:
        if mode not in _SSL_VALUES:
            raise UrlMalformed(
                f"{source} has an `sslmode` there is not.",
                hint=did_you_mean(mode, SSLMODES) or f"It is one of {', '.join(SSLMODES)}.",
                code=MALFORMED,
            )
        found["sslmode"] = _SSL_VALUES[mode]
    if given.get("schema", "public") != "public" and "options" not in found:
        # Prisma's way to name the schema that unqualified names are looked for in.
        found["options"] = f"-c search_path={given['schema']}"
    return found
